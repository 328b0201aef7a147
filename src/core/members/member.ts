/**
 * One member, and what its departure means.
 */
import { nodeOf, type BootId, type NodeId } from '../base/ids.ts'
import type { Hlc } from '../base/hlc.ts'
import { compareText } from '../base/order.ts'
import { Dots } from '../base/dots.ts'
import type { MemberRecord } from '../effect.ts'
import type { Departure, Heartbeat } from '../message.ts'

export type MemberStatus = 'alive' | 'suspect' | 'unreachable' | 'crashed' | 'left'

export type Member = {
  readonly node: NodeId
  heartbeat: Heartbeat
  heardAt: number
  /** When something came from it that nobody had carried. */
  spokeAt: number
  /** When somebody last said that it waits for this boot, for it has heard it itself not long ago. */
  mentionedAt: number
  /** The last that was said of its leaving. It may have come back since. */
  departure: Departure | null
  /** The boot that we know is proven dead. */
  crashed: boolean
  /** Which boot of it has spoken to us itself, and when it did so first. */
  firstWord: Readonly<{ boot: BootId; at: number }> | null
  /** How far its clock was ahead of ours, by the last things it said itself. */
  readonly clockOffsetsMs: number[]
  /** The link to it has gone down since it was heard last. */
  broken: boolean
  /** A newer boot that spoke while this one seemed to run, and when it did so first. */
  rival: Readonly<{ boot: BootId; at: number }> | null
  /** An older boot that spoke after this one had, when it did so first and last, and what its stamp was then. */
  elder: Readonly<{ boot: BootId; at: number; saidAt: Hlc; heardAt: number }> | null
  /** Per boot, up to which write it has told us to have on disk. */
  readonly vector: Map<BootId, number>
  /** ... and what of that it could not read: it has not got these. */
  readonly unreadable: Dots
}

/** A member of which no more is known than what somebody said of it. */
export function newMember(heartbeat: Heartbeat): Member {
  return {
    node: nodeOf(heartbeat.boot),
    heartbeat,
    heardAt: Number.NEGATIVE_INFINITY,
    spokeAt: Number.NEGATIVE_INFINITY,
    mentionedAt: Number.NEGATIVE_INFINITY,
    departure: null,
    crashed: false,
    firstWord: null,
    clockOffsetsMs: [],
    broken: false,
    rival: null,
    elder: null,
    vector: new Map(),
    unreadable: new Dots()
  }
}

/** What a disk keeps of a member. */
export function recordOf({ heartbeat, departure }: Member): MemberRecord {
  const { boot, name, addresses, stopAfterIsolatedMs } = heartbeat
  return { boot, name, addresses, departure, stopAfterIsolatedMs }
}

/** Whether a member is none any more: all that we have heard of it was said before it departed. */
export function isOut({ heartbeat, departure }: Pick<Member, 'heartbeat' | 'departure'>): boolean {
  return departure !== null && !isLater(heartbeat, departure)
}

/** Whether nobody wants to hear of it any more. One that left before it was ever met has no name to show. */
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
  met: []
}

/** In the order of what was said: a later boot, a later word, and "forgotten" beyond "left". */
export function compareDepartures(x: Departure, y: Departure): number {
  return compareText(x.boot, y.boot) || x.at - y.at || Number(x.forgotten) - Number(y.forgotten)
}

/** Whether what a disk keeps of a member is the same. */
export function isSameOnDisk(x: Heartbeat, y: Heartbeat): boolean {
  return (
    x.addresses.join() === y.addresses.join() && x.stopAfterIsolatedMs === y.stopAfterIsolatedMs
  )
}
