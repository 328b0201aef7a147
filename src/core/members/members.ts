/**
 * Who is here, as this node sees it.
 *
 * A member is a node that has introduced itself with a heartbeat, to us or to an earlier boot of ours. Facts about it are
 * kept apart: when it was last heard of, whether there is a link to it, how much of the log it has on disk, and whether
 * its boot has ended. The last is a matter of evidence, not of patience: a boot has ended if it said goodbye or was
 * forgotten, if a newer boot of the same node has spoken, or if all its addresses refuse a connection. Silence proves
 * nothing: it makes a member unreachable, and what becomes of its work then is a matter of majorities (quorum.ts).
 */
import { covers, raise } from '../base/coverage.ts'
import { nodeOf, type BootId, type NodeId } from '../base/ids.ts'
import { compareText } from '../base/order.ts'
import type { MemberRecord } from '../effect.ts'
import type { Ack, Departure, Heartbeat, VersionVector } from '../message.ts'
import type { CoreOptions } from '../options.ts'
import {
  compareDepartures,
  isLater,
  isOut,
  isSameOnDisk,
  newMember,
  recordOf,
  UNHEARD,
  type Member,
  type MemberStatus
} from './member.ts'
import { awaitedMs } from './isolation-time.ts'
import { noteElder, noteRival, twinOf } from './rival.ts'
import { isMajority, isQuorum, votersOf, type Voters } from './quorum.ts'
import { Roster } from './roster.ts'

export type { Member, MemberStatus }

type Options = Pick<CoreOptions, 'suspectMs' | 'unreachableMs'>

export class Members {
  readonly roster: Roster = new Roster()
  readonly #self: BootId
  readonly #node: NodeId
  readonly #name: string
  readonly #options: Options
  #members = new Map<NodeId, Member>()
  readonly #linked = new Set<NodeId>()
  readonly #dirty = new Set<Member>()
  /** Since when this boot has listened. */
  #since = Number.NEGATIVE_INFINITY

  /** @param name `computer/instance`, under which this node counts in a majority */
  constructor(self: BootId, options: Options, name = '') {
    this.#self = self
    this.#node = nodeOf(self)
    this.#name = name
    this.#options = options
  }

