/**
 * What runs of a simulated node save for the attempt after them: when, and how often, by dice. Some save once more when
 * the task is not theirs any more.
 */
import type { BootId, TaskId } from '../../core/base/ids.ts'
import type { Effect, Run } from '../../core/effect.ts'
import type { Input } from '../../core/input.ts'
import type { BlobRef } from '../../core/task/content.ts'
import type { Disk } from './disk.ts'
import type { EventQueue } from './event-queue.ts'
import type { Random } from './random.ts'

/** Of a run. */
const SAVES_MAX = 4
/** Of the runs that save, how many do so when they are over. */
const LATE = 0.2
const LATE_MS_MAX = 3000

/** Who looks on. */
export interface SaveObserver {
  /** A run saves. */
  saved(run: Run, blob: BlobRef): void
  /** A run of a boot is answered. */
  answered(
    boot: BootId,
    run: Run,
    blob: BlobRef,
    how: Readonly<{ isTaken: boolean; short: boolean }>
  ): void
}

/** The node that they run on. */
export type SavingHost = Readonly<{
  options: Readonly<{ boot: BootId; disk: Disk }>
  /** Its process has ended. */
  gone: boolean
  running: Map<TaskId, Run>
  feed: (input: Input) => void
}>

export class SimSaves {
  readonly #node: SavingHost
  readonly #eventQueue: EventQueue
  readonly #random: Random
  readonly #checker: SaveObserver | undefined
  /** Saves that are not answered. */
  readonly #open = new Map<number, Readonly<{ run: Run; blob: BlobRef }>>()
  #requests = 0

  constructor(
    node: SavingHost,
    { eventQueue, random }: Readonly<{ eventQueue: EventQueue; random: Random }>,
    checker: SaveObserver | undefined
  ) {
    this.#node = node
    this.#eventQueue = eventQueue
    this.#random = random
    this.#checker = checker
  }

  /** A run has begun that saves. */
  begin(run: Run, durationMs: number): void {
    const random = this.#random
    for (let left = random.whole(1, SAVES_MAX); left > 0; left--) {
      this.#after(random.whole(0, durationMs), () => this.#isOn(run) && this.#save(run))
    }
    if (!random.chance(LATE)) return
    this.#after(durationMs + random.whole(0, LATE_MS_MAX), () => this.#save(run))
  }

  answered({ request, isTaken, short }: Extract<Effect, { kind: 'saved' }>): void {
    const save = this.#open.get(request)
    // It has been answered.
    if (save === undefined) return
    this.#open.delete(request)
    this.#checker?.answered(this.#node.options.boot, save.run, save.blob, { isTaken, short })
  }

  #isOn({ taskId, epoch }: Run): boolean {
    return this.#node.running.get(taskId)?.epoch === epoch
  }

  #save(run: Run): void {
    const { disk } = this.#node.options
    // Its worker is told that it cannot save.
    if (disk.isFull) return
    const { taskId, epoch } = run
    const digit = (): string => this.#random.whole(0, 15).toString(16)
    const blob = {
      hash: Array.from({ length: 64 }, digit).join(''),
      bytes: this.#random.whole(1, 20_000)
    }
    disk.blobs.set(blob.hash, blob)
    const request = ++this.#requests
    this.#open.set(request, { run, blob })
    this.#checker?.saved(run, blob)
    this.#node.feed({ kind: 'checkpoint', request, taskId, epoch, blob })
  }

  #after(ms: number, act: () => void): void {
    this.#eventQueue.after(ms, () => {
      if (!this.#node.gone) act()
    })
  }
}
