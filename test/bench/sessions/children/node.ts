/**
 * The node of this benchmark, alone in its cluster: a module handler, a local API for workers, and as many tasks as it is
 * asked for. Argument, as JSON: its options. Says over IPC when it is there, and what a run has cost it.
 */
import { fileURLToPath } from 'node:url'
import { startApi } from '../../../../src/api/server.ts'
import { createNode } from '../../../../src/create-node.ts'
import type { NodeOptions } from '../../../../src/node-options.ts'
import { MODULE_TYPE, type Cost, type Order, type Reply } from '../order.ts'

const POLL_MS = 5
const options = JSON.parse(process.argv[2] ?? '{}') as NodeOptions & { data: string }
const node = await createNode(options)
const handlers = fileURLToPath(new URL('handler.js', import.meta.url))
await node.registerTaskHandler(MODULE_TYPE, handlers)
await node.startWorker()
await startApi(node, options.data)

async function run(type: string, tasks: number): Promise<Cost> {
  const before = process.cpuUsage()
  const startedAt = performance.now()
  const submissions = Array.from({ length: tasks }, (_, n) => node.createTask(type, { n }))
  await Promise.all(submissions.map(async id => node.waitForTask(await id)))
  const { user, system } = process.cpuUsage(before)
  return { cpuMs: (user + system) / 1000, ms: performance.now() - startedAt }
}

function isThere(type: string): boolean {
  return node.nodes()[0]!.pools.some(({ types, external }) => external && types.includes(type))
}

async function answer(order: Order): Promise<Reply> {
  switch (order.kind) {
    case 'run':
      return run(order.type, order.tasks)
    case 'await':
      while (!isThere(order.type)) {
        await new Promise(resolve => setTimeout(resolve, POLL_MS))
      }
      return null
    case 'leave':
      await node.leave(0)
      return null
  }
}

process.on('message', (order: Order) => {
  void answer(order).then(value => {
    process.send?.({ value })
    if (order.kind === 'leave') process.disconnect()
  })
})
// oxlint-disable-next-line no-process-exit -- whoever asked is gone
process.once('disconnect', () => process.exit())
process.send?.({ value: null })
