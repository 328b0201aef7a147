/**
 * Questions to the other nodes about tasks that are not known here. The core asks; callers that wait for the answer
 * look here.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { Effect } from '../../core/effect.ts'
import type { Input } from '../../core/input.ts'

/** How far a question is. The task itself, if anybody had it, is in the replica by then. */
export type Lookup = { isOver: boolean; isForgotten: boolean }

export class Lookups {
  readonly #feed: (input: Input) => void
  readonly #open = new Map<TaskId, Lookup>()

  constructor(feed: (input: Input) => void) {
    this.#feed = feed
  }

  ask(taskId: TaskId): Readonly<Lookup> {
    const open = this.#open.get(taskId)
    if (open !== undefined) return open
    const lookup = { isOver: false, isForgotten: false }
    this.#open.set(taskId, lookup)
    this.#feed({ kind: 'find', taskId })
    return lookup
  }

  found({ taskId, isForgotten }: Extract<Effect, { kind: 'found' }>): void {
    const lookup = this.#open.get(taskId)
    if (lookup === undefined) return
    this.#open.delete(taskId)
    lookup.isForgotten = isForgotten
    lookup.isOver = true
  }
}
