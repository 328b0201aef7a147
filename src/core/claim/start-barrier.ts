/**
 * Starts that others know of before they happen: written down, and not called yet.
 *
 * Such a start waits until another member has it on disk, on another computer if one is linked. Meanwhile it keeps its
 * slot for a moment only, so that nothing behind it waits for a node that may never come back; once it is known
 * elsewhere it takes the next slot that is free. It stays with its holder all the while, under the same epoch: it
 * counts as started, so no other node is given it.
 *
 * What may run at most once waits for as long as it takes, unless there is no other node at all. So it is not even
 * begun while none is linked that could know of it: not begun, it can still be given away, or be run by others if this
 * node dies.
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import type { Run } from '../effect.ts'
import type { Entry } from '../log/entry.ts'
import { compareUrgency } from '../task/urgency.ts'
import type { Copies, PendingOf, Waiting } from '../pending.ts'
import type { GroupCommit } from '../replication/group-commit.ts'

/** A start that has been written down. */
type Begun = Readonly<{
  entry: Entry
  run: Run
  since: number
  /** Our write that says so. */
  seq: number
}>

/** The slots of this node. */
type Seats = Readonly<{ release(id: TaskId): void }>

export class StartBarrier {
  readonly #context: Context
  readonly #groupCommit: GroupCommit
  readonly #seats: Seats
  readonly #isHeld: (entry: Entry) => boolean
  readonly #begun = new Map<TaskId, Begun>()
  /** Starts that have a slot, in the order in which they are to give it up. */
  readonly #withSlot = new Set<Begun>()
  /** Starts that another member has on disk, or for which no member is waited for any more. */
  readonly #known = new Set<Begun>()
  /** Tasks that would start here, if there were a node to know of it. */
  readonly #putAside = new Set<Entry>()

  /** @param isHeld whether a task may not be called yet, for a node that has just come may know how it ended */
  constructor(
    context: Context,
    groupCommit: GroupCommit,
    seats: Seats,
    isHeld: (entry: Entry) => boolean
  ) {
    this.#seats = seats
    this.#isHeld = isHeld
    this.#context = context
    this.#groupCommit = groupCommit
  }

  /** Frees the slots of starts that have had theirs for long enough. */
  releaseLate(): void {
    const { now, options } = this.#context
    for (const begun of this.#withSlot) {
      if (now - begun.since < options.startSlotMs) break
      this.#release(begun)
    }
  }

