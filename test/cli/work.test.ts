/** `hearsay work` against the real local API; the runs that it is given are said by the test. */
import { spawn, type ChildProcess } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import type { Run } from '../../src/core/effect.ts'
import type { RunResult } from '../../src/core/input.ts'
import { serveFakeNode } from '../api/served.ts'
import { runOf } from '../run/external/runs.ts'
import { until } from '../support/until.ts'
import { run, type Said } from './run.ts'

const cli = fileURLToPath(new URL('children/cli.ts', import.meta.url))
const at = serveFakeNode()
let children: ChildProcess[] = []
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children = []
})

/** Works until all has ended that is started. */
async function working(
  flags: readonly string[],
  program: string,
  runs: readonly Partial<Run>[]
): Promise<{ said: Said; results: RunResult[] }> {
  const file = join(at.folder, 'program.mjs')
  await writeFile(file, program)
  const argv = ['work', 'any', ...flags, '--data', at.folder, '--', process.execPath, file]
  const ended = run(argv)
  const { work } = at.node
  await until(() => work.pool !== undefined, 'the worker to connect')
  const results: RunResult[] = []
  for (const each of runs) {
    const { taskId } = work.start(runOf(each))
    await until(() => work.ends.some(end => end.taskId === taskId), 'the run to end', 15_000)
    results.push(work.ends.find(end => end.taskId === taskId)!.result)
  }
  work.external.drainAll()
  return { said: await ended, results }
}

test('a process for each task: it reads the payload, prints the log, and leaves the result in a file', async () => {
  const program = `
    import { readFileSync, writeFileSync } from 'node:fs'
    const { n } = JSON.parse(readFileSync(0, 'utf8'))
    const { HEARSAY_TASK_ID, HEARSAY_ATTEMPT, HEARSAY_EPOCH, HEARSAY_RESULT_FILE, HEARSAY_KEY } = process.env
    console.log('n is ' + n)
    console.error('and this is stderr')
    writeFileSync(HEARSAY_RESULT_FILE, JSON.stringify({ n, id: HEARSAY_TASK_ID, at: [HEARSAY_ATTEMPT, HEARSAY_EPOCH], key: HEARSAY_KEY ?? null }))`
  const asked = runOf({ payload: '{"n":3}', attempt: 2, epoch: 4 })
  const { said, results } = await working([], program, [asked])
  const { taskId: id } = asked
  const result = JSON.stringify({ n: 3, id, at: ['2', '4'], key: null })
  expect(results).toEqual([{ status: 'completed', result }])
  expect(at.node.work.said.join('').split('\n').sort()).toEqual([
    '',
    'and this is stderr',
    'n is 3'
  ])
  expect(said.code).toBe(0)
  expect(said.stderr).toContain('works as worker-')
})

test('the result is what it prints, if that is asked for: JSON, else text', async () => {
  const program = `process.stdin.on('data', data => console.log(JSON.parse(data))).resume()`
  const runs = [{ payload: '"[1, 2]"' }, { payload: '"two words"' }]
  const { results } = await working(['--result-from', 'stdout'], program, runs)
  expect(results).toEqual([
    { status: 'completed', result: '[1,2]' },
    { status: 'completed', result: '"two words\\n"' }
  ])
})

test('how it exits is how the attempt ends', async () => {
  const program = `
    import { readFileSync, writeFileSync } from 'node:fs'
    const { code, left } = JSON.parse(readFileSync(0, 'utf8'))
    if (left) writeFileSync(process.env.HEARSAY_RESULT_FILE, left)
    process.exitCode = code`
  const payloads = [
    { code: 0 },
    { code: 3 },
    { code: 75 },
    { code: 75, left: '{"retryAfterMs":250}' },
    { code: 0, left: 'no JSON' }
  ]
  const runs = payloads.map(payload => ({ payload: JSON.stringify(payload) }))
  const { results } = await working([], program, runs)
  expect(results).toMatchObject([
    { status: 'completed', result: 'null' },
    { status: 'failed', reason: 'HandlerError', error: { name: 'CommandFailedError' } },
    { status: 'failed', retryAfterMs: 10_000 },
    { status: 'failed', retryAfterMs: 250 },
    { status: 'failed', reason: 'NonRetryable', error: { name: 'ResultRejectedError' } }
  ])
})

