/**
 * What is here, and in no vector, because the vector of a damaged journal was given up.
 *
 * Peers tell again what they have merged, and their vectors with it. What they cannot tell is what this node's disk
 * alone has: the writes of an earlier boot of its own that had not been told to anybody, or what others had told it and
 * have lost. No vector would ever carry that, no member would hear of it, and none could prune it. So once this node has
 * merged all that the others have, it writes what is left into its own log, like everything that comes outside any
 * range. Not before: what the others have pruned would come back to them as something new.
 */
import type { Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'

export class LooseWrites {
  readonly #context: Context
  #entries: Entry[] = []

  constructor(context: Context) {
    this.#context = context
  }

  /** The log has been restored. */
  restore(): void {
    this.#entries = [...this.#context.log.entries()].filter(({ loose }) => loose.length > 0)
  }

  tick(): void {
    if (this.#entries.length === 0 || !this.#isCaughtUp()) return
    const { log } = this.#context
    for (const entry of this.#entries) {
      const isKnown = entry.loose.every(dot => log.origins.hasSeen(dot))
      entry.loose = []
      if (!isKnown && !entry.removed) log.write(entry, {}, false)
    }
    this.#entries = []
  }

  /**
   * Whether all who may live have spoken to this boot, and all that they have is merged here. A node that is alone does
   * not know what it had told, and to whom.
   */
  #isCaughtUp(): boolean {
    const { log, members, isNew, now } = this.#context
    if (isNew || members.hasStrangers()) return false
    const others = members.mayLive(now)
    return others.length > 0 && others.every(member => member.spoken && log.hasAll(member))
  }
}
