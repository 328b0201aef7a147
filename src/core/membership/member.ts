/**
 * One member, and what its departure means.
 */
import { nodeOf, startTimeOf, type BootId, type NodeId } from '../base/ids.ts'
import { STAMP_MAX, type Hlc } from '../base/hlc.ts'
import { compareText } from '../base/order.ts'
import { Dots } from '../base/dots.ts'
import type { MemberRecord } from '../effect.ts'
import { LEFT_AT, type Departure, type Heartbeat } from '../message.ts'
import { NODE_LIMITS, SETTLED_MAX_MAX } from '../options.ts'

export type MemberStatus = 'alive' | 'suspect' | 'unreachable' | 'crashed' | 'left'

export type Member = {
  readonly node: NodeId
  heartbeat: Heartbeat
  /** When a word of it came, from itself or passed on. */
  heardAt: number
  /** The boot has spoken itself, to this boot of ours. */
  spoken: boolean
  /** The boot has spoken itself, to this boot of ours or to an earlier one: it is not only others who speak of it. */
  proven: boolean
  /** The stamp of the last that it said itself. */
  saidAt: Hlc
  /** When the last that it said itself came. */
  lastWordAt: number
  /** The stamps of the last that each of the others passed on: so that none can silence it by a stamp of the future. */
  readonly passedOn: Map<NodeId, Hlc>
  /** Other boots of it that only others speak of, and speak of now: waited for until it is known which one runs. */
  readonly beside: Map<BootId, Member>
  /** When something last came from it on a link of its own, and not by another member. */
  spokeAt: number
  /** When a member last said that it waits for this boot, for it has heard it itself not long ago. */
  mentionedAt: number
  /** The last that was said of its leaving. It may have come back since. */
  departure: Departure | null
  /**
   * The last departure that it told us itself, or that a user told us here: a word of its own to the contrary is older
   * then.
   */
  firstHand: Departure | null
  /** What others say of its leaving, while it goes on to speak on a link of its own. */
  rumour: Departure | null
  /** The boot that we know is proven dead. */
  crashed: boolean
  /** Which boot of it has spoken to us itself, and when it did so first. */
  firstWord: Readonly<{ boot: BootId; at: number }> | null
  /** How late it was, by its last heartbeats. */
  readonly lagsMs: number[]
  /** How far its clock was ahead of ours, by the last things it said itself. */
  readonly clockOffsetsMs: number[]
  /** There is or was a link to it: it is no invention of another member. */
  met: boolean
  /** The link to it has gone down since it was heard last. */
  broken: boolean
  /** A newer boot that spoke while this one seemed to run, and when it did so first and last. */
  younger: Readonly<{ boot: BootId; at: number; heardAt: number }> | null
  /** An older boot that spoke after this one had, when it did so first and last, and what its stamp was then. */
  elder: Elder | null
  /** A boot with a later name that was taken for it, and is over: this one goes on. */
  over: BootId | null
  /** Per boot, up to which write it has told us to have on disk. */
  readonly vector: Map<BootId, number>
  /** What of that vector it could not read: it has not got these. */
  readonly unreadable: Dots
}

/** An older boot that goes on to speak. */
type Elder = Readonly<{
  boot: BootId
  at: number
  saidAt: Hlc
  heardAt: number
  addresses: readonly string[]
}>

/** A member of which no more is known than what another one said of it. */
export function newMember(heartbeat: Heartbeat): Member {
  return {
    node: nodeOf(heartbeat.boot),
    heartbeat: ofItself(heartbeat),
    heardAt: Number.NEGATIVE_INFINITY,
    spoken: false,
    proven: false,
    saidAt: 0,
    lastWordAt: Number.NEGATIVE_INFINITY,
    passedOn: new Map(),
    beside: new Map(),
    spokeAt: Number.NEGATIVE_INFINITY,
    mentionedAt: Number.NEGATIVE_INFINITY,
    departure: null,
    firstHand: null,
    rumour: null,
    crashed: false,
    firstWord: null,
    lagsMs: [],
    clockOffsetsMs: [],
    met: false,
    broken: false,
    younger: null,
    elder: null,
    over: null,
    vector: new Map(),
    unreadable: new Dots()
  }
}

/** What a disk keeps of a member. */
export function recordOf({ heartbeat, departure, proven }: Member): MemberRecord {
  const { boot, name, addresses, stopAfterIsolatedMs } = heartbeat
  return { boot, name, addresses, departure, stopAfterIsolatedMs, proven }
}

/** Whether a member is none any more: all that we have heard of it was said before it departed. */
export function isOut({ heartbeat, departure }: Pick<Member, 'heartbeat' | 'departure'>): boolean {
  return departure !== null && !isLater(heartbeat, departure)
}

/** Whether it was forgotten, or left before it was ever met and has no name to show. */
export function isForgotten(member: Member): boolean {
  return isOut(member) && (member.departure!.forgotten || member.heartbeat.name === '')
}

/** Whether something was said after a departure. */
export function isLater({ boot, at }: Heartbeat, departure: Departure | null): boolean {
  if (departure === null || boot > departure.boot) return true
  return boot === departure.boot && at > departure.at
}

