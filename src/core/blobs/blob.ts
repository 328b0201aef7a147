/**
 * One blob that is on this node's disk, or is to come here.
 */
import type { BootId, NodeId } from '../base/ids.ts'
import type { BlobRef } from '../task/content.ts'

export class Blob {
  readonly ref: BlobRef
  /** It is on this node's disk. */
  local: boolean = false
  /** When it was last used. */
  touchedAt: number
  fetching: boolean = false
  /** The last time that it was fetched, there was no room for it here. */
  hadNoRoom: boolean = false
  /** Not to be fetched before this: no member had it, or there was no room. */
  retryAt: number = Number.NEGATIVE_INFINITY
  /** When members were last asked to keep it. */
  readonly offeredAt: Map<NodeId, number> = new Map()
  /** Members that said they have it on disk, and the boot that said so. */
  readonly keepers: Map<NodeId, BootId> = new Map()
  /** Members that have asked this node to keep it, and are to be told when it does. */
  readonly askers: Set<NodeId> = new Set()

  constructor(ref: BlobRef, now: number) {
    this.ref = ref
    this.touchedAt = now
  }
}
