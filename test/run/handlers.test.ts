/** Handlers files as they are read, replaced and given up: one version of them a node. */
import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRunner, type ModuleAndFunctionRunner } from '../../src/run/runner.ts'
import { Heard } from '../contract/runner.ts'
import { until } from '../support/until.ts'

let folder: string
let heard: Heard
const warnings: string[] = []

beforeEach(async () => {
  // Outside of any project: what is imported from there is found nowhere.
  folder = await realpath(await mkdtemp(join(tmpdir(), 'handlers-')))
  warnings.length = 0
})
afterEach(async () => {
  await heard?.runner.stop()
  await rm(folder, { recursive: true })
})

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
}

async function load(...names: string[]): Promise<void> {
  const runner: ModuleAndFunctionRunner = await createRunner({
    files: names.map(name => join(folder, name)),
    concurrency: 2,
    idleMs: 10_000,
    log: { warn: message => warnings.push(message) }
  })
  heard = new Heard(runner)
}

const value = (type: string, payload?: unknown): Promise<unknown> =>
  heard.value(heard.start(type, payload))

/** All parts of a program: of each kind one file, and each says which version it is. */
const parts = (version: number): Record<string, string> => ({
  'main.ts': `
    import { early } from './early.ts'
    import data from './data.json' with { type: 'json' }
    import common from './common.cjs'
    const name: string = 'main ${version}'
    export async function tell(wait: number): Promise<unknown> {
      await new Promise(resolve => setTimeout(resolve, wait))
      const { late } = await import('./late.js')
      const { default: more } = await import('./more.json', { with: { type: 'json' } })
      return [name, early, data, common.all(), late, more]
    }
    ${version === 2 ? 'export const added = () => 2' : 'export const removed = () => 1'}`,
  'early.ts': `export const early: string = 'early ${version}'`,
  'late.js': `import { deep } from './deep.mjs'; export const late = 'late ${version} ' + deep`,
  'deep.mjs': `export const deep = 'deep ${version}'`,
  'data.json': `"data ${version}"`,
  'more.json': `"more ${version}"`,
  'common.cjs': `exports.all = () => ['common ${version}', require('./second')]`,
  'second.js': `module.exports = 'second ${version}'`
})
const told = (version: number): unknown[] => [
  `main ${version}`,
  `early ${version}`,
  `data ${version}`,
  [`common ${version}`, `second ${version}`],
  `late ${version} deep ${version}`,
  `more ${version}`
]

describe('what was read at the start is what runs', () => {
  test('in every thread, whatever becomes of the files, until they are read anew as a whole', async () => {
    await write(parts(1))
    await load('main.ts')
    await write(parts(2))
    // Two at a time are two threads.
    expect(await Promise.all([value('tell', 100), value('tell', 100)])).toEqual([told(1), told(1)])
    const running = heard.start('tell', 500)
    await until(() => heard.runner.threads > 0, 'a thread')
    expect(await heard.runner.reload()).toEqual({
      handlers: ['added', 'tell'],
      added: ['added'],
      removed: ['removed']
    })
    expect(heard.runner.handlers).toEqual(['added', 'tell'])
    expect(await Promise.all([value('tell', 100), value('tell', 100)])).toEqual([told(2), told(2)])
    expect(await heard.value(running)).toEqual(told(1))
    expect(warnings).toEqual([])
  })

  test('a new version that cannot be loaded changes nothing, and says where it is wrong', async () => {
    await write(parts(1))
    await load('main.ts')
    await write({ ...parts(2), 'early.ts': 'export const early: = 1' })
    await expect(heard.runner.reload()).rejects.toThrow(`(at ${join(folder, 'early.ts')}:1:21)`)
    expect(heard.runner.handlers).toEqual(['removed', 'tell'])
    expect(await value('tell', 0)).toEqual(told(1))
  })

  test('a file that is registered later is read with what was read before', async () => {
    await write(parts(1))
    await write({
      'other.ts': `import { early } from './early.ts'; export const other = () => early`
    })
    await load('main.ts')
    await value('tell', 0)
    await write(parts(2))
    await heard.runner.registerModule('other', join(folder, 'other.ts'))
    expect(await value('other')).toBe('early 1')
    await heard.runner.reload()
    expect(await value('other')).toBe('early 2')
  })

  test('other files may take the place of those at the start', async () => {
    await write({ 'a.js': 'export const a = () => 1', 'b.js': 'export const b = () => 2' })
    await load('a.js')
    const { added, removed } = await heard.runner.reload([join(folder, 'b.js')])
    expect([added, removed]).toEqual([['b'], ['a']])
    expect(await value('b')).toBe(2)
  })

  test('a run that waits for a thread when its handler goes is to run elsewhere', async () => {
    await write(parts(1))
    await load('main.ts')
    const running = [heard.start('tell', 60_000), heard.start('tell', 60_000)]
    const waiting = heard.start('removed')
    await write(parts(2))
    await heard.runner.reload()
    for (const { taskId, epoch } of running) await heard.runner.abort(taskId, epoch)
    expect(await heard.failure(waiting)).toMatchObject({ retryAfterMs: 0 })
  })
})

