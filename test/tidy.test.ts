/**
 * The house rules that a machine can check: who may import whom, how long files and functions may be, which words do
 * not belong into the code, what may lie at the top of the repository.
 *
 * A rule in a document is forgotten; a rule that fails here is either kept or changed on purpose, in one line of the
 * tables below.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Longer files have more than one idea in them. Aim at 100 to 200 lines; a lower bound has cut ideas in two. */
const fileLinesMax = 500
const functionLinesMax = 60

const words = ['shared', 'pool-options', 'node-options', 'key']
const parts = [
  'core',
  'wire',
  'node',
  'ports',
  'net',
  'store',
  'run',
  'backup',
  'metrics',
  'tracing'
]
/** Room of src/ (or file directly in it) -> what it may import besides itself: rooms, or single files of a room. */
const mayImport: Record<string, readonly string[]> = {
  shared: [],
  'pool-options': ['core', 'shared'],
  'node-options': ['core', 'shared', 'pool-options'],
  key: ['shared'],
  core: [],
  ports: ['core'],
  wire: ['core'],
  node: ['core', 'ports', ...words],
  net: ['core', 'wire', 'ports', ...words],
  store: ['core', 'wire', 'ports', ...words],
  run: ['core', 'ports', 'node/api/node-api', ...words],
  backup: ['core', 'wire', 'ports', ...words],
  tracing: ['core', 'ports'],
  metrics: ['core', 'node/queries/metrics-snapshot', ...words],
  sim: [
    'core',
    'wire',
    'ports',
    'node/runtime/loop',
    'node/runtime/loop-lag',
    'node/runtime/inputs',
    'run/external/lease-book',
    ...words
  ],
  'create-node': [...parts, ...words],
  index: ['create-node', ...parts, ...words],
  api: ['core', 'node/api/node-api', 'node/api/lists-api', ...words],
  demo: ['api', 'node/api/node-api', ...words],
  dashboard: ['api', 'doctor', 'node/api/node-api', 'node/api/lists-api', ...words],
  mcp: ['api', 'node/api/node-api', 'node/api/lists-api', ...words],
  doctor: ['net/discovery/tcp-probe', 'net/protocol', 'node/api/node-api', ...words],
  cli: [
    'index',
    'create-node',
    'api',
    'sim',
    'demo',
    'doctor',
    'dashboard',
    'mcp',
    ...parts,
    ...words
  ]
}

/** Floors of src/core, bottom up, and above them the files at its top. */
const floors: readonly (readonly string[])[] = [
  ['base'],
  ['task'],
  ['log'],
  ['liveness', 'replication', 'telemetry'],
  ['membership'],
  ['claim', 'blobs'],
  ['queue'],
  ['gc'],
  ['scheduling'],
  ['steal'],
  ['lifecycle']
]
/** What everybody speaks: there every file may be imported. All other folders have a door, the file of their own name. */
const vocabularies = ['base', 'task']
/** Files at the top of the core that lower floors may import: what goes in and out or waits, and what all rooms share. */
const shared = ['context', 'effect', 'input', 'message', 'message-shapes', 'options', 'pending']
/** The network is one floor in several folders; types of any of them may be named on all of them. */
const storeyOf = new Map(
  floors.flatMap((folders, index) =>
    folders.map(folder => [folder, folder === 'membership' ? index - 1 : index] as const)
  )
)
const floorOf = new Map(
  floors.flatMap((folders, index) => folders.map(folder => [folder, index] as const))
)

const filesPerFolderMax = 15
const filesAtTopOfCoreMax = 9
/** One file a verb. */
const unbounded = ['src/cli/commands']

const topLevel = [
  'README.md LICENSE package.json package-lock.json tsconfig.json .gitignore',
  '.ci bin config src test .git node_modules dist docs hearsay-demo.png'
].flatMap(names => names.split(' '))

/** Assembled, so that this file does not contain them. */
const bannedWords = ['TO|DO', 'FIX|ME', 'X|XX', 'describe.on|ly', 'test.on|ly', '@ts-ig|nore'].map(
  word => word.replace('|', '')
)

/** What a vector or a log covers of a boot, beside a comparison. */
const COVERED_BY_HAND =
  /\b(?:merged|reach\w*)\([^()]*\) (?:<|>)=? |(?<!=)(?:<|>)=? (?:[\w#]+\.)*(?:merged|reach\w*)\(/

type Source = { path: string; text: string; tree: ts.SourceFile }

function filesBelow(folder: string, endings: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && endings.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name).slice(root.length))
    .sort()
}

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8')
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2024, true) }
}

const sources = filesBelow('src', /\.tsx?$/).map(read)

