/** BullMQ as its users have it: a Redis, six worker processes with one slot each, and a process that adds jobs. */
import { Child } from './child.ts'
import { startRedis } from './redis.ts'
import { Stage, WORKERS, type System } from './system.ts'

/**
 * By default a dead worker's job is run again after half a minute at the earliest. These are as short as a worker with a
 * busy thread bears; they cost some commands a second.
 */
const QUICK = { lockDuration: 2000, stalledInterval: 1000 }

export const bullmq: System = systemOf({})
/** It finds dead workers early. */
export const quickBullmq: System = systemOf(QUICK)

function systemOf(settings: object): System {
  return { name: 'BullMQ', start: (workers = WORKERS) => start(settings, workers) }
}

async function start(settings: object, count: number): Promise<Stage> {
  const { connection, ...broker } = await startRedis()
  const workers = Array.from(
    { length: count },
    () => new Child('bullmq-worker.js', { connection, settings })
  )
  const stage = new Stage({
    workers,
    broker,
    submitter: () => new Child('bullmq-submitter.ts', { connection }),
    clean: () => Promise.resolve()
  })
  try {
    await Promise.all(workers.map(({ ready }) => ready))
    return stage
  } catch (error) {
    await stage.stop()
    throw error
  }
}
