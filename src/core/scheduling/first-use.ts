/**
 * Whether a key that is not known here may name a new task.
 *
 * A node that has had the task of a key knows that as long as the task was to be kept, also if it went for lack of room
 * (gc/key-tombstones.ts). A node that came later has never had it. So where tasks have gone for lack of room, all who
 * can be asked are asked first, and by a node that has just started only when it has met them. Where the task comes here
 * before they have answered, it is the one that is meant: it may be forgotten again by then.
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import { isPruned, type Context } from '../context.ts'
import type { Input } from '../input.ts'
import type { Waiting } from '../pending.ts'
import type { SettledFloor } from '../gc/settled-floor.ts'

type Submission = Extract<Input, { kind: 'submit' }>

export class FirstUse {
  readonly #context: Context
  readonly #settledFloor: SettledFloor
  readonly #waiting = new Map<TaskId, Submission[]>()
  /** Of these, those about which no member has been asked yet. */
  readonly #unasked = new Set<TaskId>()

  constructor(context: Context, settledFloor: SettledFloor) {
    this.#context = context
    this.#settledFloor = settledFloor
  }

  /** Returns whether the submission waits for what others say of its key. */
  holds(input: Submission): boolean {
    const { id } = input
    const { log } = this.#context
    if (id === null || log.get(id) !== undefined || isPruned(this.#context, id)) return false
    const before = this.#waiting.get(id)
    if (before === undefined && !this.#isAsking) return false
    if (before === undefined) this.#unasked.add(id)
    this.#waiting.set(id, [...(before ?? []), input])
    return true
  }

  /** Keys about which others are to be asked now. */
  takeQuestions(): readonly TaskId[] {
    if (this.#unasked.size === 0 || this.#context.isNew) return []
    const ids = [...this.#unasked]
    this.#unasked.clear()
    return ids
  }

  /** Others have been asked. Returns the submissions that have waited for it. */
  answered(id: TaskId): readonly Submission[] {
    const waiting = this.#waiting.get(id) ?? []
    this.#waiting.delete(id)
    this.#unasked.delete(id)
    return waiting
  }

  /** Keys whose tasks are here by now. */
  known(): readonly TaskId[] {
    return [...this.#waiting.keys()].filter(id => this.#context.log.get(id) !== undefined)
  }

  /** Submissions that wait for what others say of their keys. */
  *pending(): Generator<Waiting> {
    for (const input of [...this.#waiting.values()].flat()) {
      yield { pending: { kind: 'submit', input }, until: { on: 'answers', of: null } }
    }
  }

  assertInvariants(): void {
    for (const id of this.#unasked) {
      assert(this.#waiting.has(id), 'a key is asked for while a submission waits for it', id)
    }
  }

  get #isAsking(): boolean {
    return this.#settledFloor.hasDropped && this.#context.members.linked().length > 0
  }
}
