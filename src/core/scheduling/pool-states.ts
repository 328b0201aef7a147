/** What heartbeats say of the pools of this node. */
import type { BootId } from '../base/ids.ts'
import { firstFor } from '../claim/claim.ts'
import type { WorkerState } from '../liveness/heartbeat.ts'
import { DEFAULT_POOL, type PoolState } from '../message.ts'
import { canIn, type ReadyQueue } from '../queue/queue.ts'
import type { Slots } from './slots.ts'

/** @param queue what is ready */
export function poolStatesOf(
  self: BootId,
  slots: Slots,
  queue: ReadyQueue
): Pick<WorkerState, 'slots' | 'handlers' | 'running' | 'queued' | 'pools'> {
  const queued = queuedOf(self, slots, queue)
  const busy = (name: string): Pick<PoolState, 'running' | 'queued'> => {
    return { running: slots.used(name), queued: queued.get(name) ?? 0 }
  }
  const { slots: count, types } = slots.pools.find(({ name }) => name === DEFAULT_POOL)!
  const pools = slots.others.map(pool => ({ ...pool, ...busy(pool.name) }))
  return {
    slots: count,
    handlers: types,
    ...busy(DEFAULT_POOL),
    ...(pools.length === 0 ? {} : { pools })
  }
}

/** How many tasks that are ready here each pool runs before any other. What none can run counts for the default one. */
function queuedOf(self: BootId, { pools }: Slots, queue: ReadyQueue): ReadonlyMap<string, number> {
  const queued = new Map<string, number>()
  let rest = queue.total(self)
  for (const [demand, count] of queue.waiting(self, canIn(pools))) {
    const { name } = firstFor(pools, demand)!
    if (name === DEFAULT_POOL) continue
    queued.set(name, (queued.get(name) ?? 0) + count)
    rest -= count
  }
  return queued.set(DEFAULT_POOL, rest)
}
