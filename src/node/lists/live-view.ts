/**
 * The cluster as it is, and then whatever changes: what a page or a program needs that shows it, in one stream.
 *
 * Lines, in this order: `view:snapshot` (`whole`: what was told before counts no more), `view:nodes`, `view:counts`,
 * `view:tasks`, `view:live` (all up to here is told; again every few seconds, so that silence means that the stream is
 * cut). Then events as they happen, and among them nodes, counts and tasks when they have changed. The cursor of a line
 * of the view is that of the last event up to which all changes have been told: a reader that comes back with it misses
 * nothing, and may hear some events twice.
 *
 * Nothing is made before it is asked for. What is kept for a reader that asks for nothing has a bound: the oldest
 * events go, and are counted (`events:lost`).
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import type { Clock } from '../../ports/ports.ts'
import type { TaskCountsView, TaskRow, ViewLine, WatchOptions } from '../api/lists-api.ts'
import type { Json, NodeEvent, NodeView } from '../api/node-api.ts'
import type { Listeners } from '../events/listeners.ts'
import { wallMsOf } from '../runtime/clock.ts'
import type { Counts } from './counts.ts'
import { LINE_ROWS_MAX, LiveRows } from './live-rows.ts'
import type { TaskLists } from './task-lists.ts'

/** As often as an eye can follow, and a page may repaint. */
const TASKS_EVERY_MS = 250
const NODES_EVERY_MS = 1000
/** Twice as often as a reader should take to notice that nothing comes any more. */
const LIVE_EVERY_MS = 5000
/** Guess: seconds of a busy cluster. */
const EVENTS_QUEUED_MAX = 4096
const ROWS_DEFAULT = 200

export type LiveViewParts = Readonly<{
  core: Pick<CoreView, 'record'>
  clock: Clock
  listeners: Listeners
  lists: Pick<TaskLists, 'page'>
  counts: Counts
  row: (record: TaskRecord) => TaskRow
  nodes: () => NodeView[]
  /** Asks how far what runs is. */
  refreshProgress: () => Promise<void>
}>

export class LiveView {
  readonly #parts: LiveViewParts

  constructor(parts: LiveViewParts) {
    this.#parts = parts
  }

  /** @throws InvalidOptionError if `since` is no cursor */
  watch(options: WatchOptions, signal: AbortSignal): AsyncIterable<ViewLine> {
    if (options.since !== undefined) this.#parts.listeners.assertCursor(options.since)
    return this.#lines(options, signal)
  }

  async *#lines(options: WatchOptions, signal: AbortSignal): AsyncGenerator<ViewLine> {
    const reader = new Reader(this.#parts, options)
    const wake = (): void => reader.wake()
    const stopTicking = this.#parts.clock.every(TASKS_EVERY_MS, wake)
    signal.addEventListener('abort', wake)
    try {
      reader.listen()
      yield* reader.snapshot()
      while (!signal.aborted) {
        yield* reader.events()
        yield* reader.changes()
        if (!signal.aborted) await reader.news()
      }
    } finally {
      signal.removeEventListener('abort', wake)
      stopTicking()
      reader.leave()
    }
  }
}

class Reader {
  readonly #parts: LiveViewParts
  readonly #options: WatchOptions
  readonly #rows: LiveRows
  #queue: NodeEvent[] = []
  #lost = 0
  #lastLost: NodeEvent | null = null
  /** Up to where all has been told. */
  #toldTo: string
  /** Up to where events have been heard. */
  #heardTo: string
  #isWhole: boolean
  #nodes = ''
  #counts = ''
  #isCounting = false
  #newCounts: TaskCountsView | null = null
  #tasksAt = 0
  #nodesAt = 0
  #liveAt = 0
  #wake = (): void => {}
  #stop = (): void => {}

  constructor(parts: LiveViewParts, options: WatchOptions) {
    this.#parts = parts
    this.#options = options
    this.#rows = new LiveRows({ record: id => parts.core.record(id), row: parts.row })
    this.#heardTo = parts.listeners.cursor
    this.#toldTo = options.since ?? this.#heardTo
    this.#isWhole = options.since === undefined
  }

  /** From here on nothing is missed. */
  listen(): void {
    this.#stop = this.#parts.listeners.add(event => this.#heard(event), this.#options.since)
  }

  leave(): void {
    this.#stop()
  }

  wake(): void {
    this.#wake()
  }

