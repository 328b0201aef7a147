/**
 * Asks the others for tasks that are not known here: before a node says that there is no such task, it asks every
 * member that it can reach.
 *
 * News of a task may be on their way, and a node that has just started lacks most of them. A question costs a message
 * to each member, so it is put only to the next tick, with all others that have come up by then: most news come before
 * it. A member that has the task sends it along. It is taken in like the task of a grant, beside the log, whose own
 * news of it follow, and so written into our own log.
 */
import type { NodeId, TaskId } from '../base/ids.ts'
import { isPruned, type Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'
import { MessageSize } from '../log/log.ts'
import type { Find, Found } from '../message.ts'
import { FIND_IDS_MAX } from '../options.ts'
import type { GroupCommit } from './group-commit.ts'
import type { TaskRecord } from '../task/record.ts'

/** An answer of more is sent in several messages, each well below the bound of a frame. */
const FOUND_BYTES_MAX = 1_048_576
/**
 * Questions that wait for our disk. Guess: some of each member; a member that gets no answer has asked the others, too.
 */
const WAITING_MAX = 256

type Question = {
  readonly since: number
  readonly asked: Set<NodeId>
  readonly answered: Set<NodeId>
  isForgotten: boolean
  /**
   * Null: a caller here asks. Else a task that is pruned here: called when it is known, or no member knows how it
   * ended.
   */
  over: ((isKnown: boolean) => void) | null
  /** A key is to name a new task: called when all that can be asked have said whether it has been used. */
  check: ((isForgotten: boolean) => void) | null
}

/** What is done with a record that answers. */
type Takes = Readonly<{
  consider(entries: readonly Entry[]): void
  /** The task is pruned here. */
  carry(record: TaskRecord): readonly Entry[]
}>

export class TaskLookup {
  readonly #context: Context
  readonly #groupCommit: GroupCommit
  readonly #work: Takes
  readonly #open = new Map<TaskId, Question>()
  #waiting = 0

  constructor(context: Context, groupCommit: GroupCommit, work: Takes) {
    this.#context = context
    this.#groupCommit = groupCommit
    this.#work = work
  }

  /** A caller here asks for a task that is not known. */
  find(taskId: TaskId): void {
    if (!this.#open.has(taskId)) this.#ask(taskId, null)
  }

  /** A task here depends on one that is pruned here: others may still have it. */
  recall(taskId: TaskId, over: (isKnown: boolean) => void): void {
    // Where it is asked for already, both are told.
    const before = this.#open.get(taskId)
    if (before === undefined) return this.#ask(taskId, over)
    before.over ??= over
  }

  /** A key is not known here, and may have been used before this node came. */
  check(taskId: TaskId, check: (isForgotten: boolean) => void): void {
    if (!this.#open.has(taskId)) this.#ask(taskId, null)
    this.#open.get(taskId)!.check = check
  }

  #ask(taskId: TaskId, over: Question['over']): void {
    const since = this.#context.now
    const nobody = { asked: new Set<NodeId>(), answered: new Set<NodeId>() }
    this.#open.set(taskId, { since, ...nobody, isForgotten: false, over, check: null })
  }

  /** Asks members that have not been asked yet, and ends what is answered or has waited for long enough. */
  tick(): void {
    const { log, members, self, emit } = this.#context
    for (const { node } of this.#open.size === 0 ? [] : members.linked()) {
      const ids: TaskId[] = []
      for (const [id, { asked }] of this.#open) {
        if (asked.has(node) || log.get(id) !== undefined) continue
        asked.add(node)
        ids.push(id)
      }
      for (let i = 0; i < ids.length; i += FIND_IDS_MAX) {
        const some = ids.slice(i, i + FIND_IDS_MAX)
        emit({ kind: 'send', to: node, message: { kind: 'find', boot: self, ids: some } })
      }
    }
    this.#end()
  }

  heard(from: NodeId, message: Find | Found): void {
    if (message.kind === 'found') return this.#answered(from, message)
    if (this.#waiting >= WAITING_MAX) return
    this.#waiting++
    this.#groupCommit.onceDurable(() => {
      this.#waiting--
      this.#answer(from, message)
    })
  }

  #answer(to: NodeId, { ids }: Find): void {
    const { log, self, emit } = this.#context
    const send = (some: readonly TaskId[], records: Found['records']): void => {
      const forgotten = some.filter(id => isPruned(this.#context, id))
      emit({
        kind: 'send',
        to,
        message: { kind: 'found', boot: self, ids: some, records, forgotten }
      })
    }
    let some: TaskId[] = []
    let records: Found['records'][number][] = []
    let size = new MessageSize()
    for (const id of ids) {
      some.push(id)
      const record = log.get(id)?.durable ?? null
      if (record === null) continue
      records.push(record)
      size.add(record)
      if (size.bytes < FOUND_BYTES_MAX) continue
      send(some, records)
      some = []
      records = []
      size = new MessageSize()
    }
    send(some, records)
  }

  #answered(from: NodeId, { ids, records, forgotten }: Found): void {
    const changed: Entry[] = []
    for (const record of records) {
      // What nobody has asked for comes with the log.
      if (!this.#open.has(record.spec.id)) continue
      const entry = this.#groupCommit.take(record)
      if (entry === undefined) changed.push(...this.#work.carry(record))
      else changed.push(entry)
    }
    for (const id of ids) this.#open.get(id)?.answered.add(from)
    for (const id of forgotten) {
      const question = this.#open.get(id)
      if (question !== undefined) question.isForgotten = true
    }
    this.#work.consider(changed)
    this.#end()
  }

  #end(): void {
    const { log, carried, members, options, now, emit } = this.#context
    if (this.#open.size === 0) return
    const reachable = members.linked().map(({ node }) => node)
    for (const [taskId, question] of this.#open) {
      const { since, asked, answered, isForgotten, over, check } = question
      const allSaid = asked.size > 0 && reachable.every(node => answered.has(node))
      // Members that are away may know what is needed here.
      const isPatient = over !== null && members.unlinked().length > 0
      const isLate = now - since >= options.findMs
      const isOver = isPatient ? now - since >= options.unknownMs : isLate
      const isKnown = log.get(taskId) !== undefined || carried.get(taskId) !== undefined
      const isSaid = isForgotten || allSaid
      const isAnswered = isKnown || (over === null ? isSaid : allSaid && !isPatient)
      if (check !== null && (isKnown || isSaid || isLate)) {
        question.check = null
        check(isForgotten)
      }
      if (!isOver && !isAnswered) continue
      this.#open.delete(taskId)
      emit({ kind: 'found', taskId, isForgotten })
      over?.(isKnown)
    }
  }
}
