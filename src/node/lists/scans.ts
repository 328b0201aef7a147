/**
 * Looks at every task, a few milliseconds at a time.
 *
 * A list of two hundred thousand tasks takes longer to make than a heartbeat may be late. So whoever looks through all
 * tasks does it in slices, between which the node goes on with its other work; and one after the other, so that many
 * readers take no more of a turn than one. A task that is there from the beginning of a scan to its end is looked at
 * once.
 */
import type { TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import type { Clock } from '../../ports/ports.ts'

/** Half of what the engine takes of a turn of the event loop (PORTION_MS). */
const SLICE_MS = 5
/** Tasks between two looks at the clock: some 20 us. */
const TASKS_BETWEEN = 64

export class Scans {
  readonly #core: Pick<CoreView, 'records'>
  readonly #clock: Pick<Clock, 'now'>
  /** Settles when the scan that was asked for last is over. */
  #last: Promise<void> = Promise.resolve()

  constructor(core: Pick<CoreView, 'records'>, clock: Pick<Clock, 'now'>) {
    this.#core = core
    this.#clock = clock
  }

  /**
   * Resolves when `look` has been called with every task.
   *
   * @param look may be slow: what it takes counts
   * @throws what `look` throws, or the signal's reason
   */
  each(look: (record: TaskRecord) => void, signal?: AbortSignal): Promise<void> {
    const scan = this.#last.then(() => this.#scan(look, signal))
    this.#last = scan.catch(() => {})
    return scan
  }

  async #scan(look: (record: TaskRecord) => void, signal?: AbortSignal): Promise<void> {
    await nextTurn()
    signal?.throwIfAborted()
    let endsAt = this.#clock.now() + SLICE_MS
    let looked = 0
    for (const record of this.#core.records()) {
      look(record)
      if (++looked % TASKS_BETWEEN !== 0 || this.#clock.now() < endsAt) continue
      await nextTurn()
      signal?.throwIfAborted()
      endsAt = this.#clock.now() + SLICE_MS
    }
  }
}

/** The event loop has gone round once. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
