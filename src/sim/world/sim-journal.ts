/**
 * How a simulated process writes to its disk: one flush at a time, which takes its time, may be refused, and may be cut
 * short by the end of the process.
 *
 * What is there after a crash is what the real journal shows then (test/contract/journal.ts). A flush is one synced
 * batch of LevelDB, so every flush that has landed is there, and one that has not, as a whole or not at all. Where the
 * end of LevelDB's log is damaged, as a power cut may leave it, the flush is not there either, and the real journal
 * gives up its vector: it cannot tell whether more is missing. What a flush removes after its batch is not synced, and
 * may be back.
 */
import { assert } from '../../core/base/assert.ts'
import type { Hlc } from '../../core/base/hlc.ts'
import type { Flush } from '../../core/effect.ts'
import type { Disk } from './disk.ts'
import type { EventQueue } from './event-queue.ts'
import type { Random } from './random.ts'

export type SimJournalOptions = Readonly<{
  diskMsMax: number
  /** Of the crashes in the middle of a flush that is not there afterwards, how many damage the log, from 0 to 1. */
  torn: number
}>

export class SimJournal {
  readonly #disk: Disk
  readonly #start: Hlc
  readonly #eventQueue: EventQueue
  readonly #random: Random
  readonly #options: SimJournalOptions
  #isWriting = false
  /** What has not been said to be on disk, and may be. */
  #unsure: Flush | null = null
  #ended = false

  /** @param start of the boot that writes: a full disk may not have it yet */
  constructor(
    disk: Disk,
    start: Hlc,
    world: Readonly<{ eventQueue: EventQueue; random: Random }>,
    options: SimJournalOptions
  ) {
    this.#disk = disk
    this.#start = start
    this.#eventQueue = world.eventQueue
    this.#random = world.random
    this.#options = options
  }

  /** @param done hears whether the flush is on disk. Not called after a crash */
  write(flush: Flush, done: (isWritten: boolean) => void): void {
    assert(!this.#isWriting, 'one flush is written at a time')
    this.#isWriting = true
    this.#unsure = flush
    this.#eventQueue.after(this.#random.whole(0, this.#options.diskMsMax), () => {
      if (this.#ended) return
      this.#isWriting = false
      if (!this.#disk.takes()) return done(false)
      this.#disk.begun(this.#start)
      this.#disk.write(flush)
      this.#unsure = null
      done(true)
    })
  }

  /** The process has ended in the middle of whatever it wrote. */
  crash(): void {
    if (this.#ended) return
    this.#ended = true
    const { torn } = this.#options
    const isHalf = this.#unsure !== null
    if (isHalf && this.#random.chance(0.5)) this.#disk.write(this.#unsure!)
    else if (isHalf && torn > 0 && this.#random.chance(torn)) this.#disk.distrust()
    if (torn > 0 && this.#random.chance(0.5)) this.#disk.undoRemovals()
  }
}
