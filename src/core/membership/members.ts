/**
 * Who is here, as this node sees it.
 *
 * A member is a node that has introduced itself with a heartbeat, to us or to an earlier boot of ours. Facts about it
 * are kept apart: when it was last heard of, whether there is a link to it, how much of the log it has on disk, and
 * whether its boot has ended. The last is a matter of evidence, not of patience: a boot has ended if it said goodbye or
 * was forgotten, if a newer boot of the same node has spoken, or if all its addresses refuse a connection. Silence
 * proves nothing: it makes a member unreachable, and what becomes of its work then is up to majorities (quorum.ts).
 */
import { raise } from '../base/coverage.ts'
import { STAMP_MAX, THIRD_PARTY_AHEAD_US, type Hlc } from '../base/hlc.ts'
import { nodeOf, type BootId, type NodeId } from '../base/ids.ts'
import type { MemberRecord } from '../effect.ts'
import { LEFT_AT, type Ack, type Departure, type Heartbeat } from '../message.ts'
import type { CoreOptions } from '../options.ts'
import {
  forgottenAt,
  hasEnded,
  isCredible,
  isInTime,
  isKnown,
  isLaterDeparture,
  isOut,
  NO_AUTHORS,
  recordOf,
  UNHEARD,
  wasOver,
  type Authors,
  type Member,
  type MemberStatus
} from './member.ts'
import { awaitedMs } from '../liveness/liveness.ts'
import type { Lateness } from '../liveness/lateness.ts'
import { FailureDetector } from './failure-detector.ts'
import { begin, hearAgain, hearOf, mayBeReplaced } from './hearing.ts'
import {
  hasBeenAlone,
  isElderHeard,
  noteDuplicate,
  noteElder,
  twinOf,
  type Twin
} from './duplicate-identity.ts'
import { isMajority, isQuorum, votersOf, type Voters } from './quorum.ts'
import { Links } from './links.ts'
import { MemberList, MEMBERS_MAX, DEPARTED_MAX } from './member-list.ts'
import { Roster } from './roster.ts'

export type { Authors, Member, MemberStatus }

type Options = Pick<CoreOptions, 'suspectMs' | 'unreachableMs'>

export class Members {
  readonly roster: Roster = new Roster()
  readonly detector: FailureDetector
  readonly #self: BootId
  readonly #node: NodeId
  readonly #name: string
  readonly #options: Options
  readonly #authors: Authors
  readonly #members = new MemberList()
  readonly #links = new Links()
  /** The latest time that is believed when others say it. */
  horizon: Hlc = STAMP_MAX

  /** @param name `computer/instance`, under which this node counts in a majority */
  constructor(self: BootId, options: Options, name = '', authors: Authors = NO_AUTHORS) {
    this.#authors = authors
    this.#self = self
    this.#node = nodeOf(self)
    this.#name = name
    this.#options = options
    this.detector = new FailureDetector(options)
  }

  /** How late members are known to be. */
  get lateness(): Lateness {
    return this.detector.lateness
  }

