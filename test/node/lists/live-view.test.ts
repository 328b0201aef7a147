/**
 * The live view: what there is, then what changes, and a reader that comes back misses nothing; whoever reads slowly is
 * told the newest state, and costs no more than that.
 */
import { describe, expect, test } from 'vitest'
import type { TaskId } from '../../../src/core/base/ids.ts'
import type { TaskRow, ViewLine, WatchOptions } from '../../../src/node/api/lists-api.ts'
import type { NodeView } from '../../../src/node/api/node-api.ts'
import { Listeners } from '../../../src/node/events/listeners.ts'
import { Counts } from '../../../src/node/lists/counts.ts'
import { LiveView } from '../../../src/node/lists/live-view.ts'
import { Scans } from '../../../src/node/lists/scans.ts'
import { until } from '../../support/until.ts'
import { Replica, type Given } from './replica.ts'

/** A live view of tasks in a map, and a clock that the test moves on. */
class Scene {
  readonly replica = new Replica()
  readonly listeners = new Listeners('boot', {
    now: () => 0,
    failed: error => {
      throw error
    }
  })
  nodes: { name: string; running: number; heartbeatAgeMs: number }[] = [
    { name: 'computer-a/1', running: 0, heartbeatAgeMs: 0 }
  ]
  progressAsked = 0
  #now = 0
  readonly #ticks = new Set<() => void>()
  readonly #view: LiveView

