/**
 * Lets old boots leave the version vectors.
 *
 * Every start of a node is a boot of its own, with an entry in everybody's vector. A boot is closed when nothing can come
 * of it any more: a newer boot of its node is here (so the node's own disk has told all that the old one wrote), all that
 * it wrote has been forgotten here, and everybody who may be alive has heard as much of it as we have. Whoever was away
 * is told when it asks for what it lacks.
 */
import { nodeOf, type BootId, type NodeId } from './base/ids.ts'
import type { Context } from './context.ts'
import { CLOSED, reach } from './base/vector.ts'

export function closeBoots({ self, log, members, now }: Context): void {
  if (!members.seesMajority(now) || members.hasStrangers()) return
  const everybody = members.notGone()
  const current = new Map<NodeId, BootId>([[nodeOf(self), self]])
  for (const { node, heartbeat } of members.reachable()) current.set(node, heartbeat.boot)
  const stuck = new Set<NodeId>()
  for (const { boot, upTo, isEmpty } of log.origins.open()) {
    const node = nodeOf(boot)
    const newest = current.get(node)
    const isOver = newest !== undefined && boot < newest && isEmpty
    const isShared = everybody.every(({ vector }) => {
      const told = reach(vector, boot)
      return told === upTo || told === CLOSED
    })
    // Boots are closed in order: an entry stands for all before it.
    if (isOver && isShared && !stuck.has(node)) log.close(boot)
    else stuck.add(node)
  }
}
