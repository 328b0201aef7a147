/**
 * Questions to the other nodes about tasks that are not known here. The core asks; whoever waits for the answer looks here.
 */
import type { TaskId } from '../core/base/ids.ts'
import type { Effect } from '../core/effect.ts'
import type { Input } from '../core/input.ts'

/** How far a question is. The task itself, if anybody had it, is in the replica by then. */
export type Inquiry = { isOver: boolean; isForgotten: boolean }

export class Inquiries {
  readonly #feed: (input: Input) => void
  readonly #open = new Map<TaskId, Inquiry>()

  constructor(feed: (input: Input) => void) {
    this.#feed = feed
  }

  ask(taskId: TaskId): Readonly<Inquiry> {
    const open = this.#open.get(taskId)
    if (open !== undefined) return open
    const inquiry = { isOver: false, isForgotten: false }
    this.#open.set(taskId, inquiry)
    this.#feed({ kind: 'find', taskId })
    return inquiry
  }

  found({ taskId, isForgotten }: Extract<Effect, { kind: 'found' }>): void {
    const inquiry = this.#open.get(taskId)
    if (inquiry === undefined) return
    this.#open.delete(taskId)
    inquiry.isForgotten = isForgotten
    inquiry.isOver = true
  }
}
