/**
 * One node of the baseline and two of today in one cluster: whatever nodes do for each other they do across versions, one
 * takes over from the other, and each goes on with what the other kept.
 */
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SubmitOptions, TaskView } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { BASELINE, baselineUnavailable, checkOut, today, type Tree } from './baseline.ts'
import { MixedCluster, type Running } from './cluster.ts'

const unavailable = baselineUnavailable()
if (unavailable !== null) console.warn(`no cluster of mixed versions is tested: ${unavailable}`)

const waitMs = 60_000
const OLD = { require: { version: 'old' } }
const NEW = { require: { version: 'new' } }

describe.skipIf(unavailable !== null)(`a node of ${BASELINE} among those of today`, () => {
  let baseline: Tree
  let cluster: MixedCluster
  let old: Running
  let b: Running
  let c: Running

  const startOld = (tree = baseline): Promise<Running> =>
    cluster.start(tree, 'computer-a/1', '--label', 'version=old')
  const startB = (tree = today): Promise<Running> =>
    cluster.start(tree, 'computer-b/2', '--label', 'version=new')
  const startC = (tree = today): Promise<Running> =>
    cluster.start(tree, 'computer-c/3', '--label', 'version=new')

  beforeAll(async () => {
    baseline = await checkOut()
    cluster = await MixedCluster.make()
    old = await startOld()
    b = await startB()
    c = await startC()
  })
  afterAll(async () => {
    await cluster?.down()
    await baseline?.remove()
  })

  async function submit(
    { client }: Running,
    type: string,
    payload: unknown,
    options: SubmitOptions = {}
  ): Promise<string> {
    return (await client.submit(type, payload, options)).id
  }

  const wait = ({ client }: Running, id: string): Promise<TaskView> => client.wait(id, waitMs)

  test('a command that is given bytes, or has its output as its result, never goes to the old node', async () => {
    const bytes = { argv: ['od', '-An', '-tx1'], stdinBase64: '//4A', resultFrom: 'stdout' }
    const ids: string[] = []
    for (const node of [b, c, b, c]) ids.push(await submit(node, 'command', bytes))
    const waiting = await submit(b, 'command', bytes, { labels: OLD })
    for (const id of ids) {
      const task = await wait(c, id)
      expect(task).toMatchObject({ state: 'completed', result: ' ff fe 00\n' })
      expect([b.name, c.name]).toContain(task.holder)
    }
    // Not even if it is the only one that has what is asked for.
    expect(await b.client.get(waiting)).toMatchObject({
      state: 'queued',
      reason: 'LabelsUnmatched'
    })
    expect(await old.client.get(waiting)).toMatchObject({ startedAt: null })
    await b.client.cancel(waiting)
    // Asked itself, it refuses what it does not know.
    await expect(submit(old, 'command', bytes)).rejects.toMatchObject({
      name: 'PayloadRejectedError'
    })
  })

  async function tasksOf({ client }: Running): Promise<TaskView[]> {
    const tasks: TaskView[] = []
    for await (const task of client.list()) tasks.push(task)
    return tasks.sort((x, y) => (x.id < y.id ? -1 : 1))
  }

  const idsOf = async (node: Running): Promise<string[]> =>
    (await tasksOf(node)).map(({ id }) => id)

  /** A task runs, and these know it. */
  async function runs(id: string, holder: Running, ...knowing: Running[]): Promise<void> {
    await until(
      async () => {
        const views = await Promise.all([holder, ...knowing].map(node => node.client.get(id)))
        return views.every(view => view.state === 'running' && view.holder === holder.name)
      },
      `${id} to run at ${holder.name}`,
      waitMs
    )
  }

  const all = (): Running[] => [old, b, c]
  const pairs = (): [string, Running, Running, SubmitOptions][] => [
    ['of the baseline', old, b, { labels: NEW }],
    ['of today', b, old, { labels: OLD }]
  ]

  /** All know the same tasks, and these are over. */
  async function expectRest(...nodes: Running[]): Promise<void> {
    await until(
      async () => {
        const lists = await Promise.all(nodes.map(tasksOf))
        const isOver = lists.flat().every(({ settledAt }) => settledAt !== null)
        const known = lists.map(tasks =>
          JSON.stringify(tasks.map(({ id, state, epoch, result }) => [id, state, epoch, result]))
        )
        return isOver && new Set(known).size === 1
      },
      'all to know the same',
      waitMs
    )
  }

  test('runs what is submitted at the others, and they what is submitted at it, with large payloads and results', async () => {
    for (const [, submitter, other, options] of pairs()) {
      const double = await submit(submitter, 'double', 21, options)
      const length = await submit(submitter, 'length', 'y'.repeat(100_000), options)
      const large = await submit(submitter, 'large', 'x', options)
      const sum = await submit(submitter, 'sum', null, { dependsOn: [double, length] })
      const fails = await submit(submitter, 'fails', null, { ...options, maxRetries: 0 })
      expect(await wait(submitter, double)).toMatchObject({ state: 'completed', result: 42 })
      expect((await wait(c, double)).holder).not.toBe(submitter.name)
      expect((await wait(submitter, length)).result).toBe(100_000)
      expect((await wait(c, sum)).result).toBe(100_042)
      expect(await wait(other, fails)).toMatchObject({
        state: 'failed',
        reason: 'HandlerError',
        error: { name: 'TypeError', message: 'that is its nature' }
      })
      for (const node of all()) {
        const { resultBlob } = await wait(node, large)
        expect(JSON.parse(await node.client.blob(resultBlob!))).toBe('x'.repeat(20_000))
      }
    }
  })

  test('steals from the others when it is idle, and they from it', async () => {
    for (const submitter of [old, b]) {
      const ids = await Promise.all(Array.from({ length: 24 }, () => submit(submitter, 'talks', 8)))
      const done = await Promise.all(ids.map(id => wait(submitter, id)))
      const holders = new Set(done.map(({ holder }) => holder))
      expect([...holders].sort()).toEqual(all().map(({ name }) => name))
    }
  })

  test('runs what is more urgent first, wherever it was submitted', async () => {
    for (const [, submitter, runner, { labels }] of pairs()) {
      const options = { labels: labels!, maxRetries: 0 }
      const runners = runner === old ? 1 : 2
      const files = Array.from({ length: runners * 2 }, (_, i) =>
        cluster.path(`urgent-${runners}-${i}`)
      )
      const busy = await Promise.all(
        files.map(file => submit(submitter, 'waitsFor', file, options))
      )
      const areAll = (ids: readonly string[], state: string): Promise<unknown> =>
        until(
          async () => {
            const views = all().flatMap(node => ids.map(id => node.client.get(id)))
            return (await Promise.all(views)).every(view => view.state === state)
          },
          `all to know that they are ${state}`,
          waitMs
        )
      await areAll(busy, 'running')
      const low = await submit(submitter, 'double', 1, { ...options, priority: 1 })
      const high = await submit(submitter, 'double', 2, { ...options, priority: 10 })
      await areAll([low, high], 'queued')
      // One slot, for one after the other.
      await writeFile(files[0]!, '')
      const [first, second] = [await wait(submitter, high), await wait(submitter, low)]
      expect(first.startedAt! <= second.startedAt!).toBe(true)
      for (const file of files) await writeFile(file, '')
      for (const id of busy) await wait(submitter, id)
    }
  })

  test('cancels and is cancelled, and a copy of what failed there runs elsewhere', async () => {
    for (const [, submitter, other, options] of pairs()) {
      const id = await submit(submitter, 'hangs', null, options)
      await until(async () => (await submitter.client.get(id)).state === 'running', 'it to run')
      await submitter.client.cancel(id)
      expect(await wait(other, id)).toMatchObject({ state: 'cancelled', reason: 'CancelledByUser' })
      const failed = await submit(submitter, 'fails', null, { ...options, maxRetries: 0 })
      await wait(other, failed)
      const again = await other.client.retry(failed)
      expect(await wait(submitter, again.id)).toMatchObject({ state: 'failed', retryOf: failed })
    }
  })

  test('means the same task by a key, also at the same moment', async () => {
    const before = (await idsOf(old)).length
    for (let i = 0; i < 5; i++) {
      const options = { idempotencyKey: `key ${i}` }
      const ids = await Promise.all(all().map(node => submit(node, 'double', i, options)))
      expect(new Set(ids).size).toBe(1)
      expect((await wait(old, ids[0]!)).result).toBe(2 * i)
    }
    await expectRest(...all())
    expect(await idsOf(old)).toHaveLength(before + 5)
  })

  test('shows the output of what runs at the others, as it comes, and they of what runs there', async () => {
    for (const [, submitter, other, options] of pairs()) {
      const id = await submit(submitter, 'talks', 20, options)
      const { tree } = submitter
      const { code, stdout } = await cluster.verb(tree, submitter, 'logs', id, '-f')
      expect(code).toBe(0)
      expect(stdout.trimEnd().split('\n')).toEqual(
        Array.from({ length: 20 }, (_, i) => `line ${i + 1}`)
      )
      const where = `version=${other === old ? 'old' : 'new'}`
      const command = ['--label', where, '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']
      const answer = await cluster.verb(tree, submitter, 'run', ...command)
      expect(answer).toMatchObject({ code: 3, stdout: 'out\n' })
      expect(answer.stderr).toContain('err\n')
    }
  })

  test('is asked by the verbs of today, and they by its own', async () => {
    for (const [tree, node] of [
      [today, old],
      [baseline, b]
    ] as const) {
      const submitted = await cluster.verb(tree, node, 'submit', 'double', '4', '--wait', '--json')
      expect(JSON.parse(submitted.stdout)).toMatchObject({ state: 'completed', result: 8 })
      const listed = await cluster.verb(tree, node, 'ls', '--json', '--type', 'double')
      expect(listed.stdout.split('\n').filter(Boolean).length).toBeGreaterThan(1)
    }
  })

  test('saves a state that the others load without any change, and loads theirs', async () => {
    const before = await idsOf(b)
    for (const [, saver, loader] of pairs()) {
      const file = cluster.path(`${saver.name.replace('/', '-')}.json`)
      expect(await cluster.verb(saver.tree, saver, 'state', 'save', file)).toMatchObject({
        code: 0
      })
      const loaded = await cluster.verb(loader.tree, loader, 'state', 'load', file, '--json')
      expect(JSON.parse(loaded.stdout)).toMatchObject({ loaded: 0, known: before.length })
    }
    expect(await idsOf(b)).toEqual(before)
  })

  test('that is killed loses nothing: another version takes over what it ran, and it comes back', async () => {
    const here = { labels: { require: { here: 'yes' } } }
    for (const isOld of [false, true]) {
      const [victim, heir] = isOld ? [old, c] : [c, old]
      const file = cluster.path(`go-${victim.process.process.pid}`)
      await victim.client.setLabels({ here: 'yes' })
      const id = await submit(b, 'waitsFor', file, here)
      await runs(id, victim, b, heir)
      await heir.client.setLabels({ here: 'yes' })
      await cluster.stop(victim, 'SIGKILL')
      await writeFile(file, '')
      expect(await wait(b, id)).toMatchObject({ holder: heir.name, lost: [victim.name] })
      if (isOld) old = await startOld()
      else c = await startC()
    }
    await expectRest(...all())
  })

  test('that leaves hands on what it holds, and is gone at once', async () => {
    for (const isOld of [true, false]) {
      const leaver = isOld ? old : c
      const running = await submit(leaver, 'talks', 20)
      const later = await submit(leaver, 'double', 6, { delay: '3s' })
      await until(async () => (await leaver.client.get(running)).state === 'running', 'it to run')
      expect((await leaver.client.get(later)).holder).toBe(leaver.name)
      expect(await cluster.stop(leaver, 'SIGTERM')).toBe(0)
      expect(await wait(b, running)).toMatchObject({ state: 'completed', lost: [] })
      const done = await wait(b, later)
      expect(done).toMatchObject({ result: 12, lost: [] })
      expect(done.holder).not.toBe(leaver.name)
      const seen = (await b.client.nodes()).find(({ name }) => name === leaver.name)
      expect(seen?.status).toBe('left')
      if (isOld) old = await startOld()
      else c = await startC()
    }
    await expectRest(...all())
  })

  test('is upgraded in place: today goes on with its data folder, and it with that of today', async () => {
    const before = await idsOf(b)
    const { id: identity } = await old.process.ready()
    const open = await submit(old, 'double', 5, { labels: OLD, delay: '3s' })
    await cluster.stop(old, 'SIGKILL')
    old = await startOld(today)
    expect((await old.process.ready()).id).toBe(identity)
    expect(await idsOf(old)).toEqual([...before, open].sort())
    expect(await wait(b, open)).toMatchObject({ result: 10, holder: old.name })
    const mine = await submit(c, 'length', 'z'.repeat(50_000), { labels: NEW, delay: '3s' })
    await cluster.stop(c, 'SIGKILL')
    c = await startC(baseline)
    expect(await wait(old, mine)).toMatchObject({ state: 'completed', result: 50_000 })
    await expectRest(...all())
  })

  test('has nothing to complain of', async () => {
    for (const { client, name } of all()) {
      const metrics = await client.metrics()
      const { nodes, disk } = await client.diagnosis()
      expect(disk).toBe(null)
      expect(nodes.map(node => node.status)).toEqual(['alive', 'alive', 'alive'])
      expect(metrics, name).toMatch(/^hearsay_task_duplicate_starts_total 0$/m)
    }
    const doctor = await cluster.verb(today, b, 'doctor', '--json')
    const { findings } = JSON.parse(doctor.stdout) as { findings: { code: string }[] }
    expect(findings.filter(({ code }) => code !== 'version-mismatch')).toEqual([])
    const complaints = cluster.stderr
      .split('\n')
      .filter(line => /refused|damaged|unreadable|cannot/.test(line))
    expect(complaints).toEqual([])
  })
})