test('a result of any size is left in a file', async () => {
  const program = `
    import { writeFileSync } from 'node:fs'
    writeFileSync(process.env.HEARSAY_RESULT_FILE, JSON.stringify('x'.repeat(100_000)))`
  const { results } = await working([], program, [{}])
  expect(results).toMatchObject([{ status: 'completed', result: { bytes: 100_002 } }])
})

test.each([
  ['nowhere', './no-such-program'],
  ['in no folder of PATH', 'no-such-program'],
  ['a folder', '/']
])('a command that is %s is refused before any task is taken', async (_, file) => {
  const said = await run(['work', 'any', '--data', at.folder, '--', file])
  expect(said).toMatchObject({ code: 2, stdout: '' })
  expect(said.stderr).toContain(`${file} is no program`)
  expect(at.node.work.pools.size).toBe(0)
})

test('with --stdio a result without an id is an error that says so, and other JSON is the log', async () => {
  const program = `
    process.stdin.once('data', () => console.log('{"level":"info"}\\n{"result":1}'))`
  const { results } = await working(['--stdio'], program, [{}])
  expect(results).toMatchObject([
    {
      status: 'failed',
      reason: 'NonRetryable',
      error: {
        name: 'ResultRejectedError',
        message: expect.stringContaining('has no "id"') as string
      }
    }
  ])
  expect(at.node.work.said.join('')).toBe('{"level":"info"}\n')
})

const STDIO = `
  import { createInterface } from 'node:readline'
  let count = 0
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, payload, attempt, dependencies, type, cancel } = JSON.parse(line)
    const say = more => console.log(JSON.stringify({ id, ...more }))
    if (cancel) say({ result: 'cancelled: ' + cancel })
    else if (payload === 'crash') process.exit(7)
    else if (payload === 'fail') say({ error: { name: 'Oops', message: 'no' }, retryable: false })
    else if (payload === 'later') say({ error: { name: 'Busy', message: 'no' }, retryAfterMs: 20 })
    else if (payload !== 'hang') {
      say({ progress: 0.5, message: 'half' })
      say({ log: 'one' })
      console.log('plain words')
      say({ result: { count: ++count, type, payload, attempt, dependencies } })
    }
  }`

test('with --stdio one process is given one task after the other', async () => {
  const dependencies = new Map([['x', '5']])
  const runs = [
    { payload: '{"a":1}', dependencies },
    { payload: '"fail"' },
    { payload: '"later"' },
    { payload: '2' }
  ]
  const { said, results } = await working(['--stdio'], STDIO, runs)
  const rest = { type: 'any', attempt: 1 }
  const first = { count: 1, type: 'any', payload: { a: 1 }, attempt: 1, dependencies: { x: 5 } }
  expect(results.slice(0, 3)).toMatchObject([
    { status: 'completed', result: JSON.stringify(first) },
    { status: 'failed', reason: 'NonRetryable', error: { name: 'Oops', message: 'no' } },
    { status: 'failed', retryAfterMs: 20 }
  ])
  expect(JSON.parse((results[3] as { result: string }).result)).toMatchObject({ count: 2, ...rest })
  expect(at.node.work.progress[0]).toEqual({ fraction: 0.5, message: 'half' })
  expect(at.node.work.said.join('')).toContain('one\nplain words\n')
  expect(said.code).toBe(0)
})

test('with --stdio a process saves where it stands, and hears that it stands', async () => {
  const program = `
    import { createInterface } from 'node:readline'
    for await (const line of createInterface({ input: process.stdin })) {
      const { id, type, checkpoint, saved } = JSON.parse(line)
      const say = more => console.log(JSON.stringify({ id, ...more }))
      if (type !== undefined) say({ checkpoint: { was: checkpoint ?? null } })
      else say({ result: { saved } })
    }`
  const { results } = await working(['--stdio'], program, [{}])
  expect(results).toEqual([{ status: 'completed', result: '{"saved":true}' }])
  expect(at.node.work.saves).toMatchObject([{ bytes: '{"was":null}'.length }])
})

