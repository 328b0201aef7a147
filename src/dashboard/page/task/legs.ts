/** The way of a task as pieces of time: where it waited, where it ran, and what moved it. */
import type { NodeEvent, TaskView } from '../../../node/api/node-api.ts'
import { textOf } from '../state/format.ts'

/** A piece of its way. */
export type Leg = Readonly<{
  kind: 'waited' | 'ran'
  fromMs: number
  /** Null: it goes on. */
  toMs: number | null
  node: string | null
  attempt: number | null
  /** What ended it, such as `completed` or `retrying`; what it waited for is not told here. */
  end: string | null
  /** How it came to the node. */
  via: string | null
}>

/** From what the node remembers; what it has forgotten is filled in by what the task itself says. */
export function legsOf(task: TaskView, history: readonly NodeEvent[]): Leg[] {
  const walk = new Walk(Date.parse(task.submittedAt), task.submittedBy)
  for (const event of history) walk.take(event)
  walk.finish(task)
  return walk.legs
}

class Walk {
  readonly legs: Leg[] = []
  #kind: Leg['kind'] = 'waited'
  #sinceMs: number
  #node: string | null
  #attempt: number | null = null
  #via: string | null = null

  constructor(submittedAtMs: number, submittedBy: string) {
    this.#sinceMs = submittedAtMs
    this.#node = submittedBy
  }

  take(event: NodeEvent): void {
    const name = event.event.replace('task:', '')
    const atMs = Date.parse(event.at)
    const node = textOf(event['node']) || null
    if (name === 'started') {
      this.#turn('ran', atMs, node, this.#kind === 'ran' ? 'lost' : null)
      this.#attempt = typeof event['attempt'] === 'number' ? event['attempt'] : null
    } else if (name === 'stolen' || name === 'reclaimed') {
      this.#turn('waited', atMs, node, this.#kind === 'ran' ? 'lost' : null)
      this.#via = name
    } else if (name === 'retrying') this.#turn('waited', atMs, node, 'failed')
  }

  finish(task: TaskView): void {
    const startedAtMs = task.startedAt === null ? null : Date.parse(task.startedAt)
    const isUntold = this.#kind === 'waited' && startedAtMs !== null && startedAtMs >= this.#sinceMs
    if (isUntold) {
      this.#turn('ran', startedAtMs, task.holder, null)
      this.#attempt = task.attempt
    }
    const endMs = task.settledAt === null ? null : Date.parse(task.settledAt)
    this.#push(endMs, endMs === null ? null : task.state)
  }

  #turn(kind: Leg['kind'], atMs: number, node: string | null, end: string | null): void {
    this.#push(atMs, end)
    this.#kind = kind
    this.#sinceMs = atMs
    this.#node = node ?? this.#node
    if (kind === 'waited') this.#attempt = null
  }

  #push(toMs: number | null, end: string | null): void {
    const fromMs = this.#sinceMs
    const until = toMs === null ? null : Math.max(fromMs, toMs)
    this.legs.push({
      kind: this.#kind,
      fromMs,
      toMs: until,
      node: this.#node,
      attempt: this.#attempt,
      end,
      via: this.#via
    })
    this.#via = null
  }
}
