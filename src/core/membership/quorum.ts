/**
 * Whether the part of the cluster that a node sees may speak for the whole.
 *
 * More than half may, for there is only one such part. Of two halves, the one with the first of all does: by name if
 * there is a roster, otherwise by node id. An instance counts once, however many identities it has had.
 *
 * Two parts can never both speak, as long as each knows of all that live in the other: a member that leaves on one side
 * of a cut makes the whole smaller there only, and none that lives is counted out.
 */
import type { NodeId } from '../base/ids.ts'
import type { Quorum } from '../options.ts'
import { isOut, type Member } from './member.ts'

/** A vote: an instance, under its node id if it has ever been seen. */
export type Voter = Readonly<{ name: string; node: NodeId | null; seen: boolean }>

/** All who count, each once. */
export type Voters = Readonly<{ all: readonly Voter[]; hasRoster: boolean }>

/** This node, members that have not left, and expected instances that were never seen. */
export function votersOf(
  self: Voter,
  members: readonly Member[],
  expected: readonly string[],
  isSeen: (member: Member) => boolean
): Voters {
  const all = new Map([[self.name, self]])
  const add = (voter: Voter): void => {
    if (voter.seen || !all.has(voter.name)) all.set(voter.name, voter)
  }
  const gone = new Set<string>()
  for (const member of members) {
    const { name } = member.heartbeat
    if (isOut(member)) gone.add(name)
    else add({ name, node: member.node, seen: isSeen(member) })
  }
  // Who said goodbye holds nothing, expected or not.
  for (const name of expected) if (!gone.has(name)) add({ name, node: null, seen: false })
  return { all: [...all.values()], hasRoster: expected.length > 0 }
}

export function isMajority({ all, hasRoster }: Voters): boolean {
  const seen = all.filter(voter => voter.seen).length
  if (seen * 2 !== all.length) return seen * 2 > all.length
  const key = ({ name, node }: Voter): string => (hasRoster || node === null ? name : node)
  return all.reduce((first, voter) => (key(voter) < key(first) ? voter : first)).seen
}

/** Whether the votes that are seen are the quorum that was asked for. */
export function isQuorum(quorum: Quorum, voters: Voters): boolean {
  if (quorum === 'any') return true
  if (quorum === 'majority') return isMajority(voters)
  return voters.all.filter(({ seen }) => seen).length >= quorum
}
