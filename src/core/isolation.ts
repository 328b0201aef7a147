/**
 * For a node that is told not to work alone for ever (`stopAfterIsolatedMs`): without a quorum for so long, it ends what
 * it runs, so that others may run it without running it twice. Back among the others it first hears what has become of
 * its tasks; what is still its own goes on.
 */
import { resumeOf } from './claim/rules.ts'
import type { Context } from './context.ts'
import { isStarted } from './task/record.ts'
import type { Work } from './work.ts'

/** Guess: a link, a heartbeat and a sync take half of it. */
const HEAR_FIRST_MS = 2000

export class Isolation {
  readonly #context: Context
  readonly #work: Work
  #stopped = false
  #aloneSince: number | null = null
  #backSince: number | null = null

  constructor(context: Context, work: Work) {
    this.#context = context
    this.#work = work
  }

  tick(): void {
    const { members, now, options } = this.#context
    if (options.stopAfterIsolatedMs === null) return
    if (members.hasQuorum(now, options.quorum)) {
      this.#aloneSince = null
      if (!this.#stopped) return
      this.#backSince ??= now
      if (now - this.#backSince >= HEAR_FIRST_MS) this.#resume()
    } else {
      this.#backSince = null
      this.#aloneSince ??= now
      if (now - this.#aloneSince >= options.stopAfterIsolatedMs) this.#stop()
    }
  }

  #stop(): void {
    this.#stopped = true
    this.#work.pause('alone', true)
    this.#work.abortAll()
  }

  /** What was ended here and nobody has taken is taken up anew. */
  #resume(): void {
    const { self, log } = this.#context
    this.#stopped = false
    this.#work.pause('alone', false)
    const ended = this.#work.idleTasks().filter(({ record }) => isStarted(record))
    for (const entry of ended) log.write(entry, resumeOf(self, entry.record))
    this.#work.consider(ended)
  }
}
