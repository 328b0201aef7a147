/**
 * On which disks something is, as far as members have said.
 *
 * Of the copies that count one has to be on another computer, if one is linked: of two nodes that share a computer
 * neither is a second place.
 */
import { areApart, computerOf } from '../base/computers.ts'
import { hasWrite } from '../base/coverage.ts'
import type { BootId } from '../base/ids.ts'
import { covers, reachIn } from '../base/version-vector.ts'
import type { Context } from '../context.ts'
import type { Member } from '../membership/member.ts'
import type { Members } from '../membership/members.ts'

type Write = Readonly<{ origin: BootId; seq: number }>

/** How many of the others have something on disk. */
export type Disks = Readonly<{
  copies: number
  /** Whether one of them is on another computer than this node. */
  isApart: boolean
}>

/**
 * Which members have one of these writes on disk. The boot that made a write has it: it tells only what is on its disk.
 *
 * @param computer of this node
 */
export function disksWith(
  members: Members,
  writes: readonly Write[],
  computer: string | null
): Disks {
  let copies = 0
  let isApart = false
  // What has left or crashed may never come back, and its disk with it.
  for (const member of members.notEnded()) {
    const has = ({ origin, seq }: Write): boolean =>
      member.heartbeat.boot === origin || (seq > 0 && hasWrite(member, { origin, seq }))
    if (!writes.some(has)) continue
    copies++
    isApart ||= isAway(member, computer)
  }
  return { copies, isApart }
}

/** Whether a member on another computer can be talked to right now. @param computer of this node */
export function canReachApart(members: Members, computer: string | null): boolean {
  return members.linked().some(member => isAway(member, computer))
}

/** Whether a member is known to be on another computer than this. */
export function isAway({ heartbeat }: Member, computer: string | null): boolean {
  return areApart(computerOf(heartbeat.name), computer)
}

/** Whether all that is on this node's disk is also on that of a member, if there is any: then this node may go. */
export function isAllElsewhere(context: Context): boolean {
  const keepers = keepersIn(context)
  if (keepers.length === 0) return true
  const kept = keepers.map(member => ({ member, reach: reachIn(member.vector) }))
  // The boot that made a write has it.
  const stands =
    (origin: BootId, upTo: number) =>
    ({ member, reach }: (typeof kept)[number]): boolean =>
      member.heartbeat.boot === origin || covers(reach, { origin, seq: upTo })
  return [...context.log.durableVector].every(([origin, upTo]) =>
    isKept(
      context,
      kept.filter(stands(origin, upTo)).map(({ member }) => member),
      origin,
      upTo
    )
  )
}

/**
 * Members whose disks count. Of two that leave together, neither is safe with the other; and one that was heard a
 * moment ago, and cannot be talked to, may have crashed.
 */
function keepersIn({ members, now }: Context): readonly Member[] {
  const others = members.linkedOrHeard(now)
  const staying = others.filter(({ heartbeat }) => !heartbeat.draining)
  const linked = staying.filter(({ node }) => members.isLinked(node))
  return [linked, staying, others].find(list => list.length > 0) ?? []
}

/**
 * Whether each write of a boot up to `upTo` that this node could read has been read by a keeper.
 *
 * @param keepers whose vectors have passed them all
 */
function isKept(
  { log: { unreadable } }: Context,
  keepers: readonly Member[],
  origin: BootId,
  upTo: number
): boolean {
  if (keepers.length === 0) return false
  // Only what the first of them could not read can be missing.
  return keepers[0]!.unreadable.of(origin).every(({ after, upTo: end }) => {
    for (let seq = after + 1; seq <= Math.min(end, upTo); seq++) {
      const dot = { origin, seq }
      if (!unreadable.has(dot) && !keepers.some(member => hasWrite(member, dot))) return false
    }
    return true
  })
}
