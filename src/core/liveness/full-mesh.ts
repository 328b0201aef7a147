/** Whether all members can be spoken to directly. */
import type { CoreOptions } from '../options.ts'
import type { Members } from '../membership/members.ts'

type Pace = Pick<CoreOptions, 'heartbeatMs' | 'idleHeartbeatMs'>

/**
 * Whether all that may live are linked, and have spoken themselves lately: none is behind a broken link. Heartbeats
 * come at regular times, and one may be late.
 */
export function isFullMesh(
  members: Members,
  now: number,
  { heartbeatMs, idleHeartbeatMs }: Pace
): boolean {
  if (members.hasStrangers()) return false
  const since = now - idleHeartbeatMs - heartbeatMs
  return members.notEnded().every(({ node, spokeAt }) => members.isLinked(node) && spokeAt >= since)
}