/** What is known of a member that has not spoken to this boot yet. */
export const UNHEARD: Omit<Heartbeat, 'boot'> = {
  kind: 'heartbeat',
  name: '',
  version: '',
  revision: 0,
  at: 0,
  clockMs: 0,
  slots: 0,
  running: 0,
  queued: 0,
  draining: false,
  loopLagMs: 0,
  handlers: [],
  labels: {},
  addresses: [],
  vector: new Map(),
  stopAfterIsolatedMs: null,
  roster: [],
  departures: [],
  floor: 0,
  settledMax: SETTLED_MAX_MAX,
  settledKept: 0,
  met: []
}

/**
 * Up to when a member is forgotten: what it says later makes it a member again.
 *
 * @param here what time it is here, by the clock of steps and by our wall clock
 */
export function forgottenAt(
  member: Member,
  here: Readonly<{ now: number; ownTime: Hlc }>,
  suspectMs: number
): Hlc {
  const { boot, at } = member.heartbeat
  const { now, ownTime } = here
  const left = member.departure?.boot === boot ? member.departure.at : 0
  // It may have spoken to others until now, by a clock that has gone on since its last word to us.
  const itsTime = member.saidAt + Math.floor((now - member.lastWordAt) * 1000)
  // What others passed on may be of any time.
  const said = member.spoken ? Math.max(itsTime, Math.min(at, ownTime)) : ownTime
  // Its last word to us was on its way for a while.
  return Math.floor(Math.max(left, Math.min(said + suspectMs * 1000, STAMP_MAX)))
}

/** In the order of what was said: a later boot, a later word, and "forgotten" beyond "left". */
export function isLaterDeparture(x: Departure, y: Departure | null): boolean {
  if (y === null) return true
  const order = compareText(x.boot, y.boot) || x.at - y.at
  return order > 0 || (order === 0 && x.forgotten && !y.forgotten)
}

/**
 * What others pass on of a boot that we know. Its name is its own; and where it can be found is what it said itself,
 * too, for a probe that is refused everywhere proves that it is dead.
 */
export function passedOn({ heartbeat, proven }: Member, news: Heartbeat): Heartbeat {
  if (!proven) return news
  const { addressesMax } = NODE_LIMITS
  const addresses = [...new Set([...heartbeat.addresses, ...news.addresses])].slice(0, addressesMax)
  return { ...news, name: heartbeat.name || news.name, addresses }
}

/** Whether what a disk keeps of a member is the same. */
export function isSameOnDisk(x: Heartbeat, y: Heartbeat): boolean {
  return (
    x.addresses.join() === y.addresses.join() && x.stopAfterIsolatedMs === y.stopAfterIsolatedMs
  )
}

/** What a member says of itself: what it says of others has been taken in, and is kept elsewhere. */
export function ofItself(heartbeat: Heartbeat): Heartbeat {
  const { unreadable: _, ...said } = heartbeat
  return { ...said, vector: UNHEARD.vector, roster: [], departures: [], met: [] }
}

/** Whether a boot has begun no later than others may say. */
export function isInTime(boot: BootId, horizon: Hlc): boolean {
  return startTimeOf(boot) <= horizon
}

/** Whether a departure that is on disk could have been believed. @param horizon the latest time that others may say */
export function isCredible({ heartbeat, departure }: Member, horizon: Hlc): boolean {
  if (departure === null) return true
  const { boot, at, forgotten } = departure
  if (boot !== heartbeat.boot && !isInTime(boot, horizon)) return false
  if (at === LEFT_AT) return true
  return at <= (forgotten ? horizon : STAMP_MAX)
}

/** What the log knows of boots. */
export type Authors = {
  /** Whether anything of the boot is known. */
  isKnown(boot: BootId): boolean
  /** Whether a boot of the node has written what is not pruned yet. */
  isOpen(node: NodeId): boolean
}

/** The answers for a node without a log. */
export const NO_AUTHORS: Authors = { isKnown: () => true, isOpen: () => false }

/** Whether a boot of this member has ever introduced itself, or a later one has. */
export function isKnown({ heartbeat, over, proven, beside }: Member, boot: BootId): boolean {
  if (heartbeat.boot === boot || over === boot || beside.has(boot)) return true
  return proven && heartbeat.boot > boot
}

/** Whether a boot of this member has ended for certain. */
export function hasEnded(member: Member, boot: BootId, horizon: Hlc): boolean {
  const { heartbeat, departure } = member
  if (heartbeat.boot === boot) return isOut(member) || member.crashed
  if (member.over === boot) return true
  // Of another one it is not known yet whether it runs.
  if (member.beside.has(boot)) return false
  // It may never have spoken here, and have departed since.
  return (member.proven && heartbeat.boot > boot) || wasOver(boot, departure, horizon)
}

/** Whether a boot was over when its node departed. */
export function wasOver(boot: BootId, departure: Departure | null, horizon: Hlc): boolean {
  if (departure === null || departure.boot < boot) return false
  return departure.boot === boot || isInTime(departure.boot, horizon)
}
