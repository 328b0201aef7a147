/**
 * Notices when gossip has left us behind.
 *
 * A member that has more than we do is normal: its news are still on the way. So what it has is noted, and only if we
 * still lack some of it a moment later is it fetched.
 */
import type { BootId, NodeId } from '../base/ids.ts'
import { coversAll, missing, type Reach } from '../base/version-vector.ts'
import type { VersionVector } from '../message.ts'

export class Lag {
  readonly #delayMs: number
  readonly #noted = new Map<NodeId, { since: number; ahead: ReadonlyMap<BootId, number> }>()

  constructor(delayMs: number) {
    this.#delayMs = delayMs
  }

  /** Whether what this member had a while ago has to be fetched from it now. */
  isDue(now: number, node: NodeId, vector: VersionVector, merged: Reach): boolean {
    const noted = this.#noted.get(node)
    if (noted !== undefined) {
      if (!coversAll(merged, noted.ahead)) {
        return now - noted.since >= this.#delayMs
      }
      this.#noted.delete(node)
    }
    const ahead = new Map(missing(merged, vector))
    if (ahead.size > 0) this.#noted.set(node, { since: now, ahead })
    return false
  }

  /** The member is gone, or has just been asked. */
  forget(node: NodeId): void {
    this.#noted.delete(node)
  }
}