  /** Resolves when there may be something to tell. */
  async news(): Promise<void> {
    if (this.#queue.length > 0) return
    await new Promise<void>(resolve => (this.#wake = resolve))
  }

  async *snapshot(): AsyncGenerator<ViewLine> {
    yield this.#line('view:snapshot', { whole: this.#isWhole })
    if (this.#isWhole) this.#toldTo = this.#heardTo
    yield* this.#nodesLine()
    this.#newCounts = await this.#parts.counts.newest()
    yield* this.#countsLine()
    if (this.#isWhole) yield* this.#newestTasks()
    yield* this.#tasksLine()
    this.#liveAt = this.#parts.clock.now()
    yield this.#line('view:live', {})
  }

  async *#newestTasks(): AsyncGenerator<ViewLine> {
    const { rows: limit = ROWS_DEFAULT } = this.#options
    const { rows } = await this.#parts.lists.page({ limit, fields: 'brief' })
    let tasks: TaskRow[] = []
    for (const row of rows) {
      this.#rows.tell(row)
      if (tasks.push(row) < LINE_ROWS_MAX) continue
      yield this.#line('view:tasks', { tasks, gone: [], more: 0 })
      tasks = []
    }
    yield this.#line('view:tasks', { tasks, gone: [], more: 0 })
  }

  *events(): Generator<ViewLine> {
    const queue = this.#queue
    const { wants = () => true } = this.#options
    this.#queue = []
    if (this.#lastLost !== null) {
      const { at, cursor } = this.#lastLost
      yield { v: 1, at, event: 'events:lost', cursor, count: this.#lost, reason: 'SlowReader' }
      this.#lost = 0
      this.#lastLost = null
    }
    for (const event of queue) if (wants(event)) yield event
  }

  /** What has changed, if it is time to tell. */
  *changes(): Generator<ViewLine> {
    const now = this.#parts.clock.now()
    if (now - this.#nodesAt >= NODES_EVERY_MS) {
      this.#nodesAt = now
      this.#rows.review()
      // What comes of it is there for the next look.
      if (this.#rows.hasRunning) void this.#parts.refreshProgress()
      this.#askCounts()
      yield* this.#nodesLine()
    }
    yield* this.#countsLine()
    if (now - this.#tasksAt < TASKS_EVERY_MS) return
    this.#tasksAt = now
    yield* this.#tasksLine()
    if (now - this.#liveAt < LIVE_EVERY_MS) return
    this.#liveAt = now
    yield this.#line('view:live', {})
  }

  *#nodesLine(): Generator<ViewLine> {
    const nodes = this.#parts.nodes()
    const text = JSON.stringify(nodes.map(node => ({ ...node, heartbeatAgeMs: null })))
    if (text === this.#nodes) return
    this.#nodes = text
    yield this.#line('view:nodes', { nodes })
  }

  /** Nobody waits for it: it takes longer the more tasks there are. */
  #askCounts(): void {
    if (this.#isCounting) return
    this.#isCounting = true
    void this.#parts.counts
      .newest()
      .then(counts => {
        this.#newCounts = counts
      })
      .finally(() => {
        this.#isCounting = false
      })
  }

  *#countsLine(): Generator<ViewLine> {
    const counts = this.#newCounts
    if (counts === null) return
    this.#newCounts = null
    const text = JSON.stringify({ ...counts, at: null })
    if (text === this.#counts) return
    this.#counts = text
    yield this.#line('view:counts', { counts })
  }

  *#tasksLine(): Generator<ViewLine> {
    const heardTo = this.#heardTo
    const changes = this.#rows.take()
    if (this.#rows.isUpToDate) this.#toldTo = heardTo
    if (changes !== null) yield this.#line('view:tasks', changes)
  }

  #heard(event: NodeEvent): void {
    if (event.event === 'events:lost') this.#isWhole = true
    this.#heardTo = event.cursor
    if (this.#queue.length >= EVENTS_QUEUED_MAX) {
      this.#lastLost = this.#queue.shift()!
      this.#lost++
    }
    this.#queue.push(event)
    const { taskId } = event
    if (typeof taskId === 'string') this.#note(taskId, event.event)
    this.#wake()
  }

  #note(id: TaskId, event: string): void {
    if (event === 'task:pruned') this.#rows.pruned(id)
    // Said by the thousand, and no change of a task.
    else if (event !== 'task:log') this.#rows.changed(id)
  }

  #line(event: string, fields: Readonly<Record<string, unknown>>): ViewLine {
    const at = new Date(wallMsOf(this.#parts.clock)).toISOString()
    return { v: 1, at, event, cursor: this.#toldTo, ...(fields as Record<string, Json>) }
  }
}
