/**
 * Reading version vectors.
 *
 * A boot that has ended, and of which everything has been pruned, is retired: nothing more can come of it. One entry
 * then stands for it and for all older boots of its node, with the number RETIRED. Otherwise every restart of every
 * node would lengthen every vector for ever.
 */
import { nodeOf, type BootId, type NodeId } from './ids.ts'

/** More than any boot ever writes. */
export const RETIRED: number = Number.MAX_SAFE_INTEGER

/** Up to which write of a boot a vector covers everything. */
export function reach(vector: ReadonlyMap<BootId, number>, origin: BootId): number {
  const upTo = vector.get(origin)
  if (upTo !== undefined) return upTo
  const node = nodeOf(origin)
  for (const [boot, last] of vector) {
    if (last === RETIRED && boot > origin && nodeOf(boot) === node) return RETIRED
  }
  return 0
}

/** `reach` of one vector for many boots: looks through the vector for retired ones once, and only if it has to. */
export function reachIn(vector: ReadonlyMap<BootId, number>): (origin: BootId) => number {
  let closed: ReadonlyMap<NodeId, BootId> | null = null
  return origin => {
    const upTo = vector.get(origin)
    if (upTo !== undefined) return upTo
    closed ??= retiredIn(vector)
    const last = closed.get(nodeOf(origin))
    return last !== undefined && last > origin ? RETIRED : 0
  }
}

/** Of each node of which one is retired, the last one that is. */
export function retiredIn(vector: ReadonlyMap<BootId, number>): ReadonlyMap<NodeId, BootId> {
  const closed = new Map<NodeId, BootId>()
  for (const [boot, upTo] of vector) {
    if (upTo === RETIRED && boot > (closed.get(nodeOf(boot)) ?? '')) closed.set(nodeOf(boot), boot)
  }
  return closed
}
