/**
 * Asks the others for tasks that nobody here knows: before a node says that there is no such task, it asks every member
 * that it can reach.
 *
 * News of a task may be on their way, and a node that has just started lacks most of them. A question costs a message to
 * each member, so it is put only to the next tick, with all others that have come up by then: most news come before it.
 * Whoever has the task sends it along. It is taken in like the task of a grant, beside the log, whose own news of it follow,
 * and so written into our own notebook.
 */
import type { NodeId, TaskId } from './base/ids.ts'
import { isPruned, type Context } from './context.ts'
import type { Entry } from './log/entry.ts'
import { MessageSize } from './log/size.ts'
import type { Find, Found } from './message.ts'
import { FIND_IDS_MAX } from './options.ts'
import type { Replication } from './replication.ts'

/** An answer of more is sent in several messages, each well below the bound of a frame. */
const FOUND_BYTES_MAX = 1_048_576
/** Questions that wait for our disk. Guess: some of each member; whoever gets no answer has asked the others, too. */
const WAITING_MAX = 256

type Question = {
  readonly since: number
  readonly asked: Set<NodeId>
  readonly answered: Set<NodeId>
  isForgotten: boolean
}

export class Inquiry {
  readonly #context: Context
  readonly #replication: Replication
  readonly #consider: (entries: readonly Entry[]) => void
  readonly #open = new Map<TaskId, Question>()
  #waiting = 0

  constructor(
    context: Context,
    replication: Replication,
    consider: (entries: readonly Entry[]) => void
  ) {
    this.#context = context
    this.#replication = replication
    this.#consider = consider
  }

  /** Somebody here asks for a task that is not known. */
  find(taskId: TaskId): void {
    if (this.#open.has(taskId)) return
    const since = this.#context.now
    this.#open.set(taskId, { since, asked: new Set(), answered: new Set(), isForgotten: false })
  }

  /** Asks whoever has not been asked yet, and ends what is answered or has waited for long enough. */
  tick(): void {
    const { log, members, self, emit } = this.#context
    for (const { node } of this.#open.size === 0 ? [] : members.reachable()) {
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
    this.#replication.onceDurable(() => {
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
      const entry = this.#replication.take(record)
      if (entry !== undefined) changed.push(entry)
    }
    for (const id of ids) this.#open.get(id)?.answered.add(from)
    for (const id of forgotten) {
      const question = this.#open.get(id)
      if (question !== undefined) question.isForgotten = true
    }
    this.#consider(changed)
    this.#end()
  }

  #end(): void {
    const { log, members, options, now, emit } = this.#context
    if (this.#open.size === 0) return
    const reachable = members.reachable().map(({ node }) => node)
    for (const [taskId, { since, asked, answered, isForgotten }] of this.#open) {
      const allSaid = asked.size > 0 && reachable.every(node => answered.has(node))
      const isOver = allSaid || now - since >= options.findMs
      if (!isOver && !isForgotten && log.get(taskId) === undefined) continue
      this.#open.delete(taskId)
      emit({ kind: 'found', taskId, isForgotten })
    }
  }
}
