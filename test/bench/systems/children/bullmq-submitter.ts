/** A process that adds jobs, and waits for their results. Argument, as JSON: `connection`, of its Redis. */
import { Queue, QueueEvents } from 'bullmq'
import { drive } from '../drive.ts'
import type { Ran } from '../order.ts'

/** Jobs that one `addBulk` adds, in one transaction. */
const BULK = 1000
/** More than the events of all jobs of a run: what is cut off before it is read is a result that never comes. */
const EVENTS_KEPT = 200_000

const { connection: address } = JSON.parse(process.argv[2] ?? '{}') as {
  connection: { host: string; port: number }
}
const connection = { ...address, maxRetriesPerRequest: null }
const queue = new Queue('bench', { connection, streams: { events: { maxLen: EVENTS_KEPT } } })
// From its beginning: by default a completion before the first read is missed.
const events = new QueueEvents('bench', { connection, lastEventId: '0-0' })
await Promise.all([queue.waitUntilReady(), events.waitUntilReady()])
let listener: (ran: Ran) => void = () => {}
events.on('error', error => console.error(error))
events.on('completed', ({ returnvalue }) => {
  const value = returnvalue as unknown
  listener((typeof value === 'string' ? JSON.parse(value) : value) as Ran)
})

drive({
  run: async task => (await queue.add('task', task)).waitUntilFinished(events) as Promise<Ran>,
  runAll: async (tasks, onRan) => {
    const missing = new Set(tasks.map(({ id }) => id))
    const all = Promise.withResolvers<void>()
    listener = ran => {
      if (!missing.delete(ran.id)) return
      onRan(ran)
      if (missing.size === 0) all.resolve()
    }
    for (let i = 0; i < tasks.length; i += BULK) {
      await queue.addBulk(tasks.slice(i, i + BULK).map(data => ({ name: 'task', data })))
    }
    await all.promise
  },
  leave: async () => {
    await events.close()
    await queue.close()
  }
})
