/**
 * Who is here, as this node sees it.
 *
 * A member is a node that has introduced itself with a heartbeat, to us or to an earlier boot of ours. Facts about it are
 * kept apart: when it was last heard of, whether there is a link to it, how much of the log it has on disk, and whether
 * its boot has ended. The last is a matter of evidence, not of patience: a boot has ended if it said goodbye, if a newer
 * boot of the same node has spoken, or if all its addresses refuse a connection. Silence proves nothing.
 */
import type { BootId, NodeId } from '../base/ids.ts'
import { nodeOf } from '../base/ids.ts'
import { compareText } from '../base/order.ts'
import type { MemberRecord } from '../effect.ts'
import type { Heartbeat, VersionVector } from '../message.ts'
import { reach } from '../base/vector.ts'
import type { CoreOptions } from '../options.ts'

export type MemberStatus = 'alive' | 'suspect' | 'unreachable' | 'crashed' | 'left'

export type Member = {
  readonly node: NodeId
  heartbeat: Heartbeat
  heardAt: number
  /** It said goodbye in the boot that we know. */
  left: boolean
  /** The boot that we know is proven dead. */
  crashed: boolean
  /** Per boot, up to which write it has told us to have on disk. */
  readonly vector: Map<BootId, number>
}

export class Members {
  readonly #self: BootId
  readonly #node: NodeId
  readonly #options: Pick<CoreOptions, 'suspectMs' | 'unreachableMs'>
  readonly #members = new Map<NodeId, Member>()
  readonly #linked = new Set<NodeId>()
  readonly #dirty = new Set<Member>()

  constructor(self: BootId, options: Pick<CoreOptions, 'suspectMs' | 'unreachableMs'>) {
    this.#self = self
    this.#node = nodeOf(self)
    this.#options = options
  }

