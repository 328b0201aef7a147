/** Whether everybody can be spoken to directly. */
import type { Members } from './members.ts'

/** Whether all that may live are linked, and have spoken themselves since then: nobody is behind a broken link. */
export function areAtHand(members: Members, since: number): boolean {
  if (members.hasStrangers()) return false
  return members.notGone().every(({ node, spokeAt }) => members.isLinked(node) && spokeAt >= since)
}