  /** Frees the slots of starts that cannot be called there any more. @param isThere whether the slot of a task is */
  releaseGone(isThere: (entry: Entry) => boolean): void {
    for (const begun of this.#withSlot) if (!isThere(begun.entry)) this.#release(begun)
  }

  /** Starts that no slot will do for. @param canRun whether one would do for a task, if it were free */
  homeless(canRun: (entry: Entry) => boolean): Entry[] {
    if (this.#begun.size === this.#withSlot.size) return []
    return Array.from(this.#begun.values())
      .filter(begun => !this.#withSlot.has(begun) && !canRun(begun.entry))
      .map(({ entry }) => entry)
  }

  /** Whether the task has begun, and keeps its slot until it is called. */
  hasSlot(id: TaskId): boolean {
    const begun = this.#begun.get(id)
    return begun !== undefined && this.#withSlot.has(begun)
  }

  /** Whether any start waits to be called. */
  get areAwaited(): boolean {
    return this.#begun.size > 0
  }

  /** The epoch at which the task has begun, if its handler has not been called. */
  epochOf(id: TaskId): number | undefined {
    return this.#begun.get(id)?.run.epoch
  }

  /** Whether the task has not begun because no node is there to know of it. */
  isPutAside(entry: Entry): boolean {
    return this.#putAside.has(entry)
  }

  /** Whether another node has to know of the start of a task here, and that has not been heard. */
  isStartUnconfirmed(entry: Entry): boolean {
    const begun = this.#begun.get(entry.id)
    return begun === undefined ? this.isPutAside(entry) : !this.#known.has(begun)
  }

  /** Whether another node has to know of the start that is our write `seq`, and that has not been heard. */
  isUnconfirmed({ id }: Entry, seq: number): boolean {
    const begun = this.#begun.get(id)
    return begun?.seq === seq && !this.#known.has(begun)
  }

  /** Whether the task may begin. If no node is there that could know of it, it is put aside. */
  mayBegin(entry: Entry): boolean {
    if (!isOnce(entry) || !this.#isForsaken) return true
    this.#putAside.add(entry)
    return false
  }

  /** Tasks that may begin now: a node has come that can know of them, or none is waited for any more. */
  takePutAside(): Entry[] {
    return this.#putAside.size === 0 || this.#isForsaken ? [] : this.takeAllPutAside()
  }

  takeAllPutAside(): Entry[] {
    const entries = [...this.#putAside]
    this.#putAside.clear()
    return entries
  }

  /** The start of a task is this boot's last write. It is called when others know of it. */
  begin(entry: Entry, run: Run): void {
    const { log, now } = this.#context
    const begun = { entry, run, since: now, seq: log.nextSeq - 1 }
    this.#begun.set(entry.id, begun)
    this.#withSlot.add(begun)
    this.#ask(begun)
  }

  /**
   * The next start that may be called. It does not wait any more then.
   *
   * @param hasRoom whether there is a slot for one that has given up its own
   * @param rivalOf a task that could have the slot that one would get: it gets it if it is more urgent
   */
  next(
    hasRoom: (entry: Entry) => boolean,
    rivalOf: (entry: Entry) => Entry | undefined
  ): Run | undefined {
    this.#noteForgotten()
    let first: Begun | undefined
    for (const begun of this.#known) {
      if (this.#isHeld(begun.entry)) continue
      if (this.#withSlot.has(begun)) return this.#take(begun)
      const { spec } = begun.entry.record
      const isFirst = first === undefined || compareUrgency(spec, first.entry.record.spec) < 0
      if (!isFirst || !hasRoom(begun.entry)) continue
      const rival = rivalOf(begun.entry)
      if (rival === undefined || !isMoreUrgent(rival, begun.entry)) first = begun
    }
    return first === undefined ? undefined : this.#take(first)
  }

  /** The task is not to be called here any more. Returns whether it waited to be. */
  giveUp(entry: Entry): boolean {
    this.#putAside.delete(entry)
    const begun = this.#begun.get(entry.id)
    if (begun === undefined) return false
    this.#take(begun)
    this.#seats.release(entry.id)
    return true
  }

  /** None of them is called any more: each counts as a run that was ended. */
  giveUpAll(): TaskId[] {
    const ids = Array.from(this.#begun.values(), begun => this.#take(begun).taskId)
    for (const id of ids) this.#seats.release(id)
    return ids
  }

  assertInvariants(): void {
    const begun = new Set(this.#begun.values())
    for (const [id, { entry, run }] of this.#begun) {
      assert(entry.id === id && run.taskId === id, 'a start is kept under its task', id)
      assert(!entry.removed, 'a task that has begun is here', id)
    }
    for (const each of [...this.#withSlot, ...this.#known]) {
      assert(begun.has(each), 'what has a slot or is known has begun', each.entry.id)
    }
    for (const { id } of this.#putAside) {
      assert(!this.#begun.has(id), 'a task that may not begin has not begun', id)
    }
  }

  /** There are others, and none of them answers. */
  get #isForsaken(): boolean {
    const { members, now } = this.#context
    return !members.hasLinkedAndAlive(now) && members.notLeft().length > 0
  }

  /** Asks for a copy. */
  #ask({ entry, run, seq }: Begun): void {
    const { members } = this.#context
    const mustBeKnown = isOnce(entry) && members.notLeft().length > 0
    const { taskId, epoch } = run
    const pending = { kind: 'start', taskId, epoch, seq, mustBeKnown } as const
    this.#groupCommit.urge()
    this.#groupCommit.onceCopied(seq, mustBeKnown ? 1 : null, pending)
  }

  /** A start is known elsewhere, or has waited for that; what must be known asks again and again. */
  copied({ taskId, seq, mustBeKnown, short }: PendingOf<'start'> & Copies): void {
    const begun = this.#begun.get(taskId)
    if (begun === undefined || begun.seq !== seq) return
    if (!short || !mustBeKnown) this.#known.add(begun)
    else {
      this.#groupCommit.dissemination.askForCopy()
      this.#ask(begun)
    }
  }

  /** Starts that wait for a node to know of them before they begin, or to be called when one does. */
  *pending(): Generator<Waiting> {
    for (const { id: taskId, record } of this.#putAside) {
      const { epoch } = record.claim
      const pending = { kind: 'start', taskId, epoch, seq: 0, mustBeKnown: true } as const
      yield { pending, until: { on: 'member' } }
    }
    for (const { entry, run, seq } of this.#known) {
      const { taskId, epoch } = run
      const pending = { kind: 'start', taskId, epoch, seq, mustBeKnown: false } as const
      const until = this.#isHeld(entry)
        ? ({ on: 'confirmation', deadline: null } as const)
        : ({ on: 'slot' } as const)
      yield { pending, until }
    }
  }

  /** Members that were waited for may have been forgotten since. */
  #noteForgotten(): void {
    const { self, log, members } = this.#context
    if (this.#known.size === this.#begun.size || members.notLeft().length > 0) return
    const upTo = log.durableVector.get(self) ?? 0
    for (const begun of this.#begun.values()) if (begun.seq <= upTo) this.#known.add(begun)
  }

  #release(begun: Begun): void {
    this.#withSlot.delete(begun)
    this.#seats.release(begun.entry.id)
  }

  #take(begun: Begun): Run {
    this.#begun.delete(begun.entry.id)
    this.#withSlot.delete(begun)
    this.#known.delete(begun)
    return begun.run
  }
}

function isOnce({ record }: Entry): boolean {
  return record.spec.delivery === 'at-most-once'
}

/** Of two that are as urgent the one that has begun is the first. */
function isMoreUrgent(one: Entry, other: Entry): boolean {
  return one.record.spec.priority > other.record.spec.priority
}
