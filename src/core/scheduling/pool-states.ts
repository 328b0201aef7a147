/** What heartbeats say of the pools of this node. */
import type { BootId } from '../base/ids.ts'
import { firstFor } from '../claim/claim.ts'
import type { WorkerState } from '../liveness/heartbeat.ts'
import { DEFAULT_POOL, type PoolState } from '../message.ts'
import type { ReadyQueue } from '../queue/ready-queue.ts'
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
  for (const [demand, count] of queue.waiting(self)) {
    const pool = firstFor(pools, demand)?.name ?? DEFAULT_POOL
    queued.set(pool, (queued.get(pool) ?? 0) + count)
  }
  return queued
}
