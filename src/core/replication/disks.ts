/**
 * On whose disks something is, as far as members have said.
 *
 * Of the copies that count one has to be on another computer, if one is linked: of two nodes that share a computer
 * neither is a second place.
 */
import { areApart, computerOf } from '../base/computers.ts'
import { hasWrite } from '../base/coverage.ts'
import type { BootId } from '../base/ids.ts'
import type { Member } from '../membership/member.ts'
import type { Members } from '../membership/members.ts'

type Write = Readonly<{ origin: BootId; seq: number }>

/** Which of the others have something. */
export type Disks = Readonly<{
  /** How many disks there are. */
  copies: number
  /** Whether one of them is on another computer than this node. */
  isApart: boolean
}>

/**
 * Who has one of these writes on disk, this node apart: also who made it, for else it would not be known.
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
