/**
 * What is built and packed, from a copy of the checkout: it names its sources when something fails, needs only what the
 * package depends on, and is never changed under a node that runs.
 */
import { execFile } from 'node:child_process'
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile
} from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newKey } from '../../src/key.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
/** Bundling, and the compiler with the types of Node: seconds, more on a busy machine. */
const SLOW_MS = 90_000
const COPIED = 'bin config src LICENSE README.md package.json tsconfig.json'.split(' ')

let folder: string
let checkout: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-package-'))
  checkout = join(folder, 'checkout')
  for (const name of COPIED) await cp(join(root, name), join(checkout, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  await build()
}, SLOW_MS)
afterAll(() => rm(folder, { recursive: true, force: true }))

async function build(...flags: string[]): Promise<void> {
  await run(process.execPath, [join(checkout, 'config/tools/build.ts'), ...flags])
}

const inDist = (...path: string[]): string => join(checkout, 'dist', ...path)

/** The build that the entries name. */
async function named(): Promise<string> {
  return /\.\/(\w+)\/cli\.js/.exec(await readFile(inDist('cli.js'), 'utf8'))![1]!
}

/** Every file of a build: its path there -> when it was changed last. */
async function changes(build: string): Promise<ReadonlyMap<string, number>> {
  const entries = await readdir(inDist(build), { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  const times = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name)
    return [path.slice(inDist(build).length + 1), (await stat(path)).mtimeMs] as const
  })
  return new Map(await Promise.all(times))
}

/** What files import that is not their own. */
async function foreignImports(paths: readonly string[]): Promise<Set<string>> {
  const texts = await Promise.all(paths.map(path => readFile(path, 'utf8')))
  const names = texts.flatMap(text =>
    ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName)
  )
  return new Set(names.filter(name => !name.startsWith('.') && !/^hearsay(\/|$)/.test(name)))
}

describe('what was built', () => {
  test('imports only what the package depends on', async () => {
    const id = await named()
    const files = [...(await changes(id)).keys()].map(path => inDist(id, path))
    const { dependencies, peerDependencies } = JSON.parse(
      await readFile(join(checkout, 'package.json'), 'utf8')
    ) as Record<'dependencies' | 'peerDependencies', Record<string, string>>
    const allowed = { ...dependencies, ...peerDependencies }
    const known = new Set([...Object.keys(allowed), ...builtinModules])
    for (const ending of ['.js', '.d.ts']) {
      const imported = await foreignImports(files.filter(file => file.endsWith(ending)))
      expect(imported.size).toBeGreaterThan(0)
      const unknown = [...imported].filter(name => !known.has(name.replace(/^node:/, '')))
      expect(unknown).toEqual([])
    }
  })

  test('has no character that would have V8 keep two bytes for each', async () => {
    const id = await named()
    // The page is a browser's: a node serves its bytes.
    const files = [...(await changes(id)).keys()].filter(
      path => path.endsWith('.js') && !path.startsWith('dashboard/')
    )
    const texts = await Promise.all(files.map(path => readFile(inDist(id, path), 'latin1')))
    // oxlint-disable-next-line no-control-regex -- all of ASCII is meant
    expect(files.filter((_, index) => /[^\0-\x7f]/.test(texts[index]!))).toEqual([])
  })

  test(
    'has types for programs that know the types of Node and nothing else',
    async () => {
      const file = join(checkout, 'program.ts')
      const program = (priority: string): string => `
import { createNode } from 'hearsay'
import { simulate } from 'hearsay/sim'
const node = await createNode<{ shout(payload: { text: string }): string }>()
const id = await node.createTask('shout', { text: 'hello' }, { priority: ${priority} })
export const result: string = await node.waitForTask(id)
export const message: string | undefined = simulate(7, { nodes: 3 }).violation?.message
`
      const faults = async (text: string): Promise<string[]> => {
        await writeFile(file, text)
        const { options } = ts.convertCompilerOptionsFromJson(
          { target: 'es2024', lib: ['es2024', 'esnext.disposable'], module: 'nodenext' },
          checkout
        )
        const checked = { ...options, strict: true, noEmit: true, types: ['node'] }
        return ts
          .getPreEmitDiagnostics(ts.createProgram([file], checked))
          .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
      }
      expect(await faults(program('8'))).toEqual([])
      expect(await faults(program("'high'"))).toEqual([
        expect.stringMatching(/'string' is not assignable to type 'number'/)
      ])
    },
    SLOW_MS
  )

  test('names its sources where a verb fails', async () => {
    const env = { PATH: process.env['PATH'], XDG_DATA_HOME: folder, HEARSAY_LOG_LEVEL: 'debug' }
    const hearsay = join(checkout, 'bin/hearsay.js')
    const { stderr } = await run(process.execPath, [hearsay, 'status'], { env }).catch(
      (error: { stderr: string }) => error
    )
    const source = await readFile(join(checkout, 'src/api/find.ts'), 'utf8')
    const [, line = ''] = /at \w+ \(file:\S+\/src\/api\/find\.ts:(\d+):\d+\)/.exec(stderr) ?? []
    expect(source.split('\n')[Number(line) - 1]).toContain('new NoNodeError(')
    expect(stderr).not.toContain('/dist/')
  })

  test('names its sources, and those of a handler, where a run fails', async () => {
    const handlers = join(folder, 'handlers.ts')
    await writeFile(
      handlers,
      `type Payload = { of: string }

export function fail({ of }: Payload): never {
  throw new TypeError(of)
}
`
    )
    const program = join(folder, 'fails.mjs')
    await writeFile(
      program,
      `
import { createNode } from ${JSON.stringify(pathToFileURL(inDist('index.js')).href)}
const node = await createNode(${JSON.stringify({
        key: newKey(),
        cluster: 'test',
        data: join(folder, 'data'),
        listen: ['/ip4/127.0.0.1/tcp/0'],
        mdns: false,
        handlers: [handlers],
        logLevel: 'silent'
      })})
await node.startWorker()
const id = await node.createTask('fail', { of: 'lines' }, { maxRetries: 0 })
await node.waitForTask(id).catch(() => {})
console.log(node.task(id).error.stack)
await node.leave(0)
`
    )
    const { stdout } = await run(process.execPath, [program])
    expect(stdout).toMatch(/at fail \(file:\S+\/handlers\.ts:4:9\)/)
    expect(stdout).toMatch(/at call \(file:\S+\/src\/run\/threads\/worker\.ts:\d+:\d+\)/)
  })
})

