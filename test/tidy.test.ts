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

const words = ['errors', 'names', 'durations', 'node-options', 'key', 'folders', 'pieces']
const parts = ['core', 'wire', 'node', 'net', 'store', 'run', 'state', 'metrics']
/** Room of src/ (or file directly in it) -> what it may import besides itself: rooms, or single files of a room. */
const mayImport: Record<string, readonly string[]> = {
  errors: [],
  folders: [],
  pieces: [],
  names: ['errors'],
  durations: [],
  'node-options': ['core', 'durations', 'errors', 'folders', 'names'],
  key: ['errors', 'folders'],
  core: [],
  wire: ['core'],
  node: ['core', ...words],
  net: ['core', 'wire', 'node/ports', ...words],
  store: ['core', 'wire', 'node/ports', ...words],
  run: ['core', 'node/handler', 'node/ports', 'node/handle', ...words],
  state: ['core', 'wire', 'node/ports', ...words],
  metrics: ['core', 'node/facts', ...words],
  sim: ['core', 'wire', 'node/ports', 'node/loop-lag', 'node/inputs', ...words],
  'create-node': [...parts, ...words],
  index: ['create-node', ...parts, ...words],
  api: ['core', 'node/handle', ...words],
  demo: ['api', 'node/handle', ...words],
  doctor: ['net/knock', 'net/protocol', 'node/handle', ...words],
  cli: ['index', 'create-node', 'api', 'sim', 'demo', 'doctor', ...parts, ...words]
}

const coreRooms = ['base', 'task', 'log', 'members', 'claim', 'queue', 'steal', 'blobs', 'counting']
const coreWords = ['message', 'options', 'limits', 'effect', 'input', 'output']
/** The same inside src/core: base <- task <- log <- claim <- queue <- steal <- core.ts, and members beside them. */
const mayImportInCore: Record<string, readonly string[]> = {
  base: ['options'],
  options: ['base'],
  limits: ['options'],
  task: ['base', 'options', 'limits'],
  message: ['base', 'task', 'counting/counts'],
  'message-shapes': ['base', 'task', 'counting/counts', 'limits', 'message', 'options'],
  effect: ['base', 'task', 'message'],
  output: ['base'],
  input: ['base', 'task', 'message'],
  log: ['base', 'task', ...coreWords],
  members: ['base', ...coreWords],
  claim: ['base', 'task', 'log', 'members', ...coreWords],
  queue: ['base', 'task', 'log', 'claim', ...coreWords],
  steal: ['base', 'task', 'log', 'members', 'claim', 'queue', ...coreWords],
  blobs: ['base', 'task', ...coreWords],
  counting: ['base', 'task', 'log', ...coreWords],
  inquiry: ['context', 'replication', ...coreRooms, ...coreWords],
  chronicle: ['context', ...coreRooms, ...coreWords],
  telling: ['context', ...coreRooms, ...coreWords],
  view: ['context', 'room', 'telling', ...coreRooms, ...coreWords],
  context: ['authors', ...coreRooms, ...coreWords],
  answers: [...coreRooms, ...coreWords],
  asking: ['context', ...coreRooms, ...coreWords],
  spreading: ['context', ...coreRooms, ...coreWords],
  reporting: ['context', ...coreRooms, ...coreWords],
  room: ['context', ...coreRooms, ...coreWords],
  replication: ['asking', 'context', 'reporting', 'room', 'spreading', ...coreRooms, ...coreWords],
  takeover: ['asking', 'context', 'newcomers', 'replication', ...coreRooms, ...coreWords],
  authors: [...coreRooms, ...coreWords],
  pruning: ['context', 'room', ...coreRooms, ...coreWords],
  belief: ['context', 'message-shapes', ...coreRooms, ...coreWords],
  closing: ['context', ...coreRooms, ...coreWords],
  keeping: ['context', ...coreRooms, ...coreWords],
  membership: ['context', 'presence', 'takeover', ...coreRooms, ...coreWords],
  parting: [
    'context',
    'exchange',
    'keeping',
    'presence',
    'replication',
    'telling',
    'work',
    ...coreRooms,
    ...coreWords
  ],
  newcomers: ['asking', 'context', ...coreRooms, ...coreWords],
  isolation: ['context', 'work', ...coreRooms, ...coreWords],
  rest: ['context', ...coreRooms, ...coreWords],
  stepping: ['context', ...coreRooms, ...coreWords],
  probing: ['context', ...coreRooms, ...coreWords],
  provision: ['context', 'keeping', ...coreRooms, ...coreWords],
  witness: ['context', 'replication', ...coreRooms, ...coreWords],
  slots: [
    'chronicle',
    'context',
    'keeping',
    'provision',
    'replication',
    'takeover',
    'witness',
    ...coreRooms,
    ...coreWords
  ],
  submitting: ['context', 'replication', 'room', 'takeover', 'keeping', ...coreRooms, ...coreWords],
  work: [
    'chronicle',
    'witness',
    'context',
    'replication',
    'takeover',
    'pruning',
    'room',
    'keeping',
    'slots',
    'submitting',
    ...coreRooms,
    ...coreWords
  ],
  exchange: ['context', 'replication', 'work', ...coreRooms, ...coreWords],
  presence: ['context', 'work', ...coreRooms, ...coreWords],
  waking: ['asking', 'context', 'presence', 'work', ...coreRooms, ...coreWords],
  core: [
    'answers',
    'asking',
    'authors',
    'belief',
    'context',
    'replication',
    'takeover',
    'closing',
    'keeping',
    'probing',
    'membership',
    'inquiry',
    'isolation',
    'stepping',
    'waking',
    'rest',
    'parting',
    'work',
    'exchange',
    'presence',
    'telling',
    'view',
    ...coreRooms,
    ...coreWords
  ]
}

const topLevel = [
  'README.md LICENSE package.json package-lock.json tsconfig.json .gitignore',
  '.ci bin config src test .git node_modules dist docs hearsay-demo.png'
].flatMap(names => names.split(' '))

/** Assembled, so that this file does not contain them. */
const bannedWords = ['TO|DO', 'FIX|ME', 'X|XX', 'describe.on|ly', 'test.on|ly', '@ts-ig|nore'].map(
  word => word.replace('|', '')
)

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

const sources = filesBelow('src', /\.ts$/).map(read)

/** `src/net/gossip.ts` below `src` -> room `net`, file `net/gossip`; `src/index.ts` -> both `index`. */
function place(path: string, base: string): { room: string; file: string } {
  const file = path.slice(base.length + 1).replace(/\.ts$/, '')
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

  test('rooms of the core import only what the table allows', () => {
    const inCore = sources.filter(({ path }) => path.startsWith('src/core/'))
    expect(inCore.flatMap(source => forbiddenImports(source, 'src/core', mayImportInCore))).toEqual(
      []
    )
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
