/**
 * Output and progress over real nodes: seen from any of them, while the task runs, after it, and after its node is gone.
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TASK_LIMITS } from '../../src/core/options.ts'
import { RetryAfterError, type LogEntry, type Node } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, forget, startNode } from './nodes.ts'

let asker: Node
let worker: Node

beforeEach(async () => {
  asker = await startNode()
  worker = await startNode({ commands: true, concurrency: 2 })
  await worker.startWorker()
})
afterEach(endAll)

const command = (script: string, options = {}): Promise<string> =>
  asker.createTask('command', { argv: [script], shell: true }, { maxRetries: 0, ...options })

/** Reads on its own, so that a test can look at what has come so far. */
function reading(
  node: Node,
  id: string,
  follow: boolean
): { entries: LogEntry[]; ended: Promise<void> } {
  const entries: LogEntry[] = []
  const read = async (): Promise<void> => {
    for await (const entry of node.logs(id, { follow })) entries.push(entry)
  }
  return { entries, ended: read() }
}

async function logs(node: Node, id: string): Promise<LogEntry[]> {
  const { entries, ended } = reading(node, id, false)
  await ended
  return entries
}

const textOf = (entries: readonly LogEntry[], stream: string): string =>
  entries.flatMap(entry => (entry.stream === stream ? [entry.text] : [])).join('')

test('output is followed from another node while it comes, and is there afterwards', async () => {
  const id = await command('echo begun; echo wrong >&2; read line; echo "$line"', {})
  const { entries, ended } = reading(asker, id, true)
  await ended
  expect(textOf(entries, 'stdout')).toBe('begun\n\n')
  expect(textOf(entries, 'stderr')).toBe('wrong\n')
  expect(entries[0]).toMatchObject({ v: 1, attempt: 1, node: worker.name, stream: 'stdout' })
  expect(await logs(asker, id)).toEqual(entries)
  expect(await logs(worker, id)).toEqual(entries)
})

test('what is printed reaches a reader on another node before the command ends; its own node may close before that', async () => {
  const id = await command('echo first; sleep 30')
  const { entries, ended } = reading(asker, id, true)
  const closed = expect(ended).rejects.toMatchObject({ name: 'NodeClosedError' })
  await until(() => textOf(entries, 'stdout') === 'first\n', 'the first line')
  // That it has started is told to all a moment later than its output to whoever reads that.
  await until(() => asker.task(id).state === 'running', 'the news that it runs')
  forget(asker)
  await asker.leave(0)
  await closed
})

test('lines and prints of handlers are output, and so is what was said before a failure', async () => {
  await worker.registerTaskHandler(
    'talks',
    new URL('./fixtures/talks.ts', import.meta.url).pathname
  )
  const id = await asker.createTask('talks', null, { maxRetries: 0 })
  await expect(asker.waitForTask(id)).rejects.toThrow('after all that')
  const entries = await logs(asker, id)
  expect(entries.map(({ stream, text }) => [stream, text])).toEqual([
    ['log', 'a line\n'],
    ['stdout', 'printed\n'],
    ['stderr', 'warned\n']
  ])
})

test('of a flood the beginning and the end are kept, and what is missing is counted', async () => {
  const id = await command('seq 1 500000')
  await asker.waitForTask(id)
  const entries = await logs(asker, id)
  const all = Array.from({ length: 500_000 }, (_, index) => `${index + 1}\n`).join('')
  const gap = entries.findIndex(({ stream }) => stream === 'note')
  const [start, end] = [entries.slice(0, gap), entries.slice(gap + 1)].map(part =>
    textOf(part, 'stdout')
  )
  expect(all.startsWith(start!)).toBe(true)
  expect(all.endsWith(end!)).toBe(true)
  expect(start!.length).toBeGreaterThanOrEqual(65_536)
  expect(end!.length).toBeGreaterThan(1_000_000)
  expect(entries[gap]!.text).toContain(`${all.length - start!.length - end!.length} bytes`)
})

test('when its node is gone, the end of the output is still there', async () => {
  const id = await command('seq 1 100000')
  await asker.waitForTask(id)
  forget(worker)
  await worker.leave(0)
  const entries = await logs(asker, id)
  expect(entries[0]).toMatchObject({ stream: 'note' })
  expect(entries[0]!.text).toContain('bytes of output are not kept')
  expect(textOf(entries, 'stdout')).toMatch(/\n99999\n100000\n$/)
  const kept = Buffer.byteLength(entries.map(({ text }) => text).join(''))
  expect(kept).toBeLessThan(TASK_LIMITS.tailBytesMax)
})

