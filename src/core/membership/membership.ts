/**
 * What members say of themselves and of each other, and what follows from their silence.
 *
 * Every heartbeat carries all that its sender knows of who is expected and who has left, so one that arrives is enough
 * to know as much. What a member is (alive, suspect, unreachable, crashed, left) is looked at on every tick, and said
 * aloud when it has changed.
 */
import { nodeOf, startTimeOf, type BootId, type NodeId } from '../base/ids.ts'
import { covers } from '../base/version-vector.ts'
import { ownMs, wallMsAt, wholeMs, type Context } from '../context.ts'
import type { MemberEventName } from '../effect.ts'
import type { Input } from '../input.ts'
import { LocalHealth } from '../liveness/liveness.ts'
import { correctionOf, noteClock, skewed, SKEW_MS_MAX } from './clock-offset.ts'
import { isOut, type Member, type MemberStatus } from './member.ts'
import type { Departure, Heartbeat, Introduction, Replaced, Who } from '../message.ts'
import type { Heartbeats } from '../liveness/heartbeat.ts'
import { knowsAll } from '../replication/replication.ts'
import type { Strangers } from './strangers.ts'

export { Belief } from './belief.ts'
export { clockOffsetOf } from './clock-offset.ts'
export { readClocks } from './clock-steps.ts'
export { isForgotten, isOut } from './member.ts'
export { Members } from './members.ts'
export { Strangers } from './strangers.ts'
export { UnknownOrigins } from './unknown-origins.ts'

/** Where our identity is said to be used is looked up no more often. Guess: twice what a dial takes at most. */
const MEET_MS = 10_000

/** Boots that one question names. What is left over is asked next time. */
const ASKED_MAX = 64
/** Boots of which it has been said that they have a twin. Guess: nobody copies a folder as often. */
const TWINS_MAX = 256
/** Departures that are kept in mind. Guess: nobody sees as many go while it lacks what they wrote. */
const EARLY_MAX = 256

export class Membership {
  readonly #context: Context
  readonly #heartbeats: Heartbeats
  readonly #strangers: Strangers
  readonly #onMet: (member: Member) => void
  readonly #name: string
  readonly #localHealth = new LocalHealth()
  /** Status of each member as it was reported last. */
  readonly #statuses = new Map<NodeId, MemberStatus>()
  readonly #twins = new Set<BootId>()
  readonly #skewed = new Set<NodeId>()
  /** Departures of boots whose last words are not here yet, and since when nobody is known who has them. */
  readonly #early = new Map<BootId, Readonly<{ departure: Departure; lostSince: number }>>()
  #partitioned = false
  #refused = false
  /** When this process stood still last, and for how long. */
  #absence = { until: Number.NEGATIVE_INFINITY, ms: 0 }
  /** When another process with our identity was looked for. */
  #soughtAt = Number.NEGATIVE_INFINITY
  #askedAt = Number.NEGATIVE_INFINITY

  /** @param onMet called when a boot has spoken on its own link for the first time */
  constructor(
    context: Context,
    heartbeats: Heartbeats,
    strangers: Strangers,
    onMet: (member: Member) => void,
    name: string
  ) {
    this.#context = context
    this.#heartbeats = heartbeats
    this.#strangers = strangers
    this.#onMet = onMet
    this.#name = name
  }

  /** Something happens here. Where nothing had for long, no member could be heard either, and none is blamed for it. */
  attend(input: Input, atRest: boolean): void {
    const { members, now, options } = this.#context
    const absentMs = this.#localHealth.absentMs(now, atRest ? options.restTickMs : 0)
    members.excuse(absentMs)
    members.listen(now)
    if (absentMs > 0) {
      this.#absence = { until: now, ms: absentMs }
      this.#tell('node:starved')
    }
    const speaker = input.kind === 'message' ? members.get(input.from) : undefined
    if (speaker !== undefined) speaker.spokeAt = now
  }

