/**
 * Boots of which this node has heard, and that have never introduced themselves here: others have met them, or they
 * hold tasks. Both are asked about, and neither is taken for gone before a silent member would be.
 */
import type { BootId } from '../base/ids.ts'
import type { Context } from '../context.ts'

/** As many as one heartbeat names. */
const MENTIONED_MAX = 256

export class Strangers {
  readonly #context: Context
  /** Boots that others have met and that are not known here yet, and since when. */
  readonly #mentioned = new Map<BootId, number>()
  /** Holders that are no members, and since when they are known to hold something. */
  readonly #holders = new Map<BootId, number>()

  constructor(context: Context) {
    this.#context = context
  }

  /** All of them. */
  all(): BootId[] {
    return [...this.#holders.keys(), ...this.awaited()]
  }

  /** Others have met these boots, and they are not known here. */
  mentioned(boots: readonly BootId[]): void {
    for (const boot of boots) {
      if (this.#mentioned.size < MENTIONED_MAX && !this.#mentioned.has(boot))
        this.#mentioned.set(boot, this.#context.now)
    }
  }

  /** Those that others have met and that are still unknown, for as long as the silence of a member would count. */
  awaited(): BootId[] {
    const { members, now, options } = this.#context
    const silentMs = options.unreachableMs + members.lateness.ownMs
    for (const [boot, since] of this.#mentioned) {
      if (members.knows(boot) || now - since >= silentMs) this.#mentioned.delete(boot)
    }
    return [...this.#mentioned.keys()]
  }

  /** These hold tasks. */
  holding(holders: readonly BootId[]): void {
    const { members, now } = this.#context
    const unknown = new Set(holders.filter(boot => !members.knows(boot)))
    for (const boot of this.#holders.keys()) if (!unknown.has(boot)) this.#holders.delete(boot)
    for (const boot of unknown) if (!this.#holders.has(boot)) this.#holders.set(boot, now)
  }

  /** Since when a boot that is no member is known to hold something; undefined if it is a member or holds nothing. */
  heldSince(boot: BootId): number | undefined {
    return this.#holders.get(boot)
  }
}