  /** Takes back who was known before. They count as unheard of until they speak. */
  restore(records: Iterable<MemberRecord>): void {
    for (const { boot, name, addresses, left } of records) {
      const node = nodeOf(boot)
      if (node === this.#node) continue
      const heartbeat = { ...UNHEARD, boot, name, addresses }
      const heardAt = Number.NEGATIVE_INFINITY
      this.#members.set(node, {
        node,
        heartbeat,
        heardAt,
        left,
        crashed: false,
        vector: new Map()
      })
    }
  }

  /** All but this node, in the order of their ids. */
  all(): Member[] {
    return [...this.#members.values()].sort((x, y) => compareText(x.node, y.node))
  }

  get(node: NodeId): Member | undefined {
    return this.#members.get(node)
  }

  link(node: NodeId, up: boolean): void {
    if (!up) {
      this.#linked.delete(node)
      return
    }
    this.#linked.add(node)
    const member = this.#members.get(node)
    if (member !== undefined) member.crashed = false
  }

  isLinked(node: NodeId): boolean {
    return this.#linked.has(node)
  }

  /** Members that can be talked to right now. */
  reachable(): Member[] {
    return this.all().filter(member => !member.left && this.#linked.has(member.node))
  }

  /** Members that can be talked to, or could a moment ago. */
  around(now: number): Member[] {
    return this.all().filter(member => {
      const { left, crashed, heardAt, node } = member
      return (
        !left && !crashed && (this.#linked.has(node) || now - heardAt < this.#options.unreachableMs)
      )
    })
  }

  /** Members of which it is not known whether they still live. */
  missing(): Member[] {
    return this.all().filter(
      ({ node, left, crashed }) => !left && !crashed && !this.#linked.has(node)
    )
  }

  /** Whether a boot has ended for certain. */
  isGone(boot: BootId): boolean {
    const node = nodeOf(boot)
    if (node === this.#node) return boot !== this.#self
    const member = this.#members.get(node)
    if (member === undefined || member.heartbeat.boot < boot) return false
    return member.heartbeat.boot > boot || member.left || member.crashed
  }

  /** Members whose boot has not ended for certain: what they may have started has to be asked for. */
  notGone(): Member[] {
    return this.all().filter(({ left, crashed }) => !left && !crashed)
  }

  /** Whether there is a link to somebody whose boot has not introduced itself yet: it may have anything in its log. */
  hasStrangers(): boolean {
    return [...this.#linked].some(node => this.#members.get(node)?.left ?? true)
  }

  /** Whether everybody who has not left can be talked to, those of whom only the link is known included. */
  isComplete(): boolean {
    return !this.hasStrangers() && this.all().every(({ node, left }) => left || this.isLinked(node))
  }

  /** Whether more than half of those who have not left, this node included, can be talked to. */
  seesMajority(): boolean {
    const known = this.all().filter(({ left }) => !left).length + 1
    return (this.reachable().length + 1) * 2 > known
  }

  /** Returns whether this is news of a boot that we did not know. A heartbeat of an older boot is ignored. */
  heard(heartbeat: Heartbeat, now: number): boolean {
    const node = nodeOf(heartbeat.boot)
    if (node === this.#node) return false
    const known = this.#members.get(node)
    if (known === undefined) {
      const member: Member = {
        node,
        heartbeat,
        heardAt: now,
        left: false,
        crashed: false,
        vector: new Map(heartbeat.vector)
      }
      this.#members.set(node, member)
      this.#dirty.add(member)
      return true
    }
    if (heartbeat.boot < known.heartbeat.boot) return false
    const newBoot = heartbeat.boot !== known.heartbeat.boot
    // A new boot may have lost what the old one had merged but not synced; it claims only what is on its disk.
    if (newBoot) known.vector.clear()
    else if (known.left || known.crashed || heartbeat.at < known.heartbeat.at) return false
    if (newBoot || !sameAddresses(known.heartbeat, heartbeat)) this.#dirty.add(known)
    known.heartbeat = heartbeat
    known.heardAt = now
    known.left = false
    known.crashed = false
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
    this.#dirty.add(member)
    return true
  }

  /** All addresses of a boot refuse. Returns whether that is news. */
  refused(boot: BootId): boolean {
    const member = this.#members.get(nodeOf(boot))
    if (member === undefined || member.heartbeat.boot !== boot) return false
    if (member.left || member.crashed || this.#linked.has(member.node)) return false
    member.crashed = true
    return true
  }

  status(member: Member, now: number): MemberStatus {
    if (member.left) return 'left'
    if (member.crashed) return 'crashed'
    const ageMs = now - member.heardAt
    if (ageMs >= this.#options.unreachableMs) return 'unreachable'
    return ageMs >= this.#options.suspectMs ? 'suspect' : 'alive'
  }

  /** How many other members have write `seq` of `origin` on disk. */
  copies(origin: BootId, seq: number): number {
    let copies = 0
    for (const member of this.#members.values()) {
      // What has left or crashed may never come back, and its disk with it.
      if (member.left || member.crashed || member.node === nodeOf(origin)) continue
      if ((member.vector.get(origin) ?? 0) >= seq) copies++
    }
    return copies
  }

  /** Members whose record on disk is out of date. They then count as written. */
  takeDirty(): MemberRecord[] {
    const records = [...this.#dirty].map(({ heartbeat: { boot, name, addresses }, left }) => ({
      boot,
      name,
      addresses,
      left
    }))
    this.#dirty.clear()
    return records
  }
}

/** What is known of a member that has not spoken to this boot yet. */
const UNHEARD = {
  kind: 'heartbeat',
  version: '',
  at: 0,
  slots: 0,
  running: 0,
  queued: 0,
  draining: false,
  handlers: [],
  labels: {},
  vector: new Map(),
  stopAfterIsolatedMs: null,
  roster: [],
  departures: []
} as const

function sameAddresses(x: Heartbeat, y: Heartbeat): boolean {
  return x.addresses.join() === y.addresses.join()
}

function raise(vector: Map<BootId, number>, news: VersionVector): void {
  // A replica that has closed a boot does not mention older ones of its node any more.
  for (const boot of vector.keys())
    if (!news.has(boot) && reach(news, boot) > 0) vector.delete(boot)
  for (const [boot, upTo] of news) if (upTo > (vector.get(boot) ?? 0)) vector.set(boot, upTo)
}
