/**
 * `hearsay run` and `hearsay logs` with two real nodes: the one that is asked takes no commands, the other one does.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startApi, type Api } from '../../src/api/server.ts'
import { main } from '../../src/cli/main.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import type { Node } from '../../src/index.ts'
import { endAll, startNode } from '../library/nodes.ts'
import { isAlive } from '../support/processes.ts'
import { until } from '../support/until.ts'
import { into, run, type Said } from './run.ts'

let folder: string
let worker: Node
let asked: Node
let api: Api

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-run-'))
  worker = await startNode({ commands: true, concurrency: 4 })
  await worker.startWorker()
  asked = await startNode()
  api = await startApi(asked, folder)
  vi.stubEnv('HEARSAY_DATA', folder)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await api.close()
  await endAll()
  await rm(folder, { recursive: true, force: true })
})

/** What a command line writes to stdout. */
async function bytesOf(argv: readonly string[]): Promise<Buffer> {
  const written: Buffer[] = []
  const stdout = new Writable({
    write(piece: Buffer, _encoding, done) {
      written.push(piece)
      done()
    }
  })
  const streams = { stdin: Readable.from(['']), stdout, stderr: into(() => {}) }
  expect(await main(argv, new Terminal(streams))).toBe(0)
  return Buffer.concat(written)
}

const idOf = (script: string): string => {
  const isThis = ({ payload }: { payload: unknown }): boolean =>
    JSON.stringify(payload).includes(script)
  return [...asked.tasks({ type: 'command' })].find(isThis)!.id
}

test('a command runs on another node as if it ran here', async () => {
  const said = await run(['run', '--shell', '--', 'printf "$1 "; cat >&2; exit 7', 'out'], 'in')
  expect(said).toEqual({ code: 7, stdout: 'out ', stderr: '' })
})

test('it reads what it is told to read', async () => {
  const file = join(folder, 'text')
  await writeFile(file, 'of a file\n')
  expect(await run(['run', '--stdin', `@${file}`, '--', 'cat'])).toMatchObject({
    code: 0,
    stdout: 'of a file\n'
  })
  expect((await run(['run', '--stdin', '-', '--', 'cat'], 'ours')).stdout).toBe('ours')
  const script = 'echo "$A $PWD" >&2'
  const flags = ['--env', 'A=b', '--cwd', folder, '--shell']
  expect((await run(['run', ...flags, '--', script])).stderr).toBe(`b ${folder}\n`)
})

test('bytes stay bytes, from our stdin or a file to the command and back', async () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x80, 0, 0x0a])
  const file = join(folder, 'bytes')
  await writeFile(file, bytes)
  expect(await bytesOf(['run', '--stdin', `@${file}`, '--', 'cat'])).toEqual(bytes)
  const [task] = asked.tasks({ type: 'command', limit: 1 })
  expect(task).toMatchObject({
    payload: { argv: ['cat'], stdinBase64: bytes.toString('base64') },
    // That it is for nodes which know this field is nobody's wish.
    labels: { require: {}, prefer: {} }
  })
  const large = Buffer.alloc(300_000, Buffer.from([0x80, 0x41]))
  await writeFile(file, large)
  expect(await bytesOf(['run', '--stdin', `@${file}`, '--', 'cat'])).toEqual(large)
  const text = '\ufeffü\u0000\n'
  expect((await run(['run', '--stdin', '-', '--', 'cat'], text)).stdout).toBe(text)
})

test('what a command printed is its result, and its exit code is still ours', async () => {
  const flags = ['run', '--json', '--result-from', 'stdout', '--shell', '--']
  const said = await run([...flags, `echo '{"exitCode": 9}'`])
  expect(said.code).toBe(0)
  expect(JSON.parse(said.stdout.trim().split('\n').at(-1)!)).toMatchObject({
    state: 'completed',
    result: { exitCode: 9 }
  })
})

test('a node that takes commands shows no label but those that it was given', async () => {
  const taker = asked.nodes().find(({ name }) => name === worker.name)
  expect(taker).toMatchObject({ labels: {} })
  worker.setLabels({ gpu: '1' })
  await until(
    () => asked.nodes().find(({ name }) => name === worker.name)?.labels['gpu'] === '1',
    'the label to be heard'
  )
  const id = await asked.createTask('command', { argv: ['cat'], stdinBase64: '/w==' })
  expect(await asked.waitForTask(id)).toEqual({ exitCode: 0, signal: null })
  worker.setLabels({})
})