  constructor() {
    const { replica, listeners } = this
    const { core, nameOf, lists } = replica
    const clock = {
      now: () => this.#now,
      aheadMs: () => 0,
      every: (_ms: number, tick: () => void) => {
        this.#ticks.add(tick)
        return () => void this.#ticks.delete(tick)
      }
    }
    this.#view = new LiveView({
      core,
      clock,
      listeners,
      lists,
      counts: new Counts({ core, clock, nameOf, scans: new Scans(core, clock) }),
      row: ({ spec, outcome, started }) =>
        ({
          id: spec.id,
          state: outcome?.status ?? started?.epoch ?? 'queued'
        }) as unknown as TaskRow,
      nodes: () => this.nodes as unknown as NodeView[],
      refreshProgress: async () => void this.progressAsked++
    })
  }

  get ticking(): number {
    return this.#ticks.size
  }

  add(given: Given = {}): TaskId {
    const id = this.replica.add(given)
    this.listeners.emit('task:submitted', { taskId: id })
    return id
  }

  pass(ms: number): void {
    this.#now += ms
    for (const tick of this.#ticks) tick()
  }

  watch(options: WatchOptions = {}): Watcher {
    const ended = new AbortController()
    return new Watcher(this.#view.watch(options, ended.signal)[Symbol.asyncIterator](), ended, this)
  }
}

class Watcher {
  readonly lines: ViewLine[] = []
  readonly #source: AsyncIterator<ViewLine>
  readonly #ended: AbortController
  readonly #scene: Scene
  #isReading = false

  constructor(source: AsyncIterator<ViewLine>, ended: AbortController, scene: Scene) {
    this.#source = source
    this.#ended = ended
    this.#scene = scene
  }

  async next(): Promise<ViewLine> {
    const { value } = (await this.#source.next()) as IteratorResult<ViewLine, undefined>
    this.lines.push(value!)
    return value!
  }

  /** Reads on until a line of this name has come. */
  async to(event: string): Promise<ViewLine> {
    for (;;) {
      const line = await this.next()
      if (line.event === event) return line
    }
  }

  /** Reads all that comes, while the time passes, until what has been told says so. */
  async until(isOver: () => boolean): Promise<void> {
    if (!this.#isReading) void this.#read()
    this.#isReading = true
    await until(() => {
      this.#scene.pass(100)
      return isOver()
    }, 'the live view to tell it')
  }

  /** The newest row of each task that was told. */
  rows(): Map<TaskId, unknown> {
    const rows = new Map<TaskId, unknown>()
    for (const { event, tasks, gone, whole } of this.lines) {
      if (event === 'view:snapshot' && whole === true) rows.clear()
      if (event !== 'view:tasks') continue
      for (const row of tasks as unknown as TaskRow[]) rows.set(row.id, row.state)
      for (const id of gone as string[]) rows.delete(id)
    }
    return rows
  }

  async end(): Promise<void> {
    this.#ended.abort()
    if (!this.#isReading) await this.#source.return?.()
  }

  async #read(): Promise<void> {
    for (;;) {
      const next = (await this.#source.next()) as IteratorResult<ViewLine, undefined>
      if (next.done === true) return
      this.lines.push(next.value)
    }
  }
}

describe('a snapshot', () => {
  test('has nodes, counts and the newest tasks, and says when it is over', async () => {
    const scene = new Scene()
    const ids = [1, 2, 3].map(atMs => scene.replica.add({ atMs }))
    const watcher = scene.watch({ rows: 2 })
    await watcher.to('view:live')
    expect(watcher.lines.map(({ event }) => event)).toEqual([
      'view:snapshot',
      'view:nodes',
      'view:counts',
      'view:tasks',
      'view:live'
    ])
    const [begin, nodes, counts, tasks] = watcher.lines
    expect(begin).toMatchObject({ v: 1, whole: true })
    expect(nodes).toMatchObject({ nodes: scene.nodes })
    expect(counts).toMatchObject({ counts: { total: 3, states: { queued: 3 } } })
    expect(tasks).toMatchObject({ tasks: [{ id: ids[2] }, { id: ids[1] }], gone: [], more: 0 })
    await watcher.end()
  })

  test('is not begun where the cursor is none', () => {
    expect(() => new Scene().watch({ since: 'yesterday' })).toThrow(/is no cursor/)
  })

  test('leaves nothing behind when its reader goes', async () => {
    const scene = new Scene()
    const watcher = scene.watch()
    await watcher.to('view:live')
    expect(scene.ticking).toBe(1)
    expect(scene.listeners.any).toBe(true)
    await watcher.end()
    expect(scene.ticking).toBe(0)
    expect(scene.listeners.any).toBe(false)
  })
})

describe('what changes is told', () => {
  test('tasks that come, change and go; nodes; counts', async () => {
    const scene = new Scene()
    const first = scene.replica.add()
    const watcher = scene.watch()
    await watcher.to('view:live')
    const second = scene.add()
    await watcher.until(() => watcher.rows().has(second))
    scene.replica.remove(first)
    scene.listeners.emit('task:pruned', { taskId: first })
    scene.nodes = [{ ...scene.nodes[0]!, running: 1 }]
    await watcher.until(
      () =>
        !watcher.rows().has(first) &&
        watcher.lines.some(({ nodes }) => JSON.stringify(nodes)?.includes('"running":1'))
    )
    await watcher.until(() =>
      watcher.lines.some(({ counts }) => (counts as { total?: number })?.total === 1)
    )
    await watcher.end()
  })

  test('a row that changes without an event is looked at again', async () => {
    const scene = new Scene()
    const id = scene.replica.add()
    const watcher = scene.watch()
    await watcher.to('view:live')
    const [record] = scene.replica.records
    Object.assign(record!, { started: { epoch: 0, by: record!.claim.holder, at: 1 } })
    await watcher.until(() => watcher.rows().get(id) === 0)
    expect(scene.progressAsked).toBeGreaterThan(0)
    await watcher.end()
  })

  test('nodes of which only the age of the heartbeat differs are not told again', async () => {
    const scene = new Scene()
    const watcher = scene.watch()
    await watcher.to('view:live')
    scene.nodes = [{ ...scene.nodes[0]!, heartbeatAgeMs: 500 }]
    await watcher.until(() => watcher.lines.filter(({ event }) => event === 'view:live').length > 1)
    expect(watcher.lines.filter(({ event }) => event === 'view:nodes')).toHaveLength(1)
    await watcher.end()
  })

  test('events are told as they are, and only those that are wanted', async () => {
    const scene = new Scene()
    const watcher = scene.watch({ wants: ({ event }) => event.startsWith('node:') })
    await watcher.to('view:live')
    scene.add()
    scene.listeners.emit('node:left', { node: 'computer-b/1' })
    await watcher.until(() => watcher.rows().size === 1)
    const plain = watcher.lines.filter(({ event }) => !event.startsWith('view:'))
    expect(plain.map(({ event }) => event)).toEqual(['node:left'])
    await watcher.end()
  })
})

describe('a reader that comes back', () => {
  test('with the last cursor of the view hears of all that has changed meanwhile, and of no more', async () => {
    const scene = new Scene()
    const old = scene.add()
    const first = scene.watch()
    const { cursor } = await first.to('view:live')
    await first.end()
    const missed = scene.add()
    const gone = scene.add()
    scene.replica.remove(gone)
    scene.listeners.emit('task:pruned', { taskId: gone })
    const second = scene.watch({ since: cursor })
    await second.to('view:live')
    expect(second.lines[0]).toMatchObject({ event: 'view:snapshot', whole: false })
    expect([...second.rows().keys()]).toEqual([missed])
    expect(second.lines.flatMap(line => (line['gone'] as string[] | undefined) ?? [])).toEqual([
      gone
    ])
    expect([...second.rows().keys()]).not.toContain(old)
    await second.end()
  })

  test('after too long, or to another boot, gets all anew', async () => {
    const scene = new Scene()
    const { cursor } = scene.listeners
    for (let n = 0; n < 5000; n++) scene.listeners.emit('node:suspect', {})
    const id = scene.add()
    for (const since of [cursor, 'other-boot:3']) {
      const watcher = scene.watch({ since })
      await watcher.to('view:live')
      expect(watcher.lines[0]).toMatchObject({ whole: true })
      expect([...watcher.rows().keys()]).toEqual([id])
      await watcher.end()
    }
  })

  test('wherever it was cut, in the end knows what there is', async () => {
    const scene = new Scene()
    const known = new Map<TaskId, unknown>()
    let since: string | undefined
    for (let round = 0; round < 20; round++) {
      const watcher = scene.watch(since === undefined ? {} : { since })
      for (let n = 0; n < 40; n++) {
        const id = scene.add({ atMs: round })
        if (n % 3 === 0) {
          scene.replica.remove(id)
          scene.listeners.emit('task:pruned', { taskId: id })
        }
      }
      // Cut after some lines; in the last round after all.
      if (round < 19) for (let lines = 0; lines < 1 + (round % 7); lines++) await watcher.next()
      else await watcher.to('view:live')
      await watcher.end()
      for (const line of watcher.lines) {
        if (line.event === 'view:snapshot' && line['whole'] === true) known.clear()
        if (line.event.startsWith('view:')) since = line.cursor
        for (const row of (line['tasks'] as unknown as TaskRow[] | undefined) ?? []) {
          known.set(row.id, row.state)
        }
        for (const id of (line['gone'] as string[] | undefined) ?? []) known.delete(id)
      }
    }
    const newest = scene.replica.ids.slice(-200)
    for (const id of newest) expect(known.has(id)).toBe(true)
    for (const id of known.keys()) expect(scene.replica.ids).toContain(id)
  })
})

describe('a reader that is slow', () => {
  test('is told how many events it has missed, and of the newest state of what it can still hear of', async () => {
    const scene = new Scene()
    const watcher = scene.watch()
    await watcher.to('view:live')
    const ids: TaskId[] = []
    for (let n = 0; n < 6000; n++) ids.push(scene.add({ atMs: n }))
    await watcher.until(() => watcher.rows().size >= 2000)
    const lost = watcher.lines.find(({ event }) => event === 'events:lost')
    expect(lost).toMatchObject({ count: 6000 - 4096, reason: 'SlowReader' })
    const more = watcher.lines.map(line => Number(line['more'] ?? 0)).reduce((x, y) => x + y)
    expect(watcher.rows().size + more).toBe(ids.length)
    const longest = Math.max(
      ...watcher.lines.map(line => ((line['tasks'] as unknown[] | undefined) ?? []).length)
    )
    expect(longest).toBe(250)
    await watcher.end()
  })
})
