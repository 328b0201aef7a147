/** What is read here: tasks that run on this node or are about to, and the blobs that each of them needs for that. */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import type { BlobHash, BlobRef } from '../task/content.ts'

export class Pins {
  readonly #reads = new Map<TaskId, readonly BlobRef[]>()
  /** How often each blob is among the blobs that are read. */
  readonly #counts = new Map<BlobHash, number>()

  /** A task reads these now, in place of what it read before. Returns those that are new to it. */
  add(id: TaskId, refs: readonly BlobRef[]): readonly BlobRef[] {
    const before = this.#reads.get(id) ?? []
    this.#reads.set(id, refs)
    for (const { hash } of refs) this.#count(hash, 1)
    for (const { hash } of before) this.#count(hash, -1)
    const known = new Set(before.map(({ hash }) => hash))
    return refs.filter(({ hash }) => !known.has(hash))
  }

  /** What the task needed, which it does no more. */
  take(id: TaskId): readonly BlobRef[] {
    const refs = this.#reads.get(id) ?? []
    this.#reads.delete(id)
    for (const { hash } of refs) this.#count(hash, -1)
    return refs
  }

  /** Whether a task needs the blob. */
  has(hash: BlobHash): boolean {
    return this.#counts.has(hash)
  }

  /** @param tasks that run here, or are about to */
  assertInvariants(tasks: ReadonlySet<TaskId>): void {
    const counts = new Map<BlobHash, number>()
    for (const [id, refs] of this.#reads) {
      assert(tasks.has(id), 'blobs are kept for tasks that are to run here', id)
      for (const { hash } of refs) counts.set(hash, (counts.get(hash) ?? 0) + 1)
    }
    for (const id of tasks) assert(this.#reads.has(id), 'what a task reads is kept', id)
    for (const [hash, count] of counts) {
      assert(this.#counts.get(hash) === count, 'the tasks that read a blob are counted', hash)
    }
    assert(this.#counts.size === counts.size, 'no blob is kept that no task reads')
  }

  #count(hash: BlobHash, by: 1 | -1): void {
    const count = (this.#counts.get(hash) ?? 0) + by
    if (count > 0) this.#counts.set(hash, count)
    else this.#counts.delete(hash)
  }
}
