/**
 * Workers in Python: a process of its own, a real node, and what becomes of tasks when either of them ends.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startApi, type Api } from '../../src/api/server.ts'
import type { Node } from '../../src/index.ts'
import { endAll, privateOptions, startNode } from '../library/nodes.ts'
import { until } from '../support/until.ts'
import { endPrograms, hasPython, Python } from './python.ts'

const withPython = describe.skipIf(!hasPython())
if (!hasPython()) console.warn('skipped: there is no python3 of version 3.9 or later here')

/** The node that tasks are submitted on has no worker; those of the two others are in Python. */
let submitter: Node
let nodes: { node: Node; api: Api; data: string }[]

beforeAll(async () => {
  submitter = await startNode()
  nodes = []
  for (let i = 0; i < 2; i++) {
    const options = await privateOptions()
    const node = await startNode(options)
    const data = options.data!
    nodes.push({ node, api: await startApi(node, data), data })
  }
})
afterEach(async () => {
  await endPrograms()
  await until(() => nodes.every(({ node }) => externalPools(node) === 0), 'all workers to be gone')
})
afterAll(async () => {
  for (const { api } of nodes) await api.close()
  await endAll()
})

const HEAD = `
import hearsay, os, threading, time
cluster = hearsay.connect()
worker = cluster.worker(slots=int(os.environ.get("SLOTS", "1")), labels={"gpu": "1"})
def touch(text):
    print(text, flush=True)
`

/** A worker that runs `handlers`, once it is connected to the node of that place. */
async function workerOn(
  place: number,
  handlers: string,
  env: Readonly<Record<string, string>> = {}
): Promise<Python> {
  const { node, data } = nodes[place]!
  const before = externalPools(node)
  const program = new Python(`${HEAD}${handlers}\nworker.run()`, { HEARSAY_DATA: data, ...env })
  await until(
    () => externalPools(node) > before,
    `the worker to connect: ${program.stderr}`,
    20_000
  )
  return program
}

function externalPools(node: Node): number {
  const { pools } = node.nodes().find(({ self }) => self)!
  return pools.filter(({ external }) => external).length
}

function said(program: Python, text: string): Promise<boolean> {
  return until(() => program.stdout.includes(text), `"${text}"; it said: ${program.stderr}`, 20_000)
}

async function logOf(id: string): Promise<string> {
  let text = ''
  for await (const entry of submitter.logs(id)) text += entry.text
  return text
}

