/**
 * Version vectors: what one covers, what it is missing, and both together. Nothing but this folder compares them, so
 * that a retired boot means the same everywhere.
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

/** Up to which write of each boot everything is covered: a vector, or a log, as it is asked. */
export type Reach = (origin: BootId) => number

/** `reach` of one vector for many boots: looks through the vector for retired ones once, and only if it has to. */
export function reachIn(vector: ReadonlyMap<BootId, number>): Reach {
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

type Write = Readonly<{ origin: BootId; seq: number }>

/** Whether a write is covered. */
export function covers(reachOf: Reach, { origin, seq }: Write): boolean {
  return reachOf(origin) >= seq
}

/** Whether a write is covered of which there may still be a task: of a retired boot everything has been pruned. */
export function coversOpen(reachOf: Reach, { origin, seq }: Write): boolean {
  const upTo = reachOf(origin)
  return upTo >= seq && upTo !== RETIRED
}

/** The entries of a vector that are not covered: what is to be fetched from whoever has it. Looked at as it is asked. */
export function* missing(
  reachOf: Reach,
  vector: Iterable<readonly [BootId, number]>
): Generator<[BootId, number]> {
  for (const [origin, upTo] of vector) if (reachOf(origin) < upTo) yield [origin, upTo]
}

/** Whether all of a vector is covered. */
export function coversAll(reachOf: Reach, vector: Iterable<readonly [BootId, number]>): boolean {
  return missing(reachOf, vector).next().done === true
}

/** Raises a vector to what another one covers as well. */
export function merge(vector: Map<BootId, number>, other: ReadonlyMap<BootId, number>): void {
  for (const [origin, upTo] of other) {
    if (upTo > (vector.get(origin) ?? 0)) vector.set(origin, upTo)
  }
  // Whichever of the two says that a later boot is retired: the other may be older.
  for (const boot of succeededIn(vector, vector)) vector.delete(boot)
}

/** Boots of a vector of whose node another one has retired a later boot. */
export function succeededIn(
  vector: ReadonlyMap<BootId, number>,
  other: ReadonlyMap<BootId, number>
): BootId[] {
  const closed = retiredIn(other)
  if (closed.size === 0) return []
  return [...vector.keys()].filter(boot => boot < (closed.get(nodeOf(boot)) ?? ''))
}
