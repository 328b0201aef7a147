/**
 * Brings what a task reads to this node before it starts: its payload and the results of its dependencies, as far as
 * they are blobs, and what the attempt before saved.
 *
 * A task that has got a slot here keeps it while its blobs are on their way. If no member can send one of them at the
 * moment, the slot goes to others, and the task tries again later. If all members that could have it have been asked,
 * again and again, and none has it, it is lost, and so is the task: it would wait for ever. Only what an attempt saved is
 * not worth that: the next one begins anew.
 */
import { assert } from '../base/assert.ts'
import type { TaskId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import type { BlobReplication } from '../blobs/blob-replication.ts'
import type { Entry } from '../log/entry.ts'
import type { Waiting } from '../pending.ts'
import { isBlob, type BlobHash, type BlobRef, type Content } from '../task/content.ts'
import type { Seats } from './seats.ts'

/** A task that will never run, and a blob that it reads. */
type Lost = Readonly<{ entry: Entry; ref: BlobRef }>

export class InputStaging {
  readonly #context: Context
  readonly #blobReplication: BlobReplication
  readonly #seats: Seats
  /** Tasks that have a slot here and wait for a blob, and the epoch at which they are to run. */
  readonly #coming = new Map<Entry, number>()
  /** Tasks that need a blob which no member has at the moment, and when to look again. */
  readonly #blocked = new Map<Entry, number>()
  /** Blocked task -> since when all members that are there have been asked in vain. */
  readonly #missingSince = new Map<Entry, number>()
  #lost: Lost[] = []
  /** Task -> the blob of a checkpoint that no member has: it is to start without. */
  readonly #withoutCheckpoint = new Map<Entry, BlobHash>()

  constructor(context: Context, blobReplication: BlobReplication, seats: Seats) {
    this.#context = context
    this.#blobReplication = blobReplication
    this.#seats = seats
  }

  /** Whether the task keeps a slot until its blobs are here. */
  hasSlot(id: TaskId): boolean {
    for (const entry of this.#coming.keys()) if (entry.id === id) return true
    return false
  }

  /** Whether the task waits for a blob. */
  has(entry: Entry): boolean {
    return this.#coming.has(entry) || this.#blocked.has(entry)
  }

  /** Whether anything is kept here of the task. */
  knows(entry: Entry): boolean {
    return this.has(entry) || this.#missingSince.has(entry) || this.#withoutCheckpoint.has(entry)
  }

  /** The epoch at which a task is to run whose blobs are on their way. */
  epochOf(entry: Entry): number | undefined {
    return this.#coming.get(entry)
  }

  /** A task has got a slot. Says whether all that it reads is here. */
  fetch(entry: Entry): boolean {
    const { now, options } = this.#context
    const refs = this.#blobsOf(entry)
    const needed = this.#blobReplication.need(entry.id, refs)
    if (needed === 'coming') this.#coming.set(entry, entry.record.claim.epoch)
    else this.#coming.delete(entry)
    if (needed === 'here') this.#missingSince.delete(entry)
    if (needed === 'here' || needed === 'coming') return needed === 'here'
    this.#blobReplication.unneed(entry.id)
    this.#seats.release(entry.id)
    this.#blocked.set(entry, now + options.blobRetryMs)
    // What finds no room here is not lost.
    if (needed === 'no-room') this.#missingSince.delete(entry)
    else if (this.#isLost(entry)) this.#giveUpBlob(entry, refs)
    return false
  }

  /**
   * Tasks that may try to start now. What has been fetched goes back into the queue as well: something more urgent may
   * have come since.
   */
  due(): Entry[] {
    const due: Entry[] = []
    for (const entry of this.#coming.keys()) {
      if (!this.fetch(entry)) continue
      this.#blobReplication.unneed(entry.id)
      this.#seats.release(entry.id)
      due.push(entry)
    }
    for (const [entry, at] of this.#blocked) {
      if (this.#context.now < at) continue
      this.#blocked.delete(entry)
      due.push(entry)
    }
    return due
  }

  /** Tasks that are found to be lost. They are told of once, and are not tried again. */
  takeLost(): readonly Lost[] {
    const lost = this.#lost
    this.#lost = []
    return lost.filter(({ entry }) => this.#blocked.has(entry))
  }

  /** The task is not to run here any more. Returns whether its blobs were on their way. */
  giveUp(entry: Entry): boolean {
    this.#blocked.delete(entry)
    this.#missingSince.delete(entry)
    this.#withoutCheckpoint.delete(entry)
    if (!this.#coming.delete(entry)) return false
    this.#blobReplication.unneed(entry.id)
    this.#seats.release(entry.id)
    return true
  }

  /** Nothing is to run here any more. Returns the tasks whose blobs were on their way. */
  giveUpAll(): Entry[] {
    return [...this.#coming.keys()].filter(entry => this.giveUp(entry))
  }

  /** Tasks that wait for what they read. */
  *pending(): Generator<Waiting> {
    for (const entry of this.#coming.keys()) yield this.#waiting(entry, null)
    for (const [entry, retryAt] of this.#blocked) yield this.#waiting(entry, retryAt)
  }

  #waiting(entry: Entry, retryAt: number | null): Waiting {
    const hashes = this.#blobsOf(entry).flatMap(({ hash }) =>
      this.#blobReplication.has(hash) ? [] : [hash]
    )
    return { pending: { kind: 'stage', taskId: entry.id }, until: { on: 'blobs', hashes, retryAt } }
  }

  assertInvariants(): void {
    for (const entry of this.#coming.keys()) {
      const isCleared = !this.#blocked.has(entry)
      assert(isCleared, 'the blobs of a task are on their way, or cannot be had', entry.id)
    }
    const all = [this.#coming, this.#blocked, this.#missingSince, this.#withoutCheckpoint]
    for (const waiting of all) {
      for (const { id, removed } of waiting.keys()) {
        assert(!removed, 'a task that waits for blobs is here', id)
      }
    }
  }

  /** The result of a task that has completed, as the tasks that depend on it read it. */
  resultOf(id: TaskId): Content {
    const { log, carried } = this.#context
    return (log.get(id)?.record ?? carried.get(id))?.outcome?.result ?? 'null'
  }

  /**
   * Nobody could send what the task reads, once more. Says whether all who may have it have said so for long enough.
   */
  #isLost(entry: Entry): boolean {
    const { now, members, options } = this.#context
    if (!members.isComplete()) {
      this.#missingSince.delete(entry)
      return false
    }
    const since = this.#missingSince.get(entry) ?? now
    this.#missingSince.set(entry, since)
    return now - since >= options.blobLostMs
  }

  /** What a task that starts goes on from; null: from nothing. Another start looks for it anew. */
  takeCheckpoint(entry: Entry): BlobRef | null {
    const checkpoint = this.#checkpointOf(entry)
    this.#withoutCheckpoint.delete(entry)
    return checkpoint
  }

  /** What the attempt before saved last; null: nothing, or no member has it any more. */
  #checkpointOf(entry: Entry): BlobRef | null {
    const blob = entry.record.checkpoint?.blob ?? null
    return blob?.hash === this.#withoutCheckpoint.get(entry) ? null : blob
  }

  /** No member has one of these, for good. */
  #giveUpBlob(entry: Entry, refs: readonly BlobRef[]): void {
    const missing = refs.filter(({ hash }) => !this.#blobReplication.has(hash))
    const checkpoint = this.#checkpointOf(entry)
    const needed = missing.find(ref => ref !== checkpoint)
    if (needed !== undefined) this.#lost.push({ entry, ref: needed })
    else if (checkpoint !== null) this.#withoutCheckpoint.set(entry, checkpoint.hash)
  }

  /** What the handler of a task reads. */
  #blobsOf(entry: Entry): BlobRef[] {
    const { payload, dependsOn } = entry.record.spec
    const results = dependsOn.map(id => this.resultOf(id))
    return [payload, ...results, this.#checkpointOf(entry)].filter(isBlob)
  }
}
