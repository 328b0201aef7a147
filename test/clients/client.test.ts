/**
 * The client in Python as a contract: each of its methods under a real `python3`, against a real node.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startApi, type Api } from '../../src/api/server.ts'
import type { Node } from '../../src/index.ts'
import { endAll, privateOptions, startNode } from '../library/nodes.ts'
import { endPrograms, hasPython, Python } from './python.ts'

const withPython = describe.skipIf(!hasPython())
if (!hasPython()) console.warn('skipped: there is no python3 of version 3.9 or later here')

let node: Node
let api: Api
let data: string

beforeAll(async () => {
  const options = await privateOptions()
  data = options.data!
  node = await startNode(options)
  node.registerTaskHandler('shout', (payload: { text: string }, context) => {
    context.log(`shouting ${payload.text}`)
    return payload.text.toUpperCase()
  })
  node.registerTaskHandler('size', ({ text }: { text: string }) => text.length)
  node.registerTaskHandler('long', ({ length }: { length: number }) => 'é'.repeat(length))
  node.registerTaskHandler('fail', () => {
    throw new TypeError('this cannot be')
  })
  node.registerTaskHandler('hang', (_: unknown, { signal }) => sleep(600_000, null, { signal }))
  await node.startWorker()
  api = await startApi(node, data)
})
afterEach(endPrograms)
afterAll(async () => {
  await api.close()
  await endAll()
})

/** What a program prints, which has `cluster` and `show`. */
function shown<T>(program: string): Promise<T> {
  const head = `
import hearsay, json
cluster = hearsay.connect(data=${JSON.stringify(data)})
def show(value): print(json.dumps(value))
def refusal(action):
    try:
        return action()
    except Exception as error:
        return [type(error).__name__, str(error)]
`
  return new Python(head + program).json<T>()
}

withPython('submitting and waiting', () => {
  test('a task is submitted with options, and its result comes back', async () => {
    const [id, result] = await shown<[string, string]>(`
id = cluster.submit("shout", {"text": "hello"}, priority=8, max_retries=0, tags=["mine"])
show([id, cluster.wait(id, timeout=30)])`)
    expect(result).toBe('HELLO')
    expect(node.task(id)).toMatchObject({ priority: 8, maxRetries: 0, tags: ['mine'] })
  })

  test('payloads and results of any size arrive whole', async () => {
    const told = await shown(`
big = cluster.submit("size", {"text": "é" * 400000})
long = cluster.wait(cluster.submit("long", {"length": 300000}))
show([cluster.wait(big), len(long), set(long) == {"é"}, len(cluster.payload(big)["text"])])`)
    expect(told).toEqual([400_000, 300_000, true, 400_000])
  })

  test('many tasks go in few requests, and their ids come in order', async () => {
    const told = await shown(`
ids = cluster.submit_many({"type": "shout", "payload": {"text": str(i)}} for i in range(1200))
show([len(set(ids)), cluster.wait(ids[0]), cluster.wait(ids[1199])])`)
    expect(told).toEqual([1200, '0', '1199'])
  })

  test('of many tasks one that is refused is told by name, and the others are there', async () => {
    const told = await shown<[[string, string], number]>(`
tasks = [{"type": "shout", "payload": {"text": "x"}, "tags": ["some"]}, {"type": "shout", "priority": 11}]
told = refusal(lambda: cluster.submit_many(tasks))
show([told, len(list(cluster.list(tag="some")))])`)
    expect(told[0][1]).toMatch(/^InvalidOptionError: .*priority/)
    expect(told[1]).toBe(1)
  })

  test('a task that failed raises its error, by name', async () => {
    const told = await shown<[string, string]>(`
show(refusal(lambda: cluster.wait(cluster.submit("fail", max_retries=0))))`)
    expect(told).toEqual(['TaskFailed', 'TypeError: this cannot be'])
  })

  test('a wait that takes too long ends by itself, and the task goes on until it is cancelled', async () => {
    const told = await shown<[[string, string], string, [string, string]]>(`
id = cluster.submit("hang")
show([refusal(lambda: cluster.wait(id, timeout=0.05)), cluster.cancel(id), refusal(lambda: cluster.wait(id))])`)
    expect(told[0][0]).toBe('WaitTimeout')
    expect(told[1]).toBe('cancelled')
    expect(told[2]).toEqual(['TaskFailed', 'TaskCancelledError: the task was cancelled'])
  })

  test.each([
    ['an option that is none', 'cluster.submit("shout", prio=3)', /^InvalidOptionError: .*prio/],
    [
      'a payload that JSON cannot carry',
      'cluster.submit("shout", {1, 2})',
      /not JSON serializable/
    ],
    ['a number that is none', 'cluster.submit("shout", float("nan"))', /not JSON compliant/],
    ['a task that nobody knows', 'cluster.get("ffffffff-unknown")', /^UnknownTaskError/],
    ['an id that is none', 'cluster.get("")', /id cannot be ''/],
    [
      'a node that is not there',
      'hearsay.connect(data="/nowhere")',
      /^NoNodeError: .*hearsay start/
    ],
    ['a name that is none', 'hearsay.connect(node="computer-a")', /computer\/instance/]
  ])('%s is refused in words', async (_, action, words) => {
    const told = await shown<[string, string]>(`show(refusal(lambda: ${action}))`)
    expect(told[1]).toMatch(words)
  })
})

