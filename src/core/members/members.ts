/**
 * Who is here, as this node sees it.
 *
 * A member is a node that has introduced itself with a heartbeat. Three facts about it are kept apart: when it was
 * last heard of, whether there is a link to it, and how much of the log it has on disk. What it says about itself (load,
 * handlers) is as old as its last heartbeat; its vector also grows with its acknowledgements.
 */
import type { BootId, NodeId } from '../base/ids.ts'
import { nodeOf } from '../base/ids.ts'
import { compareText } from '../base/order.ts'
import type { Heartbeat, VersionVector } from '../message.ts'
import type { CoreOptions } from '../options.ts'

export type MemberStatus = 'alive' | 'suspect' | 'unreachable' | 'left'

export type Member = {
  readonly node: NodeId
  heartbeat: Heartbeat
  heardAt: number
  /** It said goodbye in the boot that we know. */
  left: boolean
  /** Per boot, up to which write it has told us to have on disk. */
  readonly vector: Map<BootId, number>
}

export class Members {
  readonly #self: NodeId
  readonly #options: Pick<CoreOptions, 'suspectMs' | 'unreachableMs'>
  readonly #members = new Map<NodeId, Member>()
  readonly #linked = new Set<NodeId>()

  constructor(self: NodeId, options: Pick<CoreOptions, 'suspectMs' | 'unreachableMs'>) {
    this.#self = self
    this.#options = options
  }

  /** All but this node, in the order of their ids. */
  all(): Member[] {
    return [...this.#members.values()].sort((x, y) => compareText(x.node, y.node))
  }

  get(node: NodeId): Member | undefined {
    return this.#members.get(node)
  }

  link(node: NodeId, up: boolean): void {
    if (up) this.#linked.add(node)
    else this.#linked.delete(node)
  }

  isLinked(node: NodeId): boolean {
    return this.#linked.has(node)
  }

  /** Members that can be talked to right now. */
  reachable(): Member[] {
    return this.all().filter(member => !member.left && this.#linked.has(member.node))
  }

  /** Returns whether this is news of a boot that we did not know. A heartbeat of an older boot is ignored. */
  heard(heartbeat: Heartbeat, now: number): boolean {
    const node = nodeOf(heartbeat.boot)
    if (node === this.#self) return false
    const known = this.#members.get(node)
    if (known === undefined) {
      const member: Member = { node, heartbeat, heardAt: now, left: false, vector: new Map() }
      this.#members.set(node, member)
      raise(member.vector, heartbeat.vector)
      return true
    }
    if (heartbeat.boot < known.heartbeat.boot) return false
    const newBoot = heartbeat.boot !== known.heartbeat.boot
    // A new boot may have lost what the old one had merged but not synced; it claims only what is on its disk.
    if (newBoot) known.vector.clear()
    else if (known.left || heartbeat.at < known.heartbeat.at) return false
    known.heartbeat = heartbeat
    known.heardAt = now
    known.left = false
    raise(known.vector, heartbeat.vector)
    return newBoot
  }

  /** A member said what it has on disk. */
  acknowledged(node: NodeId, boot: BootId, vector: VersionVector): void {
    const member = this.#members.get(node)
    if (member !== undefined && member.heartbeat.boot === boot) raise(member.vector, vector)
  }

  /** Returns whether the member was still here. */
  saidGoodbye(boot: BootId): boolean {
    const member = this.#members.get(nodeOf(boot))
    if (member === undefined || member.left || boot < member.heartbeat.boot) return false
    member.left = true
    return true
  }

  status(member: Member, now: number): MemberStatus {
    if (member.left) return 'left'
    const ageMs = now - member.heardAt
    if (ageMs >= this.#options.unreachableMs) return 'unreachable'
    return ageMs >= this.#options.suspectMs ? 'suspect' : 'alive'
  }

  /** How many members have write `seq` of `origin` on disk. From one that has left, nobody can fetch it. */
  copies(origin: BootId, seq: number): number {
    let copies = 0
    for (const [node, member] of this.#members) {
      if (member.left) continue
      if (node !== nodeOf(origin) && (member.vector.get(origin) ?? 0) >= seq) copies++
    }
    return copies
  }
}

function raise(vector: Map<BootId, number>, news: VersionVector): void {
  for (const [boot, upTo] of news) if (upTo > (vector.get(boot) ?? 0)) vector.set(boot, upTo)
}