describe('building again', () => {
  test('does nothing if there is nothing new', async () => {
    const id = await named()
    const before = await changes(id)
    await build()
    expect(await named()).toBe(id)
    expect(await changes(id)).toEqual(before)
  })

  test(
    'leaves what nodes run on as it is, and a package has the last build alone',
    async () => {
      const id = await named()
      const before = await changes(id)
      const source = join(checkout, 'src/key.ts')
      await writeFile(source, (await readFile(source, 'utf8')).replace('export', '\nexport'))
      await build()
      const next = await named()
      expect(next).not.toBe(id)
      expect(await changes(id)).toEqual(before)
      await mkdir(inDist('stray'))
      await build('--alone')
      expect((await readdir(inDist())).filter(name => !/\.(js|d\.ts)$/.test(name))).toEqual([next])
    },
    SLOW_MS
  )

  test(
    'a package has the text of its own sources, and the licences of others',
    async () => {
      await build('--alone')
      const npm = ['pack', '--dry-run', '--json', '--ignore-scripts']
      const { stdout } = await run('npm', npm, { cwd: checkout })
      const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
      const paths = files.map(({ path }) => path)
      const id = await named()
      expect(paths).toContain(`dist/${id}/THIRD-PARTY-LICENSES`)
      expect(paths.filter(path => path.endsWith('.ts') && !path.endsWith('.d.ts'))).toEqual([])
      const maps = paths.filter(path => path.endsWith('.map'))
      expect(maps.length).toBeGreaterThan(0)
      for (const path of maps) {
        const { sources, sourcesContent } = JSON.parse(
          await readFile(join(checkout, path), 'utf8')
        ) as { sources: string[]; sourcesContent: (string | null)[] }
        const bare = sources.filter((_, index) => sourcesContent[index] === null)
        expect(bare.filter(source => !source.includes('/node_modules/'))).toEqual([])
      }
      const licences = await readFile(inDist(id, 'THIRD-PARTY-LICENSES'), 'utf8')
      for (const name of ['libp2p', '@libp2p/gossipsub', 'zod', 'pino']) {
        expect(licences).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+, `, 'm'))
      }
      const { messages } = await publint({ pkgDir: checkout, pack: 'npm', strict: true })
      // Its first two lines are a shell's, which starts Node: only that can tell whether SIGHUP was ignored.
      const others = messages.filter(({ code }) => code !== 'BIN_FILE_NOT_EXECUTABLE')
      expect(others).toEqual([])
    },
    SLOW_MS
  )
})
