/**
 * For what was taken over, and is to run here: a node that comes back may have on its disk how that ended.
 *
 * A reclaim is confirmed by those who can be asked at that moment. A node that comes later was not asked, and may be
 * the only one who heard of a completion, or have written it itself before it crashed. Its first word says how much it
 * has of the boots that are gone. Until that is here, nothing that was taken over is started; or until it goes again,
 * or has had as much time as a member that is silent.
 */
import type { AntiEntropy } from '../replication/anti-entropy.ts'
import { nodeOf, type BootId } from '../base/ids.ts'
import { canGive, hasAll, type Coverage } from '../base/coverage.ts'
import { Dots } from '../base/dots.ts'
import { missing } from '../base/version-vector.ts'
import type { Context } from '../context.ts'
import type { Member } from '../membership/member.ts'

type Newcomer = Readonly<{ since: number; need: Coverage }> & { askedAt: number }

export class Newcomers {
  readonly #context: Context
  readonly #antiEntropy: AntiEntropy
  readonly #awaited = new Map<BootId, Newcomer>()
  #wereAwaited = false

  constructor(context: Context, antiEntropy: AntiEntropy) {
    this.#context = context
    this.#antiEntropy = antiEntropy
  }

  /** Whether a node has come whose word is not taken in yet. */
  get areAwaited(): boolean {
    return this.#awaited.size > 0
  }

  /** A boot has spoken on its own link for the first time. */
  met(member: Member): void {
    const { members, log, now } = this.#context
    const { boot } = member.heartbeat
    const living = new Set(members.notEnded().map(({ heartbeat }) => heartbeat.boot))
    // What those who live had to say they have said when they were asked.
    const over = [...missing(log.origins.reach, member.vector)].filter(
      ([origin]) => origin === boot || !living.has(origin)
    )
    const origins = over.map(([origin]) => origin)
    const given = over.filter(([origin]) => canGive(member, origin, log.merged(origin)))
    if (given.length === 0) return
    const unreadable = new Dots(origins.flatMap(origin => member.unreadable.of(origin)))
    this.#awaited.set(boot, {
      since: now,
      askedAt: -Infinity,
      need: { vector: new Map(given), unreadable }
    })
  }

  /** Asks those that are waited for. Returns whether any is now, and none was before, or the other way round. */
  update(): boolean {
    const before = this.#wereAwaited
    if (this.areAwaited) this.#review()
    this.#wereAwaited = this.areAwaited
    return before !== this.areAwaited
  }

  #review(): void {
    const { members, log, now, options } = this.#context
    const mine = log.standing
    for (const [boot, newcomer] of Array.from(this.#awaited)) {
      const { since, need, askedAt } = newcomer
      const node = nodeOf(boot)
      const isThere = members.isLinked(node) && members.get(node)?.heartbeat.boot === boot
      const isOver = now - since >= options.unreachableMs || !isThere || hasAll(mine, need)
      if (isOver) this.#awaited.delete(boot)
      if (isOver || now - askedAt < options.syncDelayMs) continue
      newcomer.askedAt = now
      this.#antiEntropy.ask(node)
    }
  }
}
