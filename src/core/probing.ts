/**
 * Looks for the end of members that cannot be reached: whether anybody still answers where they were.
 */
import type { BootId } from './base/ids.ts'
import type { Context } from './context.ts'

/** A probe that was not answered after so long is asked again. */
const PROBE_LOST_MS = 10_000

export class Probing {
  readonly #context: Context
  #probedAt = Number.NEGATIVE_INFINITY
  /** Boots that are being probed, and since when. */
  readonly #probing = new Map<BootId, number>()

  constructor(context: Context) {
    this.#context = context
  }

  get isDue(): boolean {
    const { now, options } = this.#context
    return now - this.#probedAt >= options.probeMs
  }

  probe(): void {
    const { members, now, emit } = this.#context
    this.#probedAt = now
    for (const { node, heartbeat } of members.missing()) {
      const { boot, addresses } = heartbeat
      const asked = this.#probing.get(boot)
      if (addresses.length === 0 || (asked !== undefined && now - asked < PROBE_LOST_MS)) continue
      this.#probing.set(boot, now)
      emit({ kind: 'probe', peer: node, boot, addresses })
    }
  }

  answered(boot: BootId): void {
    this.#probing.delete(boot)
  }
}