  /** Takes back who was known before. They count as unheard of until they speak. */
  restore(records: Iterable<MemberRecord>): void {
    for (const { boot, name, addresses, departure, stopAfterIsolatedMs, proven } of records) {
      const node = nodeOf(boot)
      // A damaged disk may name a node twice, or mix up two.
      if (node === this.#node || this.get(node) !== undefined) continue
      const member = this.#add({ ...UNHEARD, boot, name, addresses, stopAfterIsolatedMs })
      if (departure !== null && nodeOf(departure.boot) === node) member.departure = departure
      member.proven = proven ?? true
    }
    this.#boundDeparted()
  }

  /**
   * Looks anew at what came from the disk, once it is known what time it is: an earlier version believed others
   * whatever time they named. A boot of the far future stays a member, and the first that speaks itself replaces it.
   */
  reconsider(): void {
    for (const member of this.#members.all) {
      if (!this.#isInTime(member.heartbeat.boot)) member.proven = false
      if (isCredible(member, this.horizon)) continue
      member.departure = null
      this.changed(member)
    }
  }

  /** All but this node, in the order of their ids. */
  all(): Member[] {
    return [...this.#members.all]
  }

  get(node: NodeId): Member | undefined {
    return this.#members.get(node)
  }

  /** This process stood still for `absentMs`, in which no member could be heard. */
  excuse(absentMs: number): void {
    if (absentMs === 0) return
    for (const member of this.#members.all) {
      member.heardAt += absentMs
      member.mentionedAt += absentMs
    }
    this.detector.excuse(absentMs)
  }

  /** From now on this boot listens. */
  listen(now: number): void {
    this.detector.listen(now)
  }

  /** Returns the member, if it has departed by that: others had said so, and it speaks no more. */
  link(node: NodeId, up: boolean): Member | null {
    const member = this.#members.get(node)
    this.#links.note(node, up)
    if (member === undefined) return null
    if (up) {
      member.crashed = false
      member.met = true
      return null
    }
    member.broken = true
    const { rumour } = member
    member.rumour = null
    return rumour === null ? null : this.#depart(rumour, false)
  }

  /** The member has said what it has on disk. */
  raise(member: Member, said: Pick<Ack, 'vector' | 'unreadable'>): void {
    raise(member, said, boot => this.#authors.isKnown(boot))
  }

  /** What a disk keeps of the member is another by now. */
  changed(member: Member): void {
    this.#members.changed(member)
  }

  isLinked(node: NodeId): boolean {
    return this.#links.has(node)
  }

  /** Members that can be talked to now, by id. For what is said and asked: that one is absent proves nothing. */
  linked(): Member[] {
    const members: Member[] = []
    for (const node of this.#links.all) {
      const member = this.#members.get(node)
      if (member !== undefined && !isOut(member)) members.push(member)
    }
    return members
  }

  /** Members that can be talked to, or could a moment ago. For who should keep copies: a broken link moves none. */
  linkedOrHeard(now: number): Member[] {
    return this.notEnded().filter(
      member => this.#links.has(member.node) || !this.#isSilent(member, now)
    )
  }

  /**
   * Members that can be talked to and have been heard lately. For who may be given work, or takes over in turn. At the
   * other end of a new link may be another boot, until it has spoken.
   */
  linkedAndAlive(now: number): Member[] {
    return this.linked().filter(member => this.#isThere(member, now))
  }

  /** Whether any member can be talked to and has been heard lately. */
  hasLinkedAndAlive(now: number): boolean {
    return this.linked().some(member => this.#isThere(member, now))
  }

  /** Members of which it is not known whether they live. For probes, and for what waits while anybody is away. */
  unlinked(): Member[] {
    return this.notEnded().filter(({ node }) => !this.#links.has(node))
  }

  /** Whether a boot has ended for certain. Of a later one of this node, on a copy of its disk, only others can tell. */
  isGone(boot: BootId): boolean {
    const node = nodeOf(boot)
    if (node === this.#node) return boot < this.#self
    const member = this.#members.get(node)
    if (member === undefined) return false
    return hasEnded(member, boot, this.horizon)
  }

  /** Whether a boot has ever introduced itself here, or a later one of its node. */
  knows(boot: BootId): boolean {
    const node = nodeOf(boot)
    const member = this.#members.get(node)
    return node === this.#node || (member !== undefined && isKnown(member, boot))
  }

  /** Whether a later boot of its node has spoken to this one. */
  isSucceeded(boot: BootId): boolean {
    const member = this.#members.get(nodeOf(boot))
    return member !== undefined && member.proven && member.heartbeat.boot > boot
  }

  /** Whether it, or a later one of its node, has at least been heard of. */
  hasHeardOf(boot: BootId): boolean {
    const member = this.#members.get(nodeOf(boot))
    if (member === undefined || this.knows(boot)) return this.knows(boot)
    const { heartbeat, departure } = member
    const isLater = heartbeat.boot > boot && this.#isInTime(heartbeat.boot)
    return isLater || wasOver(boot, departure, this.horizon)
  }

  /** Whether a boot, or an older one of its node, speaks here now: no other node can say that it is over. */
  isHeard(boot: BootId, now: number): boolean {
    const member = this.#members.get(nodeOf(boot))
    if (member === undefined) return false
    if (isElderHeard(member, boot, now - this.#options.unreachableMs)) return true
    if (member.heartbeat.boot > boot) return false
    if (!member.spoken || isOut(member) || member.crashed || member.broken) return false
    return !this.#isSilent(member, now)
  }

  /** Whether the boot of a node that speaks here is the only one, as far as it is known; see duplicate-identity.ts. */
  isOnlyBoot(node: NodeId, now: number): boolean {
    const aloneMs = 2 * this.#options.unreachableMs
    if (node === this.#node) return now - this.detector.since >= aloneMs
    const member = this.#members.get(node)
    return member !== undefined && hasBeenAlone(member, now, aloneMs)
  }

  /** Whether a member knows the protocol up to this revision, as far as it has said. */
  understands(node: NodeId, revision: number): boolean {
    return (this.#members.get(node)?.heartbeat.revision ?? 0) >= revision
  }

  /** When a boot was heard last, here or by others; if never, when this one began to listen. */
  silentSince(boot: BootId): number {
    return this.detector.silentSince(this.#members.get(nodeOf(boot)))
  }

  /** Whether a boot has been silent for longer than it works on its own. */
  isUnreachable(boot: BootId, now: number): boolean {
    const member = this.#members.get(nodeOf(boot))
    if (member?.heartbeat.boot !== boot || this.status(member, now) !== 'unreachable') return false
    const lateMs = this.lateness.of(member)
    return now - this.silentSince(boot) >= awaitedMs(member.heartbeat, this.#options, lateMs)
  }

  /** All but those that have left. For what may run only once or goes for good: the crashed may come back. */
  notLeft(): Member[] {
    return this.#members.all.filter(member => !isOut(member))
  }

  /** Members whose boot has not ended for certain. For what they may still do: silence takes nobody out. */
  notEnded(): Member[] {
    return this.#members.all.filter(member => !member.crashed && !isOut(member))
  }

  /** Members neither ended for certain nor silent for long. For waits that have to end; nothing is pruned by it. */
  recentlyHeard(now: number): Member[] {
    return this.notEnded().filter(member => !this.#isSilent(member, now))
  }

  /** All boots that may live, also those of which only others speak. For pruning: all of them have to have heard. */
  mayLive(now: number): Member[] {
    return this.#withOthers(this.notEnded(), now)
  }

  /** All boots that may live, or come back, as none has left. For retiring boots: one may have what no other has. */
  lasting(now: number): Member[] {
    return this.#withOthers(this.notLeft(), now)
  }

  /** Members that can be asked, and boots that others can ask. For confirming claims: who is silent is not asked. */
  canConfirm(now: number): Member[] {
    return this.#withOthers(this.recentlyHeard(now), now)
  }

  /** Whether there is a link to a node whose boot has not introduced itself yet: it may have anything in its log. */
  hasStrangers(): boolean {
    return this.#links.all.some(node => {
      const member = this.#members.get(node)
      return member === undefined || isOut(member)
    })
  }

  /** Whether all that have not left can be talked to, those of whom only the link is known included. */
  isComplete(): boolean {
    const isHere = (member: Member): boolean => isOut(member) || this.isLinked(member.node)
    return !this.hasStrangers() && this.all().every(isHere)
  }

  /** Whether more than half of all that count can be talked to, this node included; see quorum.ts. */
  seesMajority(now: number): boolean {
    return isMajority(this.#voters(now))
  }

  /** Whether this quorum can be talked to. @param since only those count that have been heard since then */
  hasQuorum(now: number, quorum: CoreOptions['quorum'], since?: number): boolean {
    return isQuorum(quorum, this.#voters(now, since))
  }

  /**
   * Returns whether this is news of a boot that we did not know. A heartbeat of an older boot is ignored.
   *
   * @param by who told us: only the node itself supersedes what is known of it
   */
  heard(heartbeat: Heartbeat, now: number, by: NodeId = nodeOf(heartbeat.boot)): boolean {
    const node = nodeOf(heartbeat.boot)
    if (node === this.#node) return false
    const known = this.#members.get(node)
    const word = { heartbeat, now, by }
    if (known === undefined)
      return (
        this.#members.makeRoom(this.#links.has(node)) && begin(this.#add(heartbeat), word, this)
      )
    if (heartbeat.boot === known.heartbeat.boot) return hearAgain(known, word, this)
    if (by !== node) return hearOf(known, word, this)
    if (
      heartbeat.boot < known.heartbeat.boot &&
      !mayBeReplaced(known, heartbeat.boot, now, this.#options)
    ) {
      return noteElder(known, heartbeat, now)
    }
    if (heartbeat.boot > known.heartbeat.boot && this.#livesOn(known, now)) {
      noteDuplicate(known, heartbeat.boot, now)
      return false
    }
    return begin(known, word, this)
  }

  /** A member says what a boot said last. Returns whether that is news of it. */
  introduced(heartbeat: Heartbeat, now: number, by: NodeId): boolean {
    const known = this.#members.get(nodeOf(heartbeat.boot))
    if (known?.heartbeat.boot === heartbeat.boot && known.heartbeat.addresses.length === 0) {
      known.heartbeat = { ...known.heartbeat, addresses: heartbeat.addresses }
      this.changed(known)
    }
    return !this.knows(heartbeat.boot) && this.heard(heartbeat, now, by)
  }

  /** The boot that claims to be newer than one that goes on to speak; see duplicate-identity.ts. */
  twinOf(node: NodeId): Twin | null {
    const member = this.#members.get(node)
    return member === undefined ? null : twinOf(member, this.#options.suspectMs)
  }

  /** A member said what it has on disk. */
  acknowledged(
    node: NodeId,
    boot: BootId,
    vector: Ack['vector'],
    unreadable: Ack['unreadable'] = []
  ): void {
    const member = this.#members.get(node)
    if (member?.heartbeat.boot === boot) this.raise(member, { vector, unreadable })
  }

  /** A boot has said goodbye, with `upTo` as its last write. Returns whether the member was still here. */
  saidGoodbye(boot: BootId, upTo: number): boolean {
    if (this.#isUnheardOf(boot)) return false
    return this.#depart({ boot, at: LEFT_AT, forgotten: false, upTo }, true) !== null
  }

  /** A member says that another has departed. Returns that member, if it was still here. */
  departed(departure: Departure, now: number): Member | null {
    const { boot, at, forgotten } = departure
    const known = this.#members.get(nodeOf(boot))
    if (this.#isUnheardOf(boot)) return null
    const hasLeft = known?.departure?.boot === boot && !known.departure.forgotten
    if (forgotten && at > this.horizon && !hasLeft) return null
    if (known !== undefined && boot >= known.heartbeat.boot && this.#livesOn(known, now)) {
      if (isLaterDeparture(departure, known.rumour)) known.rumour = departure
      return null
    }
    return this.#depart(departure, false)
  }

  /** Whether it is a boot of the far future that has never spoken: its departure would stand above those to come. */
  #isUnheardOf(boot: BootId): boolean {
    const known = this.#members.get(nodeOf(boot))
    return known !== undefined && known.heartbeat.boot !== boot && !this.#isInTime(boot)
  }

  /** A member is to be counted no more. Returns whether it was not forgotten already. */
  forget(member: Member, now: number): boolean {
    const { boot } = member.heartbeat
    if (member.departure?.forgotten === true && isOut(member)) return false
    const here = { now, ownTime: this.horizon - THIRD_PARTY_AHEAD_US }
    const until = forgottenAt(member, here, this.#options.suspectMs)
    this.#depart({ boot, at: until, forgotten: true, upTo: 0 }, true)
    return true
  }

  /** All departures that are known, in the order of the nodes. */
  departures(): Departure[] {
    this.#boundDeparted()
    return this.#members.all.flatMap(({ departure }) => departure ?? [])
  }

  /** All addresses of a boot refuse. Returns whether that is news. */
  refused(boot: BootId): boolean {
    const member = this.#members.get(nodeOf(boot))
    if (member === undefined || member.heartbeat.boot !== boot) return false
    if (isOut(member) || member.crashed || this.#links.has(member.node)) return false
    member.crashed = true
    return true
  }

  status(member: Member, now: number): MemberStatus {
    return this.detector.status(member, now)
  }

  /** Members whose record on disk is out of date. They then count as written. */
  takeDirty(): MemberRecord[] {
    this.#boundDeparted()
    return this.#members.takeChanged().map(recordOf)
  }

  /** Members of which a disk need keep nothing any more. They then count as removed. */
  takeDropped(): readonly NodeId[] {
    return this.#members.takeDropped()
  }

  assertInvariants(): void {
    this.roster.assertInvariants()
    this.#links.assertInvariants()
    this.#members.assertInvariants(this.#node, node => this.isLinked(node))
  }

  #add(heartbeat: Heartbeat): Member {
    return this.#members.add(heartbeat, this.#links.has(nodeOf(heartbeat.boot)))
  }

  #boundDeparted(): void {
    this.#members.boundDeparted(node => !this.#links.has(node) && !this.#authors.isOpen(node))
  }

  #withOthers(members: Member[], now: number): Member[] {
    const others = this.all().flatMap(({ beside }) => [...beside.values()])
    const heard = others.filter(member => !this.#isSilent(member, now))
    return heard.length === 0 ? members : [...members, ...heard]
  }

  #depart(departure: Departure, isFirstHand: boolean): Member | null {
    const node = nodeOf(departure.boot)
    if (node === this.#node) return null
    const member = this.#members.get(node) ?? this.#add({ ...UNHEARD, boot: departure.boot })
    const wasHere = !isOut(member) && member.heartbeat.name !== ''
    const isOfKnown = departure.boot === member.heartbeat.boot
    const isStale =
      isOfKnown && member.departure !== null && member.departure.boot !== departure.boot
    if (!isStale && !isLaterDeparture(departure, member.departure)) return null
    member.departure = departure
    if (isFirstHand) member.firstHand = departure
    member.beside.delete(departure.boot)
    this.changed(member)
    if (this.#members.all.length > MEMBERS_MAX + DEPARTED_MAX) this.#boundDeparted()
    return wasHere && isOut(member) ? member : null
  }

  #isInTime(boot: BootId): boolean {
    return isInTime(boot, this.horizon)
  }

  #isThere(member: Member, now: number): boolean {
    return !member.broken && this.status(member, now) === 'alive'
  }

  #isSilent(member: Member, now: number): boolean {
    return this.detector.isUnreachable(member, now)
  }

  #livesOn(member: Member, now: number): boolean {
    return this.#links.has(member.node) && this.detector.livesOn(member, now)
  }

  #voters(now: number, since = Number.NEGATIVE_INFINITY): Voters {
    const self = { name: this.#name, node: this.#node, seen: true }
    return votersOf(self, this.all(), this.roster.names, member => {
      if (!this.#links.has(member.node) || member.crashed) return false
      return !this.#isSilent(member, now) && member.heardAt >= since
    })
  }
}
