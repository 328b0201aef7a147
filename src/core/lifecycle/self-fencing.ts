/**
 * For a node that is told not to work alone for ever (`stopAfterIsolatedMs`): with no word of a quorum for that time,
 * it ends what it runs, so that others may run it without running it twice. Back among the others it first hears what
 * has become of its tasks; what is still its own goes on.
 */
import { resumeOf } from '../claim/claim.ts'
import type { Context } from '../context.ts'
import { worksAloneMs } from '../liveness/liveness.ts'
import { isStarted } from '../task/record.ts'
import type { Scheduler } from '../scheduling/scheduler.ts'

/** Guess: a link, a heartbeat and a sync take half of it. */
const HEAR_FIRST_MS = 2000

export class SelfFencing {
  readonly #context: Context
  readonly #scheduler: Scheduler
  #stopped = false
  /** When enough others had last been heard for a quorum; null before the first look. */
  #heardAt: number | null = null
  #backSince: number | null = null

  constructor(context: Context, scheduler: Scheduler) {
    this.#context = context
    this.#scheduler = scheduler
  }

  tick(): void {
    const { members, now, options } = this.#context
    const { stopAfterIsolatedMs, suspectMs } = options
    if (stopAfterIsolatedMs === null) return
    this.#heardAt = Math.max(this.#heardAt ?? now, this.#quorumHeardAt())
    // A member that waits for us has heard one of our last words, and makes up for what it said.
    const lateMs = members.lateness.leastSaidMs(this.#heardAt - suspectMs)
    if (now - this.#heardAt >= worksAloneMs(stopAfterIsolatedMs, suspectMs) + lateMs) {
      this.#backSince = null
      if (!this.#stopped) this.#stop()
    } else if (this.#stopped) {
      this.#backSince ??= now
      if (now - this.#backSince >= HEAR_FIRST_MS) this.#resume()
    }
  }

  /**
   * Since when a quorum has been heard, counted from the last word of each: a member that waits for us counts from
   * ours.
   */
  #quorumHeardAt(): number {
    const { members, now, options } = this.#context
    const since = [now, ...members.all().map(({ heardAt }) => heardAt)].sort((x, y) => y - x)
    return since.find(at => members.hasQuorum(now, options.quorum, at)) ?? Number.NEGATIVE_INFINITY
  }

  #stop(): void {
    this.#stopped = true
    this.#scheduler.pause('alone', true)
    this.#scheduler.abortAll()
  }

  /** What was ended here and no other node has taken is taken up anew. */
  #resume(): void {
    const { self, log } = this.#context
    this.#stopped = false
    this.#scheduler.pause('alone', false)
    const ended = this.#scheduler.idleTasks().filter(({ record }) => isStarted(record))
    for (const entry of ended) log.write(entry, resumeOf(self, entry.record))
    this.#scheduler.consider(ended)
  }
}
