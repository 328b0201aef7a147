/**
 * The pools of a node: slots that share task types and labels. A node is a set of them: the default one, and others that
 * it names. What a node can run, and how much room it has, is always asked of its pools one by one. Their sum means
 * nothing: twenty free slots for one type are no room for a task of another.
 */
import { compareText } from '../base/order.ts'
import { DEFAULT_POOL, type Heartbeat } from '../message.ts'
import type { Labels } from '../task/labels.ts'
import { canRun, type Capability, type Demand } from './capability.ts'

/** A pool. Its labels are those of its node, and its own. */
export type Pool = Capability &
  Readonly<{
    name: string
    /** Whether its tasks are run by a process of its own, which comes and goes. */
    external: boolean
  }>

/** A pool, as its node said last how busy it is. */
export type BusyPool = Pool & Readonly<{ running: number; queued: number }>

/** In the order in which they are given tasks: by name. */
export function inOrder<T extends Readonly<{ name: string }>>(pools: readonly T[]): readonly T[] {
  return pools.length < 2 ? pools : pools.toSorted((x, y) => compareText(x.name, y.name))
}

/** What a pool has for labels: its own go before those of its node. */
export function labelsIn(node: Labels, own: Labels): Labels {
  return Object.keys(own).length === 0 ? node : { ...node, ...own }
}

const known = new WeakMap<object, readonly BusyPool[]>()

/** The pools of a member, in their order. Those of one heartbeat are worked out once. */
export function poolsOf(
  heartbeat: Pick<Heartbeat, 'slots' | 'running' | 'queued' | 'handlers' | 'labels' | 'pools'>
): readonly BusyPool[] {
  const before = known.get(heartbeat)
  if (before !== undefined) return before
  const { slots, running, queued, handlers, labels, pools = [] } = heartbeat
  const usual = { name: DEFAULT_POOL, slots, running, queued, types: handlers, labels }
  const others = pools.map(pool => ({ ...pool, labels: labelsIn(labels, pool.labels) }))
  const all = inOrder([{ ...usual, external: false }, ...others])
  known.set(heartbeat, all)
  return all
}

const knownTypes = new WeakMap<object, ReadonlySet<string>>()

/** The types that any of these pools has handlers for. Those of one pool, or one list of them, are gathered once. */
export function typesOf(pools: readonly Capability[]): ReadonlySet<string> {
  const key = pools.length === 1 ? pools[0]!.types : pools
  let all = knownTypes.get(key)
  if (all === undefined) knownTypes.set(key, (all = new Set(pools.flatMap(({ types }) => types))))
  return all
}

/** Whether one of them can run what asks for this. */
export function canRunIn(pools: readonly Capability[], demand: Demand): boolean {
  for (const pool of pools) if (canRun(pool, demand)) return true
  return false
}

/** The pool that is the first of these to run what asks for this. */
export function firstFor<T extends Capability>(pools: readonly T[], demand: Demand): T | undefined {
  for (const pool of pools) if (canRun(pool, demand)) return pool
  return undefined
}