  /** Takes back who was known before. They count as unheard of until they speak. */
  restore(records: Iterable<MemberRecord>): void {
    for (const { boot, name, addresses, departure, stopAfterIsolatedMs } of records) {
      if (nodeOf(boot) === this.#node) continue
      const member = this.#add({ ...UNHEARD, boot, name, addresses, stopAfterIsolatedMs })
      member.departure = departure
    }
  }

  /** All but this node, in the order of their ids. */
  all(): Member[] {
    return [...this.#members.values()]
  }

  get(node: NodeId): Member | undefined {
    return this.#members.get(node)
  }

  /** Nothing has happened here for so long, so nobody could be heard. */
  excuse(absentMs: number): void {
    for (const member of this.#members.values()) {
      member.heardAt += absentMs
      member.mentionedAt += absentMs
    }
    this.#since += absentMs
  }

  /** From now on this boot listens. */
  listen(now: number): void {
    if (this.#since === Number.NEGATIVE_INFINITY) this.#since = now
  }

  link(node: NodeId, up: boolean): void {
    const member = this.#members.get(node)
    if (up) this.#linked.add(node)
    else this.#linked.delete(node)
    if (member === undefined) return
    if (up) member.crashed = false
    else member.broken = true
  }

  isLinked(node: NodeId): boolean {
    return this.#linked.has(node)
  }

  /** Members that can be talked to right now. */
  reachable(): Member[] {
    return this.present().filter(({ node }) => this.#linked.has(node))
  }

  /** Members that can be talked to, or could a moment ago. */
  around(now: number): Member[] {
    return this.notGone().filter(
      member => this.#linked.has(member.node) || !this.#isSilent(member, now)
    )
  }

  /** Members that can be talked to and have been heard lately. */
  lively(now: number): Member[] {
    return this.reachable().filter(member => this.status(member, now) === 'alive')
  }

  /** Members of which it is not known whether they still live. */
  missing(): Member[] {
    return this.notGone().filter(({ node }) => !this.#linked.has(node))
  }

  /** Whether a boot has ended for certain. */
  isGone(boot: BootId): boolean {
    const node = nodeOf(boot)
    if (node === this.#node) return boot !== this.#self
    const member = this.#members.get(node)
    if (member === undefined || member.heartbeat.boot < boot) return false
    return member.heartbeat.boot > boot || isOut(member) || member.crashed
  }

  /** Whether a boot has ever introduced itself here, or a later one of its node. */
  knows(boot: BootId): boolean {
    const node = nodeOf(boot)
    return node === this.#node || (this.#members.get(node)?.heartbeat.boot ?? '') >= boot
  }

  /** When a boot was heard last, here or by others; if never, when this one began to listen. */
  silentSince(boot: BootId): number {
    const member = this.#members.get(nodeOf(boot))
    return Math.max(this.#since, member?.heardAt ?? -Infinity, member?.mentionedAt ?? -Infinity)
  }

  /** Whether a boot has been silent for so long that it does not work any more on its own, either. */
  isUnreachable(boot: BootId, now: number): boolean {
    const member = this.#members.get(nodeOf(boot))
    if (member?.heartbeat.boot !== boot || this.status(member, now) !== 'unreachable') return false
    return now - this.silentSince(boot) >= awaitedMs(member.heartbeat, this.#options)
  }

  /** All but those that have left. */
  present(): Member[] {
    return this.all().filter(member => !isOut(member))
  }

  /** Members whose boot has not ended for certain: what they may have started has to be asked for. */
  notGone(): Member[] {
    return this.present().filter(({ crashed }) => !crashed)
  }

  /** ... and who can be asked. */
  answering(now: number): Member[] {
    return this.notGone().filter(member => !this.#isSilent(member, now))
  }

  /** Whether there is a link to somebody whose boot has not introduced itself yet: it may have anything in its log. */
  hasStrangers(): boolean {
    return [...this.#linked].some(node => {
      const member = this.#members.get(node)
      return member === undefined || isOut(member)
    })
  }

  /** Whether everybody who has not left can be talked to, those of whom only the link is known included. */
  isComplete(): boolean {
    return (
      !this.hasStrangers() &&
      this.all().every(member => isOut(member) || this.isLinked(member.node))
    )
  }

  /** Whether more than half of all that count can be talked to, this node included; see quorum.ts. */
  seesMajority(now: number): boolean {
    return isMajority(this.#voters(now))
  }

  /** Whether so many can be talked to as were asked for. @param since ... and have been heard since then */
  hasQuorum(now: number, quorum: CoreOptions['quorum'], since?: number): boolean {
    return isQuorum(quorum, this.#voters(now, since))
  }

  /** Returns whether this is news of a boot that we did not know. A heartbeat of an older boot is ignored. */
  heard(heartbeat: Heartbeat, now: number): boolean {
    const node = nodeOf(heartbeat.boot)
    if (node === this.#node) return false
    const known = this.#members.get(node)
    if (known === undefined) {
      const member = this.#add(heartbeat)
      member.heardAt = now
      raise(member, heartbeat)
      this.#dirty.add(member)
      return true
    }
    if (heartbeat.boot < known.heartbeat.boot) return noteElder(known, heartbeat, now)
    const newBoot = heartbeat.boot !== known.heartbeat.boot
    if (newBoot && this.#livesOn(known, now)) {
      noteRival(known, heartbeat.boot, now)
      return false
    }
    const wasOut = isOut(known)
    if (!newBoot && (known.crashed || heartbeat.at < known.heartbeat.at)) return false
    if (!isLater(heartbeat, known.departure)) return false
    // A new boot may have lost what the old one had merged but not synced; it claims only what is on its disk.
    if (newBoot) {
      known.vector.clear()
      known.unreadable.clear()
      known.rival = known.elder = null
    }
    if (newBoot || wasOut || !isSameOnDisk(known.heartbeat, heartbeat)) this.#dirty.add(known)
    known.heartbeat = heartbeat
    known.heardAt = now
    known.crashed = false
    known.broken = false
    raise(known, heartbeat)
    return newBoot || wasOut
  }

  /** Somebody says what a boot said last. Returns whether that is news of it. */
  introduced(heartbeat: Heartbeat, now: number): boolean {
    const known = this.#members.get(nodeOf(heartbeat.boot))
    if (known?.heartbeat.boot === heartbeat.boot && known.heartbeat.addresses.length === 0) {
      known.heartbeat = { ...known.heartbeat, addresses: heartbeat.addresses }
      this.#dirty.add(known)
    }
    if (this.knows(heartbeat.boot) || !this.heard(heartbeat, now)) return false
    // It has not spoken to us: a newer boot that does so is no rival of one that runs.
    this.#members.get(nodeOf(heartbeat.boot))!.broken = true
    return true
  }

  /** The boot that claims to be newer than one that goes on to speak; see rival.ts. */
  twinOf(node: NodeId): BootId | null {
    const member = this.#members.get(node)
    return member === undefined ? null : twinOf(member, this.#options.suspectMs)
  }

  /** A member said what it has on disk. */
  acknowledged(
    node: NodeId,
    boot: BootId,
    vector: VersionVector,
    unreadable: Ack['unreadable'] = []
  ): void {
    const member = this.#members.get(node)
    if (member?.heartbeat.boot === boot) raise(member, { vector, unreadable })
  }

  /** Its last write was `upTo`. Returns whether the member was still here. */
  saidGoodbye(boot: BootId, upTo: number): boolean {
    const at = Number.MAX_SAFE_INTEGER
    return this.departed({ boot, at, forgotten: false, upTo }) !== null
  }

  /** Takes note of a departure. Returns the member, if it was still here. */
  departed(departure: Departure): Member | null {
    const node = nodeOf(departure.boot)
    if (node === this.#node) return null
    const member = this.#members.get(node) ?? this.#add({ ...UNHEARD, boot: departure.boot })
    const wasHere = this.#members.has(node) && !isOut(member) && member.heartbeat.name !== ''
    if (member.departure !== null && compareDepartures(member.departure, departure) >= 0)
      return null
    member.departure = departure
    this.#dirty.add(member)
    return wasHere && isOut(member) ? member : null
  }

  /** A member is to be counted no more. Returns whether it was not forgotten already. */
  forget(member: Member): boolean {
    const { boot, at } = member.heartbeat
    if (member.departure?.forgotten === true && isOut(member)) return false
    const left = member.departure?.boot === boot ? member.departure.at : 0
    // Somebody else may have heard it a little longer than we have.
    const until = Math.max(left, at + this.#options.suspectMs * 1000)
    this.departed({ boot, at: until, forgotten: true, upTo: 0 })
    return true
  }

  /** All departures that are known, in the order of the nodes. */
  departures(): Departure[] {
    return this.all().flatMap(({ departure }) => departure ?? [])
  }

  /** All addresses of a boot refuse. Returns whether that is news. */
  refused(boot: BootId): boolean {
    const member = this.#members.get(nodeOf(boot))
    if (member === undefined || member.heartbeat.boot !== boot) return false
    if (isOut(member) || member.crashed || this.#linked.has(member.node)) return false
    member.crashed = true
    return true
  }

  status(member: Member, now: number): MemberStatus {
    if (isOut(member)) return 'left'
    if (member.crashed) return 'crashed'
    if (this.#isSilent(member, now)) return 'unreachable'
    return now - member.heardAt >= this.#options.suspectMs ? 'suspect' : 'alive'
  }

  /** How many other members have write `seq` of `origin` on disk: also who wrote it, for else it would not be known. */
  copies(origin: BootId, seq: number): number {
    let copies = 0
    for (const member of this.#members.values()) {
      // What has left or crashed may never come back, and its disk with it.
      if (member.crashed || isOut(member)) continue
      if (member.heartbeat.boot === origin || covers(member, { origin, seq })) copies++
    }
    return copies
  }

  /** Members whose record on disk is out of date. They then count as written. */
  takeDirty(): MemberRecord[] {
    const records = [...this.#dirty].map(recordOf)
    this.#dirty.clear()
    return records
  }

  #add(heartbeat: Heartbeat): Member {
    const member = newMember(heartbeat)
    const all = [...this.#members, [member.node, member] as const]
    this.#members = new Map(all.sort(([x], [y]) => compareText(x, y)))
    return member
  }

  #silentMs({ heardAt }: Member, now: number): number {
    return now - Math.max(heardAt, this.#since)
  }

  #isSilent(member: Member, now: number): boolean {
    return this.#silentMs(member, now) >= this.#options.unreachableMs
  }

  /** Whether the boot that we know seems to run still: its link has never broken since it spoke, a moment ago. */
  #livesOn(member: Member, now: number): boolean {
    const { node, crashed, broken, heardAt } = member
    if (isOut(member) || crashed || broken || !this.#linked.has(node)) return false
    return now - heardAt < this.#options.suspectMs
  }

  #voters(now: number, since = Number.NEGATIVE_INFINITY): Voters {
    const self = { name: this.#name, node: this.#node, seen: true }
    return votersOf(self, this.all(), this.roster.names, member => {
      if (!this.#linked.has(member.node) || member.crashed) return false
      return !this.#isSilent(member, now) && member.heardAt >= since
    })
  }
}
