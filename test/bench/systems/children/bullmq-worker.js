/** A worker of BullMQ with one slot. Argument, as JSON: `connection`, of its Redis; `settings` of the worker. */
import { Worker } from 'bullmq'
import { task } from './handler.js'
import { serve } from './serve.js'

const { connection, settings } = JSON.parse(process.argv[2] ?? '{}')
const options = { connection: { ...connection, maxRetriesPerRequest: null }, concurrency: 1 }
const worker = new Worker('bench', job => task(job.data), { ...options, ...settings })
worker.on('error', error => console.error(error))
await worker.waitUntilReady()
serve(null, { leave: () => worker.close(true), order: () => null })
