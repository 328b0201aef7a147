/**
 * A node of a trial, in a process of its own. Argument: its options as JSON. It runs tasks of the type `late`, and tells
 * over IPC when it began, when it ran its first task, when it was in sync, and what it has.
 */
import { createNode } from '../../../src/create-node.ts'
import type { NodeOptions } from '../../../src/node-options.ts'
import type { Report } from '../trial-node.ts'

const LOOK_MS = 50

const node = await createNode(JSON.parse(process.argv[2] ?? '{}') as NodeOptions)
const openedAt = Date.now()
let ranAt: number | null = null
let syncedAt: number | null = null
let runs = 0
node.registerTaskHandler('late', () => {
  runs++
  ranAt ??= Date.now()
  return null
})
await node.startWorker()
setInterval(() => {
  const others = node.nodes().filter(({ self, connected }) => !self && connected)
  if (others.length > 0 && others.every(({ synced }) => synced)) syncedAt ??= Date.now()
}, LOOK_MS).unref()

process.on('message', () => {
  const ids = [...node.tasks()].map(({ id }) => id)
  // In KiB.
  const peakRssBytes = process.resourceUsage().maxRSS * 1024
  const report: Report = { openedAt, ranAt, syncedAt, runs, ids, peakRssBytes }
  process.send?.(report)
})
process.send?.(null)
