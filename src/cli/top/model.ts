/**
 * What `hearsay top` knows: the latest word of the node on members and tasks, what had failed before, and what it has
 * heard happen since it was started. Rates are what settled within the last seconds, so they fall to nothing when
 * nothing happens.
 */
import type { NodeEvent, NodeView, StatusView, TaskView } from '../../node/api/node-api.ts'

/** A failure, as an event told it or the task does. */
export type Failure = Readonly<{
  at: string
  taskId: string
  type: string
  node: string
  reason: string
  message: string
}>

/** Long enough for slow tasks to make a rate at all, short enough to follow a change. */
const RATE_MS = 10_000
const FAILURES_MAX = 100

export class Model {
  status: StatusView | null = null
  nodes: readonly NodeView[] = []
  /** Not settled: running ones first, then queued, then waiting; newest first. */
  tasks: readonly TaskView[] = []
  /** Newest first. */
  readonly failures: Failure[] = []
  steals = 0
  /** Why there is nothing new; null while all is well. */
  trouble: string | null = null
  /** Cursor of the last event, to go on after it. */
  cursor: string | undefined
  readonly #settled: { atMs: number; node: string }[] = []

  /** @param nowMs when it arrived, by the clock of `rate` */
  heard(event: NodeEvent, nowMs: number): void {
    this.cursor = event.cursor
    const node = textOf(event['node'])
    if (event.event === 'task:stolen') this.steals++
    if (event.event === 'task:completed' || event.event === 'task:failed') {
      this.#settled.push({ atMs: nowMs, node })
    }
    if (event.event !== 'task:failed') return
    this.failures.unshift({
      at: event.at,
      taskId: textOf(event['taskId']),
      type: textOf(event['type']),
      node,
      reason: textOf(event['reason']),
      message: textOf(event['message'])
    })
    this.failures.splice(FAILURES_MAX)
  }

  /** Tasks that had failed before this view listened, the newest first. */
  recall(tasks: readonly TaskView[]): void {
    const heard = new Set(this.failures.map(({ taskId }) => taskId))
    const older = tasks
      .filter(({ id, settledAt }) => settledAt !== null && !heard.has(id))
      .map(({ id, settledAt, type, holder, reason, error }) => ({
        at: settledAt!,
        taskId: id,
        type,
        node: holder,
        reason: reason ?? '',
        message: error?.message ?? ''
      }))
    this.failures.push(...older.toSorted((x, y) => Date.parse(y.at) - Date.parse(x.at)))
    this.failures.splice(FAILURES_MAX)
  }

  /** Tasks a second that settled on a node, or on all. */
  rate(nowMs: number, node?: string): number {
    const old = this.#settled.findIndex(({ atMs }) => nowMs - atMs <= RATE_MS)
    this.#settled.splice(0, old < 0 ? this.#settled.length : old)
    const count = this.#settled.filter(settled => node === undefined || settled.node === node)
    return count.length / (RATE_MS / 1000)
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
