/** What is read here: tasks that run on this node or are about to, and the blobs that each of them needs for that. */
import type { TaskId } from '../base/ids.ts'
import type { BlobHash, BlobRef } from '../task/content.ts'

export class Needs {
  readonly #reads = new Map<TaskId, readonly BlobRef[]>()

  /** Whether the task is new here. */
  add(id: TaskId, refs: readonly BlobRef[]): boolean {
    const isNew = !this.#reads.has(id)
    this.#reads.set(id, refs)
    return isNew
  }

  /** What the task needed, which it does no more. */
  take(id: TaskId): readonly BlobRef[] {
    const refs = this.#reads.get(id) ?? []
    this.#reads.delete(id)
    return refs
  }

  /** Whether a task needs the blob. */
  has(hash: BlobHash): boolean {
    for (const refs of this.#reads.values()) if (refs.some(ref => ref.hash === hash)) return true
    return false
  }
}
