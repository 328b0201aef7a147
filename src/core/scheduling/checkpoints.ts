/**
 * What runs here save for the attempt after them.
 *
 * As with a result, the blob is in a second place before the record names it, so that whatever reads the record can
 * read the blob. The run is answered when the record is in a second place, too: from then on the next attempt goes on
 * from there, or from what was saved later, wherever it is.
 *
 * Saves are numbered as they come. A small one may find its second place before a large one that came earlier; that one
 * then changes nothing any more.
 */
import type { TaskId } from '../base/ids.ts'
import type { BlobReplication } from '../blobs/blob-replication.ts'
import type { Context } from '../context.ts'
import type { Input } from '../input.ts'
import type { Copies, PendingOf } from '../pending.ts'
import type { GroupCommit } from '../replication/group-commit.ts'

type Save = Extract<Input, { kind: 'checkpoint' }>

export class Checkpoints {
  readonly #context: Context
  readonly #groupCommit: GroupCommit
  readonly #blobReplication: BlobReplication
  readonly #isRunning: (id: TaskId, epoch: number) => boolean
  /** Of tasks that run here and have saved something: the number of the last save. */
  readonly #sequences = new Map<TaskId, number>()

  /** @param isRunning whether a task runs here, under that epoch */
  constructor(
    context: Context,
    groupCommit: GroupCommit,
    blobReplication: BlobReplication,
    isRunning: (id: TaskId, epoch: number) => boolean
  ) {
    this.#context = context
    this.#groupCommit = groupCommit
    this.#blobReplication = blobReplication
    this.#isRunning = isRunning
  }

  save(input: Save): void {
    const { request, taskId, epoch, blob } = input
    // Also where no task comes to name it: then it goes again.
    this.#blobReplication.kept(blob)
    if (!this.#isRunning(taskId, epoch)) return this.#answer(request, false)
    const sequence = (this.#sequences.get(taskId) ?? 0) + 1
    this.#sequences.set(taskId, sequence)
    this.#blobReplication.place(blob, null, { kind: 'save', input, sequence })
  }

  /** The blob of a save is elsewhere, too, or has waited for that. */
  placed({ input, sequence, short }: PendingOf<'save'> & Copies): void {
    const { request, taskId, epoch, blob } = input
    if (!this.#isRunning(taskId, epoch)) return this.#answer(request, false)
    const { log } = this.#context
    const entry = log.get(taskId)!
    const { checkpoint } = entry.record
    const isLate = checkpoint?.epoch === epoch && checkpoint.sequence > sequence
    if (!isLate) {
      log.write(entry, { checkpoint: { epoch, sequence, blob } })
      this.#blobReplication.retain(entry.record)
    }
    this.#groupCommit.urge()
    this.#groupCommit.onceCopied(log.nextSeq - 1, null, {
      kind: 'saved',
      request,
      taskId,
      isShort: short
    })
  }

  /** What was saved is on another disk, or has waited for that. */
  copied({ request, isShort, short }: PendingOf<'saved'> & Copies): void {
    this.#answer(request, true, short || isShort)
  }

  /** The task does not run here any more. */
  forget(id: TaskId): void {
    this.#sequences.delete(id)
  }

  #answer(request: number, isTaken: boolean, short: boolean = false): void {
    this.#context.emit({ kind: 'saved', request, isTaken, short })
  }
}
