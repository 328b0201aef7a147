/**
 * Which blobs are needed, because a task in this replica names them as its payload, its result, or what its next attempt
 * is to go on from.
 *
 * Two tasks may name the same blob, as two people may hold tickets to one seat in a cinema that never sells out: the
 * blob stays until the last of them is gone.
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import { isBlob, type BlobHash, type BlobRef } from '../task/content.ts'
import { checkpointIn, type TaskRecord } from '../task/record.ts'

const NONE: readonly BlobRef[] = []

export class References {
  readonly #named = new Map<TaskId, readonly BlobRef[]>()
  /** Of those that name the blob of a checkpoint: which one. */
  readonly #checkpoints = new Map<TaskId, BlobHash>()
  readonly #byHash = new Map<BlobHash, Readonly<{ ref: BlobRef; tasks: Set<TaskId> }>>()

  /**
   * A task has changed, or has come. Returns the blobs that it names now and did not before, or the other way round.
   */
  retain(record: TaskRecord): readonly BlobRef[] {
    const { spec, outcome } = record
    const { payload } = spec
    const result = outcome?.result ?? null
    const checkpoint = checkpointIn(record)?.blob ?? null
    const before = this.#named.get(spec.id)
    // As a rule there is none, and every change of every task comes by here.
    const isPlain = !isBlob(payload) && !isBlob(result) && checkpoint === null
    if (isPlain && before === undefined) return NONE
    const named = [payload, result, checkpoint].filter(isBlob)
    if (checkpoint === null) this.#checkpoints.delete(spec.id)
    else this.#checkpoints.set(spec.id, checkpoint.hash)
    if (named.length > 0) this.#named.set(spec.id, named)
    else this.#named.delete(spec.id)
    return this.#move(spec.id, before ?? [], named)
  }

  /** The task is no more. Returns the blobs that it named. */
  release(id: TaskId): readonly BlobRef[] {
    const before = this.#named.get(id)
    if (before === undefined) return NONE
    this.#named.delete(id)
    this.#checkpoints.delete(id)
    return this.#move(id, before, [])
  }

  has(hash: BlobHash): boolean {
    return this.#byHash.has(hash)
  }

  /** Whether a blob is named, and only as what the next attempt of a task is to go on from. */
  isCheckpoint(hash: BlobHash): boolean {
    if (this.#checkpoints.size === 0 || !this.has(hash)) return false
    return [...this.tasksOf(hash)].every(
      id =>
        this.#checkpoints.get(id) === hash &&
        this.blobsOf(id).filter(ref => ref.hash === hash).length === 1
    )
  }

  /** The tasks that name a blob. */
  tasksOf(hash: BlobHash): Iterable<TaskId> {
    return this.#byHash.get(hash)?.tasks ?? []
  }

  /** The blobs that a task names. */
  blobsOf(id: TaskId): readonly BlobRef[] {
    return this.#named.get(id) ?? NONE
  }

  *blobs(): Generator<BlobRef> {
    for (const { ref } of this.#byHash.values()) yield ref
  }

  /** @param isHere whether a task is known here */
  assertInvariants(isHere: (id: TaskId) => boolean): void {
    let names = 0
    for (const [id, refs] of this.#named) {
      assert(isHere(id), 'a task that names blobs is here', id)
      for (const hash of new Set(refs.map(ref => ref.hash))) {
        const isNamed = this.#byHash.get(hash)?.tasks.has(id) ?? false
        assert(isNamed, 'a blob is needed by each task that names it', id)
        names++
      }
    }
    for (const [id, hash] of this.#checkpoints) {
      const isNamed = this.blobsOf(id).some(ref => ref.hash === hash)
      assert(isNamed, 'the blob of a checkpoint is named by its task', id)
    }
    for (const [hash, { ref, tasks }] of this.#byHash) {
      assert(ref.hash === hash && tasks.size > 0, 'a blob that is needed is named by a task', hash)
      names -= tasks.size
    }
    assert(names === 0, 'no blob is needed by a task that does not name it')
  }

  #move(id: TaskId, before: readonly BlobRef[], after: readonly BlobRef[]): BlobRef[] {
    const gone = before.filter(({ hash }) => !after.some(ref => ref.hash === hash))
    const come = after.filter(({ hash }) => !before.some(ref => ref.hash === hash))
    for (const ref of come) this.#add(id, ref)
    for (const { hash } of gone) this.#remove(id, hash)
    return [...gone, ...come]
  }

  #add(id: TaskId, ref: BlobRef): void {
    const named = this.#byHash.get(ref.hash)
    if (named === undefined) this.#byHash.set(ref.hash, { ref, tasks: new Set([id]) })
    else named.tasks.add(id)
  }

  #remove(id: TaskId, hash: BlobHash): void {
    const tasks = this.#byHash.get(hash)?.tasks
    tasks?.delete(id)
    if (tasks?.size === 0) this.#byHash.delete(hash)
  }
}
