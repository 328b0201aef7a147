/** What is read here: tasks that run on this node or are about to, and the blobs that each of them needs for that. */
import type { TaskId } from '../base/ids.ts'
import type { BlobHash, BlobRef } from '../task/content.ts'

export class Pins {
  readonly #reads = new Map<TaskId, readonly BlobRef[]>()
  /** How often each blob is among the blobs that are read. */
  readonly #counts = new Map<BlobHash, number>()

  /** Returns the blobs that the task did not need before: how a task has ended on which it depends may be heard late. */
  add(id: TaskId, refs: readonly BlobRef[]): readonly BlobRef[] {
    const before = this.#reads.get(id)
    this.#reads.set(id, refs)
    for (const { hash } of refs) this.#count(hash, 1)
    for (const { hash } of before ?? []) this.#count(hash, -1)
    if (before === undefined) return refs
    return refs.filter(({ hash }) => !before.some(ref => ref.hash === hash))
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

  #count(hash: BlobHash, by: 1 | -1): void {
    const count = (this.#counts.get(hash) ?? 0) + by
    if (count > 0) this.#counts.set(hash, count)
    else this.#counts.delete(hash)
  }
}
