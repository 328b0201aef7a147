/**
 * Looks for the end of members that cannot be reached: whether a process still answers where they were.
 *
 * A process that is killed closes its connections first and its port last, so the first probe often comes too early,
 * and is taken by a port that closes in the same moment. It is repeated after some milliseconds, and then ever more
 * rarely.
 */
import { nodeOf, type BootId, type NodeId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import type { Member } from '../membership/member.ts'

/**
 * The first pause after a probe that has proven nothing. Measured: on a busy computer a process dies in 10 to 50 ms.
 */
const FIRST_PAUSE_MS = 10
/** Time after which a probe that was due and was not answered is asked again. */
const PROBE_LOST_MS = 10_000

/**
 * Members that are probed at once and have never been linked: where they are is what another member said. More than the
 * design's fifty, which may all have gone while this node was down.
 */
const UNMET_MAX = 64

/** When its probe is due, and how long to wait after that. */
type Search = { dueAt: number; pauseMs: number }

export class CrashProbe {
  readonly #context: Context
  #lookedAt = Number.NEGATIVE_INFINITY
  /** Boots that are being probed. */
  readonly #searches = new Map<BootId, Search>()

  constructor(context: Context) {
    this.#context = context
  }

  get isDue(): boolean {
    const { now, options } = this.#context
    return now - this.#lookedAt >= options.probeMs
  }

  /** Probes members that are missing and are not being probed. */
  probe(): void {
    const { members, now } = this.#context
    this.#lookedAt = now
    const missing = members.unlinked()
    let unmet = missing.filter(
      ({ met, heartbeat }) => !met && this.#searches.has(heartbeat.boot)
    ).length
    for (const member of missing) {
      const { boot, addresses } = member.heartbeat
      const search = this.#searches.get(boot)
      if (addresses.length === 0) continue
      if (!member.met && search === undefined && ++unmet > UNMET_MAX) continue
      if (search === undefined || now - search.dueAt >= PROBE_LOST_MS) {
        this.#ask(member, { dueAt: now, pauseMs: FIRST_PAUSE_MS })
      }
    }
  }

  /** There is a link to the node again: should it break, the search begins anew. */
  linked(node: NodeId): void {
    for (const boot of this.#searches.keys()) if (nodeOf(boot) === node) this.#searches.delete(boot)
  }

  /** A probe has ended. If it has proven nothing and the boot is still missing, there is another one. */
  answered(boot: BootId): void {
    const { members, now, options } = this.#context
    const search = this.#searches.get(boot)
    // The answer to one that had been given up: another one is under way.
    if (search !== undefined && now < search.dueAt) return
    this.#searches.delete(boot)
    const member = members.unlinked().find(({ heartbeat }) => heartbeat.boot === boot)
    if (search === undefined || member === undefined) return
    const pauseMs = Math.min(2 * search.pauseMs, options.probeMs)
    this.#ask(member, { dueAt: now + search.pauseMs, pauseMs })
  }

  #ask({ node, heartbeat: { boot, addresses } }: Member, search: Search): void {
    const { now, emit } = this.#context
    this.#searches.set(boot, search)
    emit({ kind: 'probe', peer: node, boot, addresses, afterMs: search.dueAt - now })
  }
}