test('when the node of a cancelled command is gone, what it said to its very end is still there', async () => {
  const id = await command(
    'trap "echo stopping; exit 0" TERM; echo begun; while :; do sleep 0.1; done'
  )
  const { entries, ended } = reading(asker, id, true)
  await until(() => textOf(entries, 'stdout') === 'begun\n', 'its first line')
  await asker.cancel(id)
  await ended
  forget(worker)
  await worker.leave(0)
  expect(textOf(await logs(asker, id), 'stdout')).toBe('begun\nstopping\n')
})

test('every attempt is read, and one whose node is gone is remarked upon', async () => {
  const script = 'echo "try $HEARSAY_ATTEMPT"; [ $HEARSAY_ATTEMPT = 3 ]'
  const id = await command(script, { maxRetries: 2, backoff: { delay: 20 } })
  const { entries, ended } = reading(asker, id, true)
  await ended
  const seen = entries.map(({ attempt, text }) => [attempt, text])
  expect(seen).toEqual([1, 2, 3].map(attempt => [attempt, `try ${attempt}\n`]))
  forget(worker)
  await worker.leave(0)
  const left = await logs(asker, id)
  expect(left.map(({ attempt, stream }) => [attempt, stream])).toEqual([
    [1, 'note'],
    [2, 'note'],
    [3, 'stdout']
  ])
  expect(left[2]!.text).toBe('try 3\n')
})

test('a reader follows a task from a node that leaves to the one that takes over', async () => {
  const other = await startNode({ commands: true, concurrency: 1 })
  await other.startWorker()
  const id = await command(
    'echo "on $HEARSAY_EPOCH"; sleep 0.1; [ $HEARSAY_EPOCH -ge 2 ] || sleep 60'
  )
  const { entries, ended } = reading(asker, id, true)
  await until(() => textOf(entries, 'stdout') !== '', 'the first run to speak')
  const first = asker.task(id)
  const holder = first.holder === worker.name ? worker : other
  forget(holder)
  await holder.leave(0)
  await ended
  const { epoch, holder: last, state } = asker.task(id)
  expect(state).toBe('completed')
  expect(last).not.toBe(first.holder)
  expect(textOf(entries, 'stdout')).toBe(`on ${first.epoch}\non ${epoch}\n`)
  expect(entries.map(({ node }) => node)).toEqual([first.holder, last])
})

test('progress of a run is seen on another node when it is asked for, and only while it runs', async () => {
  const goOn = Promise.withResolvers<void>()
  worker.registerTaskHandler('moves', async (_payload: unknown, context) => {
    context.progress(0.25, 'a quarter')
    await goOn.promise
  })
  const id = await asker.createTask('moves', null)
  await until(async () => {
    await asker.refreshProgress()
    return asker.task(id).progress?.fraction === 0.25
  }, 'the progress')
  expect(asker.task(id).progress).toEqual({ fraction: 0.25, message: 'a quarter' })
  goOn.resolve()
  await asker.waitForTask(id)
  expect(asker.task(id).progress).toBeNull()
})

test('output and progress are events of the node that runs the task', async () => {
  const events: string[] = []
  worker.onEvent(({ event, text, fraction }) => {
    if (/log|progress/.test(event)) events.push(`${event} ${JSON.stringify(text ?? fraction)}`)
  })
  worker.registerTaskHandler('both', (_payload: unknown, context) => {
    context.progress(0.5)
    context.log('half')
  })
  await asker.waitForTask(await asker.createTask('both', null))
  expect(events).toEqual(['task:progress 0.5', 'task:log "half\\n"'])
})

test('the output of every start is followed, however soon one comes after the other', async () => {
  worker.registerTaskHandler('early', (starts: number, context) => {
    context.log(`start ${context.epoch}`)
    if (context.epoch < starts) throw new RetryAfterError(context.epoch * 3)
  })
  // Others are told of a start before it begins: in four of five of these somebody looks between the two.
  const follow = async (): Promise<string> => {
    const { entries, ended } = reading(asker, await asker.createTask('early', 5), true)
    await ended
    return entries.map(({ text }) => text).join('')
  }
  const said = await Promise.all(Array.from({ length: 16 }, follow))
  for (const text of said) expect(text).toBe('start 1\nstart 2\nstart 3\nstart 4\nstart 5\n')
})