test.each([
  [['--shell', '--', 'kill -TERM $$'], 143, ''],
  [['--timeout', '200ms', '--', 'sleep', '30'], 124, 'timeout of 200 ms'],
  [['--', 'no-such-program-here'], 125, 'could not be started'],
  [['--priority', '11', '--', 'ls'], 125, 'priority'],
  [['--stdin', '--', 'ls'], 125, '--stdin - -- CMD'],
  [[], 2, 'missing required argument']
])('run %j ends with %i', async (argv, code, words) => {
  const said = await run(['run', ...argv])
  expect(said.code).toBe(code)
  expect(said.stderr).toContain(words)
  expect(said.stdout).toBe('')
})

test.each([
  [['--cwd', 'relative', '--', 'ls'], '--cwd cannot be "relative": it is an absolute path'],
  [['--env', 'novalue', '--', 'ls'], '--env cannot be "novalue": it is name=value'],
  [['--env', 'a-b=1', '--', 'ls'], '--env cannot be "a-b=1"'],
  [['--', ''], 'the name of the command is empty']
])('run %j is no command, and no node is troubled with it', async (argv, words) => {
  const before = [...asked.tasks({ type: 'command' })].length
  const said = await run(['run', ...argv])
  expect(said).toMatchObject({ code: 125, stdout: '' })
  expect(said.stderr).toContain(words)
  expect([...asked.tasks({ type: 'command' })]).toHaveLength(before)
})

test('without a node it ends with 125', async () => {
  const said = await run(['run', '--data', join(folder, 'nobody'), '--', 'ls'])
  expect(said.code).toBe(125)
  expect(said.stderr).toContain('no node answers')
})

test('output is printed as it comes, and logs -f tells the same', async () => {
  const go = join(folder, 'go')
  const script = `echo first; until [ -e ${go} ]; do sleep 0.02; done; echo last`
  const said: Said = { code: null, stdout: '', stderr: '' }
  const running = run(['run', '--shell', '--', script], '', said)
  await until(() => said.stdout === 'first\n', 'the first line')
  const followed: Said = { code: null, stdout: '', stderr: '' }
  const following = run(['logs', '-f', idOf('echo last')], '', followed)
  await until(() => followed.stdout === 'first\n', 'the first line once more')
  expect((await run(['logs', idOf('echo last')])).stdout).toBe('first\n')
  await writeFile(go, '')
  expect(await running).toEqual({ code: 0, stdout: 'first\nlast\n', stderr: '' })
  expect(await following).toEqual(followed)
  expect(followed).toEqual({ code: 0, stdout: 'first\nlast\n', stderr: '' })
})

test('bytes that are no text come out as they went in, while it runs and afterwards', async () => {
  const file = join(folder, 'bytes')
  const bytes = Buffer.from(Uint8Array.from({ length: 150_000 }, (_, i) => (i * 7919) >> 4))
  await writeFile(file, bytes)
  const printed = await bytesOf(['run', '--', 'cat', file])
  expect(printed.equals(bytes)).toBe(true)
  const kept = await bytesOf(['logs', idOf(file)])
  expect(kept.equals(bytes)).toBe(true)
})

test('with --json it is lines, and the task at the end', async () => {
  const script = 'printf one; sleep 0.1; echo " line"; echo two; printf end'
  const { stdout } = await run(['run', '--json', '--shell', '--', script])
  const values = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
  const about = { v: 1, attempt: 1, node: worker.name, stream: 'stdout' }
  expect(values.slice(0, 3)).toMatchObject([
    { ...about, line: 'one line' },
    { ...about, line: 'two' },
    { ...about, line: 'end' }
  ])
  expect(values[3]).toMatchObject({ type: 'command', result: { exitCode: 0, signal: null } })
  const stamped = await run(['logs', '--timestamps', idOf('printf end')])
  expect(stamped.stdout).toMatch(/^2\S+Z 1 stdout one line\n/)
})

test('Ctrl-C cancels the task, with all its processes, and ends with 130', async () => {
  const file = join(folder, 'child')
  const script = `trap 'echo tidied; exit 3' TERM; echo $$ >${file}; while :; do sleep 0.02; done`
  const before = process.listenerCount('SIGINT')
  const running = run(['run', '--shell', '--', script])
  const child = await until(async () => Number(await readFile(file, 'utf8')), 'the command to run')
  await until(() => process.listenerCount('SIGINT') > before, 'somebody to listen')
  process.emit('SIGINT', 'SIGINT')
  const said = await running
  expect(said.code).toBe(130)
  // What it says while it tidies up is waited for, as if it ran here.
  expect(said.stdout).toBe('tidied\n')
  expect(isAlive(child)).toBe(false)
  expect(said.stderr).toContain('SIGINT')
  expect(process.listenerCount('SIGINT')).toBe(before)
})

test('the output of a task that nobody knows', async () => {
  expect(await run(['logs', 'ffffffffffff'])).toMatchObject({ code: 4, stdout: '' })
})
