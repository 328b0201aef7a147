/**
 * How many tasks there are, for any number of readers: those who want it at the same time share one look at all tasks,
 * and those who want it again and again get it as often as it is cheap.
 */
import type { BootId } from '../../core/base/ids.ts'
import type { CoreView } from '../../core/view.ts'
import type { Clock } from '../../ports/ports.ts'
import type { TaskCountsView } from '../api/lists-api.ts'
import type { TaskFilter } from '../api/node-api.ts'
import { wallMsOf } from '../runtime/clock.ts'
import type { Scans } from './scans.ts'
import { TaskCounting } from './task-counts.ts'
import { matcherOf } from './task-filter.ts'

/** Younger counts are as good as new ones. */
const FRESH_MS = 1000
/** Counting takes a fiftieth of the time at most, however many tasks there are. */
const PAUSES = 50

export type CountsParts = Readonly<{
  core: CoreView
  clock: Pick<Clock, 'now' | 'aheadMs'>
  nameOf: (boot: BootId) => string
  scans: Scans
}>

export class Counts {
  readonly #parts: CountsParts
  #newest: Promise<TaskCountsView> | null = null
  /** When that is too old to be told again. */
  #freshUntil = 0

  constructor(parts: CountsParts) {
    this.#parts = parts
  }

  /** As it is now. @throws InvalidOptionError */
  async of(filter: TaskFilter): Promise<TaskCountsView> {
    const { core, clock, nameOf, scans } = this.#parts
    const fits = matcherOf(filter, core, nameOf)
    const counting = new TaskCounting()
    await scans.each(record => {
      const { spec, claim } = record
      if (fits(record)) counting.add(spec.type, core.state(record), nameOf(claim.holder))
    })
    return counting.view(wallMsOf(clock))
  }

  /** Of all tasks, as it was a moment ago: the more tasks there are, the longer. */
  newest(): Promise<TaskCountsView> {
    const { clock } = this.#parts
    const now = clock.now()
    if (this.#newest === null || now >= this.#freshUntil) {
      this.#freshUntil = Number.POSITIVE_INFINITY
      this.#newest = this.of({}).finally(() => {
        const tookMs = clock.now() - now
        this.#freshUntil = now + Math.max(FRESH_MS, tookMs * PAUSES)
      })
    }
    return this.#newest
  }
}