describe('a file that cannot be loaded any more', () => {
  const files = {
    'work.js': `import { answer } from 'installed'; export const work = () => answer; export const more = () => 1`,
    'fine.js': 'export const fine = () => 1',
    'node_modules/installed/package.json':
      '{"name":"installed","type":"module","exports":"./index.js"}',
    'node_modules/installed/index.js': 'export const answer = 42'
  }

  test.each([
    ['has lost a package', '', 'Cannot find package'],
    ['throws', 'throw new Error("no licence")', 'no licence'],
    ['ends its thread', 'process.exit(3)', 'process.exit(3)'],
    [
      'fails beside its import',
      'setTimeout(() => { throw new Error("late") }); await new Promise(() => {})',
      'late'
    ]
  ])('%s: its tasks go elsewhere, and it comes back by itself', async (_, text, why) => {
    await write(files)
    await load('work.js', 'fine.js')
    if (text === '') await rename(join(folder, 'node_modules'), join(folder, 'gone'))
    else await write({ 'node_modules/installed/index.js': `${text}; export const answer = 1` })
    const failed = await heard.failure(heard.start('work'))
    expect(failed).toMatchObject({ retryAfterMs: 0 })
    expect(failed.error.message).toContain(why)
    expect(heard.runner.handlers).toEqual(['fine'])
    expect(heard.changes).toBe(1)
    expect(warnings.join()).toContain('cannot be loaded any more')
    expect(await value('fine')).toBe(1)
    if (text === '') await rename(join(folder, 'gone'), join(folder, 'node_modules'))
    else await write(files)
    await until(() => heard.changes === 2, 'it to be loaded again', 15_000)
    expect(heard.runner.handlers).toEqual(['fine', 'more', 'work'])
    expect(await value('work')).toBe(42)
  })

  test('a reload brings it back at once', async () => {
    await write(files)
    await load('work.js')
    await write({ 'node_modules/installed/index.js': 'throw 1' })
    await heard.failure(heard.start('work'))
    await write(files)
    await heard.runner.reload()
    expect(await value('work')).toBe(42)
  })
})

describe('what a file may import', () => {
  test('hearsay itself, wherever the file stands', async () => {
    await write({
      'h.ts': `import { NonRetryableError, RetryAfterError, type HandlerContext } from 'hearsay'
        export const early = () => { throw new RetryAfterError(5000, 'not yet') }
        export const never = (_: unknown, { attempt }: HandlerContext) => { throw new NonRetryableError('no ' + attempt) }`,
      'c.cjs': `const { RetryAfterError } = require('hearsay'); exports.common = () => { throw new RetryAfterError(5000) }`
    })
    await load('h.ts', 'c.cjs')
    expect(await heard.failure(heard.start('early'))).toMatchObject({ retryAfterMs: 5000 })
    expect(await heard.failure(heard.start('common'))).toMatchObject({ retryAfterMs: 5000 })
    expect(await heard.failure(heard.start('never'))).toMatchObject({ reason: 'NonRetryable' })
  })

  test.each([
    ['a.js', 'const x = ;', 'SyntaxError', 'a.js:1:11'],
    ['a.mjs', 'export const f = () => {}\n\n  if )', 'SyntaxError', 'a.mjs:3:6'],
    ['a.cjs', '\nexports.f = () => {\n  return 1 +;\n}', 'SyntaxError', 'a.cjs:3:13'],
    ['a.ts', 'export const f = () => {}\nenum A { B }', 'enum is not supported', 'a.ts:2:1'],
    ['a.ts', '\nexport const f = (x: ) => {}', 'SyntaxError', 'a.ts:2:22'],
    ['a.ts', "\n import { nope } from './ok.ts'", "named 'nope'", 'a.ts:2:11'],
    ['a.js', "\n\nimport x from 'no-such-package'", 'no-such-package', 'a.js:3:15'],
    ['a.js', "import './missing.js'", 'missing.js', 'a.js:1:8'],
    ['a.js', "import './broken.mjs'", 'SyntaxError', 'broken.mjs:2:3'],
    ['a.js', "import './ok.json'", 'import attribute', 'a.js:1:8'],
    ['a.js', "import j from './bad.json' with { type: 'json' }", 'JSON', 'bad.json:2:2'],
    ['a.js', "import j from './token.json' with { type: 'json' }", 'JSON', 'token.json:2:8'],
    ['a.ts', 'export const f = 1\nexport const f = 2', 'already been declared', 'a.ts:2:14'],
    ['a.mts', 'let f: 1\nlet f: 2', 'already been declared', 'a.mts:2:5'],
    ['a.cjs', "\n  require('./nothing')", "Cannot find module './nothing'", 'a.cjs:2:11'],
    ['a.js', '\n  null.x', "reading 'x'", 'a.js:2:8']
  ])('%s with %j is refused with %s, at %s', async (file, text, why, place) => {
    await write({
      [file]: text,
      'package.json': '{"type":"module"}',
      'ok.ts': 'export const ok = 1',
      'ok.json': '{}',
      'bad.json': '{\n x',
      'token.json': '{\n  "a": }\n',
      'broken.mjs': 'const a = 1\n  }'
    })
    const refused = await load(file).then(
      () => '',
      (error: Error) => error.message
    )
    expect(refused).toContain(`cannot load the handlers file ${join(folder, file)}`)
    expect(refused).toContain(why)
    expect(refused).toContain(`(at ${join(folder, place)})`)
  })
})