withPython('a worker in Python', () => {
  test('runs tasks that were submitted elsewhere, reports on them, and returns results', async () => {
    await workerOn(
      0,
      `
@worker.task("shout")
def shout(payload, task):
    task.progress(0.5, "half")
    task.log("shouting", payload["text"])
    return {"text": payload["text"].upper(), "attempt": task.attempt}
@worker.task("plain")
def plain(payload): return [payload]
`
    )
    const id = await submitter.createTask(
      'shout',
      { text: 'hello' },
      { labels: { require: { gpu: 1 } } }
    )
    expect(await submitter.waitForTask(id)).toEqual({ text: 'HELLO', attempt: 1 })
    expect(await logOf(id)).toBe('shouting hello\n')
    const plain = await submitter.createTask('plain', 'é'.repeat(100_000))
    expect(await submitter.waitForTask(plain)).toEqual(['é'.repeat(100_000)])
  })

  test('is given the results of dependencies', async () => {
    await workerOn(
      0,
      `
@worker.task("number")
def number(payload): return payload
@worker.task("sum")
def total(_, task): return sum(task.dependencies.values())
`
    )
    const dependsOn = await Promise.all([1, 2, 3].map(n => submitter.createTask('number', n)))
    expect(
      await submitter.waitForTask(await submitter.createTask('sum', null, { dependsOn }))
    ).toBe(6)
  })

  test('runs as many at a time as it has slots', async () => {
    await workerOn(
      0,
      `
together = threading.Barrier(3)
@worker.task("meet")
def meet(_): return together.wait(20) >= 0
`,
      { SLOTS: '3' }
    )
    const ids = await Promise.all([1, 2, 3].map(() => submitter.createTask('meet', null)))
    expect(await Promise.all(ids.map(id => submitter.waitForTask(id)))).toEqual([true, true, true])
  })

  test('errors are attempts that failed, and say of what kind', async () => {
    await workerOn(
      0,
      `
calls = []
@worker.task("flaky")
def flaky(payload):
    calls.append(payload)
    if calls.count(payload) < 2: raise ValueError("not yet")
    return calls.count(payload)
@worker.task("final")
def final(_): raise hearsay.NonRetryable("never")
@worker.task("busy")
def busy(payload):
    calls.append(payload)
    if calls.count(payload) < 3: raise hearsay.RetryAfter(0.01, "too many requests")
    return calls.count(payload)
@worker.task("odd")
def odd(_): return {1, 2}
`
    )
    const backoff = { delay: 1 }
    const flaky = await submitter.createTask('flaky', 'a', { backoff })
    expect(await submitter.waitForTask(flaky)).toBe(2)
    expect(await logOf(flaky)).toMatch(/ValueError: not yet/)
    const busy = await submitter.createTask('busy', 'b', { maxRetries: 0 })
    expect(await submitter.waitForTask(busy)).toBe(3)
    for (const [type, name, message] of [
      ['final', 'NonRetryable', /never/],
      ['odd', 'ResultRejected', /cannot be sent as JSON/]
    ] as const) {
      const id = await submitter.createTask(type, null, { backoff })
      await expect(submitter.waitForTask(id)).rejects.toMatchObject({
        name,
        message: expect.stringMatching(message) as string
      })
      expect(submitter.task(id)).toMatchObject({ attempt: 1 })
    }
  })

  test('is told of a cancellation, and then works on', async () => {
    const worker = await workerOn(
      0,
      `
@worker.task("long")
def long(_, task):
    touch("begun")
    task.cancelled.wait(60)
    task.check()
@worker.task("short")
def short(_): return "done"
`
    )
    const id = await submitter.createTask('long', null)
    await said(worker, 'begun')
    expect((await submitter.cancel(id)).status).toBe('cancelled')
    expect(await submitter.waitForTask(await submitter.createTask('short', null))).toBe('done')
  })

  test('that is killed loses its task to another one', async () => {
    const handler = `
@worker.task("steps")
def steps(_, task):
    if os.environ.get("WILLING"): return [task.attempt, task.checkpoint]
    task.save_checkpoint(b"\\xff")
    task.save_checkpoint({"step": task.checkpoint})
    touch("begun")
    time.sleep(600)
`
    const first = await workerOn(0, handler)
    const id = await submitter.createTask('steps', null)
    await said(first, 'begun')
    await workerOn(1, handler, { WILLING: '1' })
    first.process.kill('SIGKILL')
    expect(await submitter.waitForTask(id)).toEqual([1, { step: null }])
    expect(submitter.task(id).lost).toHaveLength(1)
  })

  test('at Ctrl-C finishes what runs, and takes no more', async () => {
    const worker = await workerOn(
      0,
      `
@worker.task("slow")
def slow(payload):
    touch("begun")
    time.sleep(0.5)
    return payload
`
    )
    const first = await submitter.createTask('slow', 1)
    const second = await submitter.createTask('slow', 2)
    await said(worker, 'begun')
    worker.process.kill('SIGINT')
    expect(await worker.ended()).toBe(0)
    expect(await submitter.waitForTask(first)).toBe(1)
    expect(submitter.task(second).state).not.toBe('completed')
    await submitter.cancel(second)
  })

  test('at a second Ctrl-C gives back what runs, and nothing is lost', async () => {
    const handler = `
@worker.task("stubborn")
def stubborn(_, task):
    if os.environ.get("WILLING"): return "done"
    touch("begun")
    task.cancelled.wait(60)
    touch(f"told {task.cancel_reason}")
`
    const worker = await workerOn(0, handler)
    const id = await submitter.createTask('stubborn', null, { maxRetries: 0 })
    await said(worker, 'begun')
    worker.process.kill('SIGINT')
    await workerOn(1, handler, { WILLING: '1' })
    worker.process.kill('SIGINT')
    await said(worker, 'told')
    expect(await worker.ended()).toBe(0)
    expect(await submitter.waitForTask(id)).toBe('done')
    expect(submitter.task(id).lost).toEqual([])
  })

  test('connects again when its node has been away', async () => {
    const place = nodes[0]!
    const worker = await workerOn(0, '@worker.task("here")\ndef here(_): return "still"')
    await place.api.close()
    await until(() => worker.stderr.includes('has lost its node'), 'the worker to notice')
    place.api = await startApi(place.node, place.data)
    await until(() => externalPools(place.node) > 0, 'the worker to be back', 20_000)
    expect(await submitter.waitForTask(await submitter.createTask('here', null))).toBe('still')
  })
})

withPython('a worker is refused in words', () => {
  test.each([
    ['that has nothing to do', 'cluster.worker().run()', /@worker\.task/],
    ['without slots', 'cluster.worker(slots=0)', /slots cannot be 0/],
    ['of a type that is none', 'worker.task("")(lambda p: p); worker.run()', /type/],
    ['for commands', 'worker.task("command")(lambda p: p); worker.run()', /command/],
    ['without a node', 'hearsay.connect(data="/nowhere").worker()', /hearsay start/]
  ])('%s', async (_, program, words) => {
    const failing = new Python(`${HEAD}${program}`, { HEARSAY_DATA: nodes[0]!.data })
    expect(await failing.ended()).toBe(1)
    expect(failing.stderr).toMatch(words)
  })
})