withPython('looking', () => {
  test('tasks, logs, nodes, the cluster and its metrics are there', async () => {
    const told = await shown<Record<string, never>>(`
id = cluster.submit("shout", {"text": "seen"}, tags=["seen"])
cluster.wait(id)
failed = cluster.submit("fail", max_retries=0)
refusal(lambda: cluster.wait(failed))
show({
  "listed": [task["id"] == id for task in cluster.list(tag="seen", state="completed")],
  "log": "".join(entry["text"] for entry in cluster.logs(id)),
  "why": cluster.why(id)["words"],
  "nodes": [node["status"] for node in cluster.nodes()],
  "cluster": cluster.status()["cluster"],
  "metrics": "hearsay_build_info" in cluster.metrics(),
  "copy": cluster.get(cluster.retry(failed))["retryOf"] == failed,
})`)
    expect(told).toMatchObject({
      listed: [true],
      log: 'shouting seen\n',
      nodes: ['alive'],
      cluster: 'test',
      metrics: true,
      copy: true
    })
  })

  test('an instance that is expected is shown until it is forgotten', async () => {
    const told = await shown(`
def names(): return [node["name"] for node in cluster.nodes()]
cluster.expect("computer-z/9")
before = "computer-z/9" in names()
cluster.forget("computer-z/9")
show([before, "computer-z/9" in names(), refusal(lambda: cluster.expect("computer-z"))])`)
    expect(told).toEqual([
      true,
      false,
      ['HearsayError', expect.stringMatching(/computer\/instance/)]
    ])
  })

  test('tasks are saved to a file, as a whole or not at all, and taken in again', async () => {
    const file = join(data, 'saved.json')
    const told = await shown<[{ loaded: number; known: number }, [string, string]]>(`
cluster.wait(cluster.submit("shout", {"text": "kept"}))
cluster.save_state(${JSON.stringify(file)})
show([cluster.load_state(${JSON.stringify(file)}), refusal(lambda: cluster.save_state("/nowhere/saved.json"))])`)
    expect(told[0].loaded).toBe(0)
    expect(told[0].known).toBeGreaterThan(0)
    expect(told[1][0]).toBe('FileNotFoundError')
    expect((await readFile(file, 'utf8')).length).toBeGreaterThan(100)
  })

  test('events are read as they happen', async () => {
    const told = await shown(`
import threading
id = []
threading.Timer(0.2, lambda: id.append(cluster.submit("shout", {"text": "event"}))).start()
for event in cluster.events(event="task:completed", type="shout"):
    show(event["event"])
    break`)
    expect(told).toBe('task:completed')
  })
})