/** `src/net/gossip.ts` below `src` -> room `net`, file `net/gossip`; `src/index.ts` -> both `index`. */
function place(path: string, base: string): { room: string; file: string } {
  const file = path.slice(base.length + 1).replace(/\.tsx?$/, '')
  return { room: file.split('/')[0] ?? file, file }
}

function forbiddenImports(source: Source, base: string, table: typeof mayImport): string[] {
  const { room } = place(source.path, base)
  const allowed = table[room]
  if (allowed === undefined) return [`${source.path}: room "${room}" is not in the table`]
  return ts
    .preProcessFile(source.text)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => normalize(join(dirname(source.path), fileName)))
    .filter(target => target.startsWith(`${base}/`))
    .filter(target => {
      const to = place(target, base)
      return to.room !== room && !allowed.includes(to.room) && !allowed.includes(to.file)
    })
    .map(target => `${source.path} -> ${target}`)
}

type Import = Readonly<{ from: string; to: string; isType: boolean }>

/** What a file imports from others of this tree: a path each, and whether only types are. */
function importsOf({ path, tree }: Pick<Source, 'path' | 'tree'>): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Expression | undefined, isType: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return
    if (!specifier.text.startsWith('.')) return
    found.push({ from: path, to: normalize(join(dirname(path), specifier.text)), isType })
  }
  for (const node of nodesOf(tree)) {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false)
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
  }
  return found
}

/** `src/core/log/log.ts` -> folder `log`, file `log`; of a file at the top of the core the folder is empty. */
function placeInCore(path: string): { folder: string; file: string } {
  const parts = path.slice('src/core/'.length).replace(/\.ts$/, '').split('/')
  return { folder: parts.length > 1 ? parts[0]! : '', file: parts.at(-1)! }
}

/** What is wrong with an import within the core, or null. */
function faultInCore({ from, to, isType }: Import): string | null {
  const [here, there] = [placeInCore(from), placeInCore(to)]
  if (here.folder === there.folder) return null
  const what = `${from} -> ${to}`
  if (there.folder === '') {
    return here.folder === '' || shared.includes(there.file) ? null : `${what}: upward`
  }
  const isAbove = (levels: ReadonlyMap<string, number>, orEqual: boolean): boolean => {
    if (here.folder === '') return false
    const [mine, theirs] = [levels.get(here.folder)!, levels.get(there.folder)!]
    return orEqual ? theirs >= mine : theirs > mine
  }
  if (isType) return isAbove(storeyOf, false) ? `${what}: upward, for a type` : null
  if (isAbove(floorOf, true)) return `${what}: upward, or on the same floor`
  const isDoor = vocabularies.includes(there.folder) || there.file === there.folder
  return isDoor ? null : `${what}: past the door`
}

function faultsInCore(all: readonly Pick<Source, 'path' | 'tree'>[]): string[] {
  return all
    .filter(({ path }) => path.startsWith('src/core/'))
    .flatMap(importsOf)
    .flatMap(one => faultInCore(one) ?? [])
}

/** Folders with more files than they may have. */
function overfull(paths: readonly string[]): string[] {
  const counts = Map.groupBy(paths, path => dirname(path))
  return [...counts]
    .filter(([folder]) => !unbounded.includes(folder))
    .filter(
      ([folder, { length }]) =>
        length > (folder === 'src/core' ? filesAtTopOfCoreMax : filesPerFolderMax)
    )
    .map(([folder, { length }]) => `${folder}: ${length} files`)
}

/** Files that reach themselves along imports of values, and pairs that import each other, for types or values. */
function circles(imports: readonly Import[]): string[] {
  const pairs = new Set(imports.map(({ from, to }) => `${from} ${to}`))
  const mutual = imports
    .filter(({ from, to }) => from < to && pairs.has(`${to} ${from}`))
    .map(({ from, to }) => `${from} <-> ${to}`)
  const values = Map.groupBy(
    imports.filter(({ isType }) => !isType),
    ({ from }) => from
  )
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (path: string, road: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') return void found.push([...road, path].join(' -> '))
    state.set(path, 'open')
    for (const { to } of values.get(path) ?? []) visit(to, [...road, path])
    state.set(path, 'done')
  }
  for (const path of values.keys()) visit(path, [])
  return [...new Set([...mutual, ...found])]
}

