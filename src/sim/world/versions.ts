/**
 * Nodes of an older version among those of a newer one. The newer ones write tasks of which the older ones cannot read
 * something; which tasks, and from when on, is decided by the name of the write that created them, so that no dice are
 * needed, and every older node fails at the same.
 */
import { hash32, type BootId } from '../../core/base/ids.ts'
import { UNREADABLE, type Batch, type Change, type Message } from '../../core/message.ts'
import type { Dot, TaskRecord } from '../../core/task/record.ts'

const SHARES = 1000

export class Versions {
  readonly #share: number
  readonly #older = new Set<BootId>()

  /** @param share of the tasks of newer nodes, how many have something that older ones cannot read, from 0 to 1 */
  constructor(share: number) {
    this.#share = share
  }

  /** A boot of the older version. */
  note(boot: BootId): void {
    this.#older.add(boot)
  }

  isOlder(boot: BootId): boolean {
    return this.#older.has(boot)
  }

  /** What an older node makes of a message. */
  asRead(message: Message): Message {
    if (message.kind === 'batch') return this.#batch(message)
    if (message.kind !== 'grant' && message.kind !== 'found') return message
    const records = this.#legible(message.records)
    if (message.kind === 'found') return { ...message, records }
    return { ...message, records, dependencies: this.#legible(message.dependencies) }
  }

  #legible(records: readonly TaskRecord[]): TaskRecord[] {
    return records.filter(record => this.#canRead(record.created[0]!, record))
  }

  #batch(batch: Batch): Batch {
    const { records, changes = [] } = batch
    const read = [
      ...records.map(record => this.#canRead(record.created[0]!, record)),
      ...changes.map(change => this.#canRead(change.task, change))
    ]
    if (read.every(Boolean)) return batch
    let places = 0
    const moved = read.map(isRead => (isRead ? places++ : UNREADABLE))
    return {
      ...batch,
      records: records.filter((_, i) => read[i]),
      changes: changes.filter((_, i) => read[records.length + i]),
      writes: batch.writes.map(write => (write < 0 ? write : moved[write]!))
    }
  }

  /**
   * Of the tasks with something newer, half cannot be read at all, the others from when a newer node has started them.
   */
  #canRead(created: Dot, { started }: Change | TaskRecord): boolean {
    if (this.#older.has(created.origin)) return true
    const dice = hash32(`${created.origin} ${created.seq}`)
    if (dice % SHARES >= this.#share * SHARES) return true
    if (Math.floor(dice / SHARES) % 2 === 0) return false
    return started === null || this.#older.has(started.by)
  }
}
