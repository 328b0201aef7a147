/**
 * What is here, and in no vector, because the vector of a damaged journal was given up.
 *
 * Peers tell again what they have merged, and their vectors with it. What they cannot tell is what this node's disk
 * alone has: the writes of an earlier boot of its own that had not been told to anybody, or what others had told it and
 * have lost. No vector would ever carry that, no member would hear of it, and none could prune it. So once this node has
 * merged all that the others have, it writes what is left into its own log, like everything that comes outside any
 * range. Not before: what the others have pruned would come back to them as something new.
 *
 * Until all who may live have that, too, heartbeats say that there is more on this disk than a vector shows: the boots
 * that wrote it are not to be retired (gc/boot-compaction.ts), for then it would count as pruned.
 */
import { covers, reachIn } from '../base/version-vector.ts'
import type { NodeId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'

export class LooseWrites {
  readonly #context: Context
  #entries: Entry[] = []
  /** The last write with which they have been written anew. */
  #upTo = 0

  constructor(context: Context) {
    this.#context = context
  }

  /** The log has been restored. */
  restore(): void {
    this.#entries = [...this.#context.log.entries()].filter(({ loose }) => loose.length > 0)
    this.#context.isLoose = this.#entries.length > 0
  }

  tick(): void {
    if (!this.#context.isLoose) return
    if (this.#entries.length > 0) this.#writeAnew()
    else if (this.#isTold()) this.#context.isLoose = false
  }

  #writeAnew(): void {
    const { log, members, now } = this.#context
    // A node that is alone does not know what it had told, and to whom.
    if (members.mayLive(now).length === 0 || !isCaughtUp(this.#context)) return
    for (const entry of this.#entries) {
      const isKnown = entry.loose.every(dot => log.origins.hasSeen(dot))
      entry.loose = []
      if (!isKnown && !entry.removed) log.write(entry, {}, false)
    }
    this.#entries = []
    this.#upTo = log.nextSeq - 1
  }

  /** Whether what has been written anew is on this disk, and on those of all who may live. */
  #isTold(): boolean {
    const { log, members, self, now } = this.#context
    const last = { origin: self, seq: this.#upTo }
    const all = [{ vector: log.durableVector }, ...members.mayLive(now)]
    return all.every(({ vector }) => covers(reachIn(vector), last))
  }
}

/**
 * Whether nobody else who may live has anything more to tell, on a damaged disk or off it.
 *
 * @param gone a node that is not waited for
 */
export function knowsAll(context: Context, gone: NodeId): boolean {
  const others = context.members.mayLive(context.now).filter(({ node }) => node !== gone)
  const isWhole = others.every(({ heartbeat }) => heartbeat.loose !== true)
  return isWhole && !context.isLoose && isCaughtUp(context, gone)
}

/** Whether all who may live have spoken to this boot, and all that they have is merged here. */
function isCaughtUp({ log, members, isNew, now }: Context, gone?: NodeId): boolean {
  if (isNew || members.hasStrangers()) return false
  return members
    .mayLive(now)
    .every(member => member.node === gone || (member.spoken && log.hasAll(member)))
}