function nodesOf(tree: ts.Node): ts.Node[] {
  const found: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    found.push(node)
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

function longFunctions({ path, tree }: Source): string[] {
  return nodesOf(tree)
    .filter(node => ts.isFunctionLike(node) && 'body' in node)
    .map(node => {
      const first = tree.getLineAndCharacterOfPosition(node.getStart()).line
      return { first, lines: tree.getLineAndCharacterOfPosition(node.getEnd()).line - first + 1 }
    })
    .filter(({ lines }) => lines > functionLinesMax)
    .map(({ first, lines }) => `${path}:${first + 1}: ${lines} lines`)
}

describe('layers', () => {
  test('rooms import only what the table allows', () => {
    expect(sources.flatMap(source => forbiddenImports(source, 'src', mayImport))).toEqual([])
  })

  test('in the core imports run down from floor to floor, and through doors', () => {
    expect(faultsInCore(sources)).toEqual([])
    const folders = new Set(
      sources
        .filter(({ path }) => path.startsWith('src/core/'))
        .map(({ path }) => placeInCore(path).folder)
        .filter(folder => folder !== '')
    )
    expect([...folders].sort()).toEqual([...floorOf.keys()].sort())
  })

  test.each([
    ["import { Queue } from '../queue/queue.ts'", 'upward'],
    ["import type { Queue } from '../queue/queue.ts'", 'upward, for a type'],
    ["import { Core } from '../core.ts'", 'upward'],
    ["import { Roster } from '../membership/roster.ts'", 'past the door']
  ])('planted in a room of the core: %s: %s', (line, fault) => {
    const tree = ts.createSourceFile('planted.ts', line, ts.ScriptTarget.ES2024, true)
    const [found] = faultsInCore([{ path: 'src/core/claim/planted.ts', tree }])
    expect(found).toContain(fault)
  })

  test('no files import each other, round any number of corners', () => {
    const imports = sources.flatMap(importsOf)
    expect(circles(imports)).toEqual([])
    const [{ from, to }] = imports.filter(({ isType }) => !isType) as [Import]
    expect(circles([...imports, { from: to, to: from, isType: false }])).not.toEqual([])
  })

  test('the core and the wire import no package of Node, and the core none at all', () => {
    const foreign = sources
      .filter(({ path }) => /^src\/(core|wire)\//.test(path))
      .flatMap(({ path, text }) =>
        ts.preProcessFile(text).importedFiles.map(({ fileName }) => ({ path, fileName }))
      )
      .filter(({ fileName }) => !fileName.startsWith('.'))
      .filter(({ path, fileName }) => path.startsWith('src/core/') || fileName.startsWith('node:'))
    expect(foreign).toEqual([])
  })

  test('nothing in the core is asynchronous', () => {
    const asynchronous = sources
      .filter(({ path }) => path.startsWith('src/core/'))
      .filter(({ tree }) =>
        nodesOf(tree).some(
          node => node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)
        )
      )
    expect(asynchronous.map(({ path }) => path)).toEqual([])
  })
})

describe('sizes', () => {
  test('what version vectors cover is compared in base/version-vector.ts, and nowhere else', () => {
    const hits = sources
      .filter(({ path }) => !path.startsWith('src/core/base/'))
      .filter(({ text }) => COVERED_BY_HAND.test(text))
    expect(hits.map(({ path }) => path)).toEqual([])
    expect('if (log.merged(boot) < upTo) return').toMatch(COVERED_BY_HAND)
    expect('seq <= reach(vector, origin)').toMatch(COVERED_BY_HAND)
  })

  test('no folder has more files than somebody can keep in mind', () => {
    const paths = sources.map(({ path }) => path)
    expect(overfull(paths)).toEqual([])
    const more = Array.from({ length: filesPerFolderMax + 1 }, (_, n) => `src/wire/${n}.ts`)
    expect(overfull([...paths, ...more])).toHaveLength(1)
  })

  test(`no source file is longer than ${fileLinesMax} lines`, () => {
    const long = sources.filter(({ text }) => text.split('\n').length - 1 > fileLinesMax)
    expect(long.map(({ path }) => path)).toEqual([])
  })

  test(`no function is longer than ${functionLinesMax} lines`, () => {
    expect(sources.flatMap(longFunctions)).toEqual([])
  })
})

describe('words', () => {
  test('every source file opens with what it is', () => {
    expect(sources.filter(({ text }) => !text.startsWith('/**')).map(({ path }) => path)).toEqual(
      []
    )
  })

  test('no leftovers', () => {
    const all = ['src', 'test', 'bin', 'config'].flatMap(folder =>
      filesBelow(folder, /\.(ts|js|json)$/)
    )
    const found = all.flatMap(path => {
      const { text } = read(path)
      const has = (word: string): boolean => new RegExp(`(?<!\\w)${word}(?!\\w)`).test(text)
      return bannedWords.filter(has).map(word => `${path}: ${word}`)
    })
    expect(found).toEqual([])
  })

  test('the top of the repository holds only what belongs there', () => {
    const stray = readdirSync(root).filter(
      name => !topLevel.includes(name) && !/\.(log|tgz)$/.test(name)
    )
    expect(stray).toEqual([])
  })
})