  /** A member speaks, or another passes on what it said. Returns whether a boot has begun or ended by that. */
  heard(heartbeat: Heartbeat, from: NodeId): boolean {
    const { members, clock, now, wallMs } = this.#context
    const { boot, at, roster, departures } = heartbeat
    const isOwnWord = nodeOf(boot) === from
    clock.adopt(at, wallMs)
    for (const entry of roster) members.roster.note(entry)
    const before = members.get(nodeOf(boot))?.heartbeat
    let changed = members.heard(heartbeat, now, from)
    const member = members.get(nodeOf(boot))
    const isLast = member?.heartbeat.boot === boot && member.heartbeat.at === at
    if (isLast && isOwnWord) noteClock(member, heartbeat, ownMs(this.#context))
    // Also if a later word has overtaken it: only the first one on a link names all members.
    if (member?.heartbeat.boot === boot) this.#meet(member, heartbeat, isOwnWord)
    if (before?.draining === false && member?.heartbeat.draining === true) {
      this.#notify('node:draining', member)
    }
    const isUndone = before?.draining === true && member?.heartbeat.draining === false
    if (isUndone && before.boot === boot) this.#notify('node:undrained', member)
    if (changed) this.#notify('node:joined', member!)
    for (const departure of departures) changed = this.#heardOf(departure) || changed
    if (!isOwnWord) return changed
    this.#findTwin(nodeOf(boot))
    this.#findNamesake(nodeOf(boot))
    return changed
  }

  /**
   * A member says that another has departed. What that one handed on would seem to be left behind to a node that lacks
   * its last words: until these are here, the departure is kept in mind, for the member that told of it may be about to
   * leave, too. They may be lost with a journal that was damaged; then nobody is there any more who could tell them.
   */
  #heardOf(departure: Departure): boolean {
    const { members, log, now, options } = this.#context
    const { boot, upTo } = departure
    if (!covers(log.origins.reach, { origin: boot, seq: upTo })) {
      const before = this.#early.get(boot)?.lostSince ?? Infinity
      const lostSince = knowsAll(this.#context, nodeOf(boot)) ? Math.min(before, now) : Infinity
      if (now - lostSince < options.unknownMs) {
        if (this.#early.size < EARLY_MAX) this.#early.set(boot, { departure, lostSince })
        return false
      }
    }
    this.#early.delete(boot)
    const gone = members.departed(departure, now)
    return gone !== null && this.departed(gone)
  }

  /** A member is none any more. Returns true. */
  departed(member: Member): true {
    this.#statuses.set(member.node, 'left')
    this.#notify('node:left', member)
    return true
  }

  /** A member says that it goes, and that its last write was `upTo`. Returns whether it was still here. */
  saidGoodbye(boot: BootId, upTo: number): boolean {
    const { members } = this.#context
    if (!members.saidGoodbye(boot, upTo)) return false
    const node = nodeOf(boot)
    const member = members.get(node)!
    this.#statuses.set(node, 'left')
    if (member.heartbeat.name !== '') this.#notify('node:left', member)
    return true
  }

  /** All addresses of a boot refuse. Returns whether that is news. */
  refused(boot: BootId): boolean {
    const { members } = this.#context
    if (!members.refused(boot)) return false
    this.#say(members.get(nodeOf(boot))!, 'crashed')
    return true
  }

  /** A member asks who holds tasks that it knows of, or whether we are still there. */
  asked(from: NodeId, { boots }: Who): void {
    const { self, members, emit } = this.#context
    const introduce = (heartbeat: Heartbeat): void =>
      emit({ kind: 'send', to: from, message: { kind: 'introduction', heartbeat } })
    // Of a node only the last one that is known can be introduced, however many are asked for.
    for (const [node, boot] of new Map(
      boots
        .toSorted()
        .toReversed()
        .map(each => [nodeOf(each), each])
    )) {
      const known = members.get(node)
      if (boot === self) introduce(this.#heartbeats.answer())
      else if (known !== undefined && known.heartbeat.boot >= boot && known.heartbeat.name !== '') {
        introduce(this.#heartbeats.introduction(known))
      }
    }
  }

  /** The answer: at first hand it is a heartbeat. Returns whether a boot has begun or ended by that. */
  introduced(from: NodeId, { heartbeat }: Introduction): boolean {
    const { members, now } = this.#context
    if (nodeOf(heartbeat.boot) === from) return this.heard(heartbeat, from)
    if (!members.introduced(heartbeat, now, from)) return false
    this.#notify('node:joined', members.get(nodeOf(heartbeat.boot))!)
    return true
  }

  /**
   * A node that was here before us uses our identity or our name, it is said. Of a name, the namesake's own words tell;
   * a node that uses our identity is looked for at the addresses that were named.
   */
  replaced(from: NodeId, { boot, why, addresses }: Replaced): void {
    const { self, now, emit } = this.#context
    if (boot !== self) return
    if (why === 'name') return this.#findNamesake(from)
    const isUnderWay = now - this.#soughtAt < MEET_MS
    if (this.#refused || isUnderWay || addresses.length === 0) return
    this.#soughtAt = now
    emit({ kind: 'meet', addresses })
  }

  /** Whether another process was found to use our identity: it was here before, or no member would have said so. */
  met(another: boolean): void {
    if (another) this.#giveWay('identity')
  }

  /** Instances that this node was told to expect. */
  expect(names: readonly string[]): void {
    const { members, clock, wallMs } = this.#context
    for (const name of names) members.roster.expect(name)
    if (names.includes(this.#name)) members.roster.returned(this.#name, clock.stamp(wallMs))
  }

  /** A member counts no more, nor is an instance of that name expected. */
  forget(name: string, node: NodeId | null): void {
    const { members, clock, now, wallMs } = this.#context
    members.roster.forget(name, clock.stamp(wallMs))
    const member = node === null ? undefined : members.get(node)
    if (member !== undefined) members.forget(member, now)
    this.#heartbeats.publish()
  }

  /** Looks at all members. Returns whether a boot has ended by that. */
  review(): boolean {
    const { members, now, options } = this.#context
    let changed = false
    for (const { departure } of Array.from(this.#early.values())) {
      changed = this.#heardOf(departure) || changed
    }
    for (const node of this.#statuses.keys()) {
      if (members.get(node) === undefined) this.#statuses.delete(node)
    }
    for (const member of members.all()) {
      this.#say(member, members.status(member, now))
      if (this.#isOver(member)) changed = members.forget(member, now) || changed
    }
    this.#findSkew()
    const cutOff = members.notEnded().length > members.recentlyHeard(now).length
    if (cutOff !== this.#partitioned) this.#sayOfCluster(cutOff)
    if (now - this.#askedAt >= options.probeMs) this.#ask()
    return changed
  }

  /**
   * A boot is over when it has crashed or left and was replaced, or, where a majority says so, has been gone for very
   * long.
   */
  #isOver(member: Member): boolean {
    const { members, now, options } = this.#context
    const { name } = member.heartbeat
    if (isOut(member)) return member.departure?.forgotten === false && this.#isTaken(name)
    if (member.crashed && this.#isTaken(name)) return true
    if (members.roster.expects(name) || now - member.heardAt < options.departMs) return false
    return Number.isFinite(member.heardAt) && members.seesMajority(now)
  }

  #isTaken(name: string): boolean {
    const { members, now } = this.#context
    const others = members.linkedAndAlive(now).map(({ heartbeat }) => heartbeat.name)
    return [this.#name, ...others].includes(name)
  }

  /** Asks silent members whether they live, and everybody about boots of which we know too little. */
  #ask(): void {
    const { members, unknownOrigins, now, emit } = this.#context
    this.#askedAt = now
    const lost = members.unlinked().filter(({ heartbeat }) => heartbeat.addresses.length === 0)
    const wanted = [
      ...this.#strangers.all(),
      ...unknownOrigins.strange(this.#context),
      ...lost.map(({ heartbeat }) => heartbeat.boot)
    ]
    for (const member of members.linked()) {
      const { node, heartbeat } = member
      const silent = members.status(member, now) !== 'alive'
      const boots = silent ? [heartbeat.boot] : wanted.slice(0, ASKED_MAX)
      if (boots.length > 0) emit({ kind: 'send', to: node, message: { kind: 'who', boots } })
    }
  }

  /**
   * Our own clock has been set forward. A node that knows that it is another time for the others goes by them at once.
   */
  stepped(stepMs: number): void {
    const { correctionMs } = this.#context
    const wasRight = correctionMs === 0
    const isTold = this.setClock(wasRight ? -stepMs : correctionMs) && wasRight
    if (!isTold && Math.abs(stepMs) > SKEW_MS_MAX) this.#tell('node:clock-skew')
  }

  /**
   * Goes by the middle one of all clocks if ours is far from it. Returns whether it is another time now.
   *
   * @param steadyMs by how much our clock is to be corrected for the time to go on as before. @default as it is
   */
  setClock(steadyMs: number = this.#context.correctionMs): boolean {
    const context = this.#context
    const { members, now, clock, options, correctionMs: before } = context
    const linked = members.recentlyHeard(now).filter(({ node }) => members.isLinked(node))
    // What was said while this process stood still has waited for as long.
    const lateMs = now - this.#absence.until < options.suspectMs ? this.#absence.ms : 0
    const time = { ownMs: ownMs(context), currentMs: before, steadyMs, lateMs }
    context.correctionMs = correctionOf(linked, time)
    if (context.correctionMs === before) return false
    context.wallMs = wholeMs(wallMsAt(now, context))
    clock.setBack(context.wallMs)
    if (before === 0) this.#tell('node:clock-skew')
    return true
  }

  /**
   * A node that has met another tells the others of it, so that two that both know a third know of each other before
   * one of them could take over what it held as if the other were not there.
   */
  #meet(member: Member, { boot, met }: Heartbeat, isOwnWord: boolean): void {
    const { members, now, emit } = this.#context
    const { node } = member
    if (!members.isLinked(node)) return
    if (isOwnWord && member.firstWord?.boot !== boot) {
      member.firstWord = { boot, at: now }
      this.#onMet(member)
      this.#heartbeats.urge()
    }
    for (const other of met) {
      const third = members.get(nodeOf(other))
      if (third?.heartbeat.boot === other) third.mentionedAt = now
    }
    const strange = met.filter(other => !members.knows(other))
    if (strange.length === 0) return
    this.#strangers.mentioned(strange)
    const boots = strange.slice(0, ASKED_MAX)
    emit({ kind: 'send', to: node, message: { kind: 'who', boots } })
  }

  #findTwin(node: NodeId): void {
    const { members, emit } = this.#context
    const twin = members.twinOf(node)
    if (twin === null) return
    const { boot, addresses } = twin
    if (!this.#twins.has(boot)) this.#notify('node:duplicate-identity', members.get(node)!)
    if (this.#twins.size >= TWINS_MAX) this.#twins.clear()
    this.#twins.add(boot)
    emit({
      kind: 'send',
      to: node,
      message: { kind: 'replaced', boot, why: 'identity', addresses }
    })
  }

  #findSkew(): void {
    const { members, now } = this.#context
    const found = skewed(members.recentlyHeard(now))
    for (const member of found) {
      if (!this.#skewed.has(member.node)) this.#notify('node:clock-skew', member)
    }
    this.#skewed.clear()
    for (const { node } of found) this.#skewed.add(node)
  }

  /** Of two nodes of one name that meet, the one that was started later gives way. */
  #findNamesake(node: NodeId): void {
    const { self, members, now, emit } = this.#context
    const member = members.get(node)
    if (member === undefined || !member.spoken || isOut(member)) return
    const { boot, name } = member.heartbeat
    if (name !== this.#name || !members.isLinked(node) || members.status(member, now) !== 'alive')
      return
    const later = startTimeOf(boot) - startTimeOf(self) || (boot < self ? -1 : 1)
    if (later < 0) this.#giveWay('name')
    else
      emit({
        kind: 'send',
        to: node,
        message: { kind: 'replaced', boot, why: 'name', addresses: [] }
      })
  }

  #giveWay(why: Replaced['why']): void {
    if (this.#refused) return
    this.#refused = true
    this.#context.emit({ kind: 'give-way', why })
  }

  #say(member: Member, status: MemberStatus): void {
    const { counters, now } = this.#context
    const before = this.#statuses.get(member.node)
    if (before === status) return
    this.#statuses.set(member.node, status)
    const silentMs = now - member.heardAt
    const isFound = status === 'crashed' || status === 'unreachable'
    if (isFound && Number.isFinite(silentMs)) counters.detectionTimes.add(Math.max(0, silentMs))
    if (status === 'alive') {
      if (before === 'suspect' || before === 'unreachable') this.#notify('node:refuted', member)
    } else if (status === 'crashed' && !Number.isFinite(silentMs)) {
      // It may have left in good order while this boot did not run yet: how it ended is known to whoever heard it.
      if (before !== 'unreachable') this.#notify('node:unreachable', member)
    } else if (status !== 'left') this.#notify(`node:${status}`, member)
  }

  #sayOfCluster(partitioned: boolean): void {
    this.#partitioned = partitioned
    this.#tell(partitioned ? 'cluster:partitioned' : 'cluster:healed')
  }

  /** Something is so with this node itself. */
  #tell(name: MemberEventName): void {
    const { node, emit } = this.#context
    emit({ kind: 'notify', event: { name, node, nodeName: this.#name } })
  }

  #notify(name: MemberEventName, { node, heartbeat }: Member): void {
    this.#context.emit({ kind: 'notify', event: { name, node, nodeName: heartbeat.name } })
  }
}
