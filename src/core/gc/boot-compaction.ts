/**
 * Lets old boots leave the version vectors.
 *
 * Every start of a node is a boot of its own, with an entry in everybody's vector. A boot is retired when nothing can
 * come of it any more: a newer boot of its node is here (so the node's own disk has told all that the old one wrote),
 * all that it wrote has been pruned here, and every member that has not left has heard as much of it as we have.
 * Members that have crashed are waited for, too: the disk of the node may have been damaged, and then others alone have
 * what its old boot wrote last. A member that was away is told when it asks for what it lacks. And the newer boot has
 * been the only one for a while: of two on copies of one data folder, the older one is to go on.
 *
 * The entry of a retired boot stands for all older boots of its node, so none of these may have written anything that
 * we have not heard of: what only the disk of that node knows would count as pruned, and be lost. Nor may any of it be
 * unreadable to any member: that has not been pruned. Nor may a task be here which one of them created, by a write that
 * no member has seen: it came outside the log, and a node that hears of it later would take it for past. Nor may any
 * disk have writes that no vector carries (replication/loose-writes.ts): they are written anew first, and merged here.
 * The boot that wrote them anew may have ended since: so what any boot before the newest wrote is waited for.
 */
import { nodeOf, type BootId, type NodeId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import { hasAsMuch, type Coverage } from '../base/coverage.ts'
import { RETIRED, reachIn } from '../base/version-vector.ts'
import type { Log } from '../log/log.ts'

export function retireBoots({ self, log, members, now, isLoose }: Context): void {
  const open = log.origins.open()
  // As a rule there is no boot to retire, and that is known at less expense than who is here.
  if (!open.some(({ boot, isEmpty }) => isEmpty && boot !== self)) return
  if (!members.seesMajority(now) || members.hasStrangers()) return
  const everybody = members.lasting(now)
  if (isLoose || everybody.some(({ heartbeat }) => heartbeat.loose === true)) return
  const told = everybody.map(({ vector, unreadable }) => ({ reach: reachIn(vector), unreadable }))
  const current = new Map<NodeId, BootId>([[nodeOf(self), self]])
  for (const member of members.linked()) {
    const { node, heartbeat, vector } = member
    const hasAll = hasAsMuch(log.standing, member, heartbeat.boot, vector.get(heartbeat.boot) ?? 0)
    if (hasAll) current.set(node, heartbeat.boot)
  }
  const stuck = new Set<NodeId>()
  let unseen: ReadonlyMap<NodeId, BootId> | undefined
  for (const { boot, upTo, isEmpty } of open) {
    const node = nodeOf(boot)
    const newest = current.get(node)
    const isOver = newest !== undefined && boot < newest && isEmpty && members.isOnlyBoot(node, now)
    const isShared = ({ reach, unreadable }: (typeof told)[number]): boolean =>
      (reach(boot) === upTo || reach(boot) === RETIRED) && unreadable.of(boot).length === 0
    const isNext = isOver && !stuck.has(node) && told.every(isShared)
    // Boots are retired in order: an entry stands for all before it.
    const isLast = isNext && everybody.every(member => !tellsOfEarlier(member, newest, log))
    if (isLast) unseen ??= unseenOf(log)
    const oldest = unseen?.get(node)
    if (isLast && (oldest === undefined || oldest > boot)) log.close(boot)
    else stuck.add(node)
  }
}

/** Whether a member has writes of boots of the same node before its newest that are not merged here. */
function tellsOfEarlier(theirs: Coverage, newest: BootId, log: Log): boolean {
  return [...theirs.vector].some(
    ([origin, upTo]) =>
      nodeOf(origin) === nodeOf(newest) &&
      origin < newest &&
      upTo !== RETIRED &&
      !hasAsMuch(log.standing, theirs, origin, upTo)
  )
}

/**
 * Node -> the oldest of its boots that created a task which is here by a write that has not come. All tasks are looked
 * through, so once for all boots.
 */
function unseenOf(log: Log): ReadonlyMap<NodeId, BootId> {
  const oldest = new Map<NodeId, BootId>()
  for (const { record } of log.entries()) {
    for (const dot of record.created) {
      if (log.origins.hasSeen(dot)) continue
      const node = nodeOf(dot.origin)
      const known = oldest.get(node)
      if (known === undefined || dot.origin < known) oldest.set(node, dot.origin)
    }
  }
  return oldest
}
