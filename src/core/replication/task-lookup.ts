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
import type { PendingOf, Waiting } from '../pending.ts'
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
  /** The task is pruned here, and tasks that depend on it wait for word of how it ended. */
  isRecall: boolean
  /** A key is to name a new task, if all that can be asked have said that it has not been used. */
  isKey: boolean
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
    this.#ask(taskId)
  }

  /** A task here depends on one that is pruned here: others may still have it. */
  recall(taskId: TaskId): void {
    this.#ask(taskId).isRecall = true
  }

  /** A key is not known here, and may have been used before this node came. */
  check(taskId: TaskId): void {
    this.#ask(taskId).isKey = true
  }

  /** Where it is asked for already, one answer does for all who ask. */
  #ask(taskId: TaskId): Question {
    const before = this.#open.get(taskId)
    if (before !== undefined) return before
    const question: Question = {
      since: this.#context.now,
      asked: new Set(),
      answered: new Set(),
      isForgotten: false,
      isRecall: false,
      isKey: false
    }
    this.#open.set(taskId, question)
    return question
  }

  /** What waits for the answers of members. */
  *pending(): Generator<Waiting> {
    for (const [taskId, { asked, answered, isForgotten, isRecall, isKey }] of this.#open) {
      const of = asked.size === 0 ? null : [...asked].filter(node => !answered.has(node))
      const until = { on: 'answers', of } as const
      if (isRecall) yield { pending: { kind: 'recall', taskId }, until }
      if (isKey) yield { pending: { kind: 'key', taskId, isForgotten }, until }
      if (!isRecall && !isKey) yield { pending: { kind: 'find', taskId }, until }
    }
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
    this.#groupCommit.onceDurable({ kind: 'answer', to: from, taskIds: message.ids })
  }

  /** What was known when a member asked is on disk. */
  answer({ to, taskIds }: PendingOf<'answer'>): void {
    const { log, self, emit } = this.#context
    this.#waiting--
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
    for (const id of taskIds) {
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
    const { log, carried, members, options, now, emit, release } = this.#context
    if (this.#open.size === 0) return
    const reachable = members.linked().map(({ node }) => node)
    for (const [taskId, question] of this.#open) {
      const { since, asked, answered, isForgotten, isRecall, isKey } = question
      const allSaid = asked.size > 0 && reachable.every(node => answered.has(node))
      // Members that are away may know what is needed here.
      const isPatient = isRecall && members.unlinked().length > 0
      const isLate = now - since >= options.findMs
      const isOver = isPatient ? now - since >= options.unknownMs : isLate
      const isKnown = log.get(taskId) !== undefined || carried.get(taskId) !== undefined
      const isSaid = isForgotten || allSaid
      const isAnswered = isKnown || (isRecall ? allSaid && !isPatient : isSaid)
      if (isKey && (isKnown || isSaid || isLate)) {
        question.isKey = false
        release({ kind: 'key', taskId, isForgotten })
      }
      if (!isOver && !isAnswered) continue
      this.#open.delete(taskId)
      emit({ kind: 'found', taskId, isForgotten })
      if (isRecall) release({ kind: 'recall', taskId })
    }
  }
}