test('a number that would arrive as another one is no result', async () => {
  const big = '12345678901234567890'
  const printed = await working(['--result-from', 'stdout'], `console.log('${big}')`, [{}])
  expect(printed.results).toEqual([{ status: 'completed', result: JSON.stringify(`${big}\n`) }])
})

test('with --stdio a number that would arrive as another one fails its task', async () => {
  const program = `
    process.stdin.on('data', data => {
      const { id } = JSON.parse(data)
      console.log('{"id":' + JSON.stringify(id) + ',"result":12345678901234567890}')
    })`
  const { results } = await working(['--stdio'], program, [{}])
  expect(results).toMatchObject([{ status: 'failed', error: { name: 'ResultRejectedError' } }])
})

test('with --stdio a process that ends has failed its task, and the next one gets another', async () => {
  const { results } = await working(['--stdio'], STDIO, [{ payload: '"crash"' }, { payload: '1' }])
  expect(results).toMatchObject([
    { status: 'failed', error: { name: 'WorkerProcessError' } },
    { status: 'completed' }
  ])
})

test('what is cancelled is told, and its slot is free when the process has answered', async () => {
  const file = join(at.folder, 'program.mjs')
  await writeFile(file, STDIO)
  const argv = ['work', 'any', '--stdio', '--data', at.folder, '--', process.execPath, file]
  const ended = run(argv)
  const { work } = at.node
  await until(() => work.pool !== undefined, 'the worker to connect')
  const { taskId, epoch } = work.start(runOf({ payload: '"hang"' }))
  await until(() => work.external.leases === 1, 'the task to be taken')
  work.external.abort(taskId, epoch)
  expect(work.pool?.slots).toBe(0)
  await until(() => work.pool?.slots === 1, 'the slot to be free', 15_000)
  work.external.drainAll()
  expect((await ended).code).toBe(0)
  expect(work.ends).toEqual([])
})

test.each([
  [['work'], 'missing required argument'],
  [['work', 'any'], 'a command after --'],
  [['work', '--', 'cat'], 'a command after --'],
  [['work', 'any', '--slots', '0', '--', 'cat'], 'at least 1'],
  [['work', 'any', '--stdio', '--result-from', 'stdout', '--', 'cat'], 'leave out --result-from'],
  [['work', 'any', '--label', 'gpu', '--', 'cat'], 'name=value'],
  [['work', 'any', '--name', 'no spaces', '--', 'cat'], 'name must be']
])('%j is refused', async (argv, words) => {
  const said = await run([...argv.slice(0, 1), '--data', at.folder, ...argv.slice(1)])
  expect(said.stderr).toContain(words)
  expect(said.code).toBe(2)
})

test('a command that cannot be started ends the worker, and gives back the task', async () => {
  const file = join(at.folder, 'program')
  await writeFile(file, '#!/no/such/interpreter\n', { mode: 0o755 })
  const ended = run(['work', 'any', '--data', at.folder, '--', file])
  const { work } = at.node
  await until(() => work.pool !== undefined, 'the worker to connect')
  work.start(runOf())
  const said = await ended
  expect(said.code).toBe(2)
  expect(said.stderr).toContain('program cannot be started')
  expect(work.ends.map(({ result }) => result)).toEqual([{ status: 'returned', isLost: false }])
})

test('the first Ctrl-C lets tasks end, the second gives them back', async () => {
  const file = join(at.folder, 'program.mjs')
  await writeFile(file, 'setInterval(() => {}, 1000)')
  const argv = [cli, 'work', 'any', '--data', at.folder, '--', process.execPath, file]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  children.push(child)
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text))
  const { work } = at.node
  await until(() => work.pool !== undefined, 'the worker to connect', 15_000)
  const { taskId } = work.start(runOf())
  await until(() => work.external.leases === 1, 'the task to be taken')
  child.kill('SIGTERM')
  await until(() => work.pool?.slots === 0, 'the worker to drain')
  expect(words).toContain(
    `SIGTERM: takes no more, and waits for any ${taskId}; once more to give that back`
  )
  child.kill('SIGINT')
  await until(() => child.exitCode !== null, 'the worker to end', 15_000)
  expect(child.exitCode).toBe(130)
  expect(work.ends.map(({ result }) => result)).toEqual([{ status: 'returned', isLost: false }])
})
