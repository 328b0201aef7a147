/** The tool that shows the cluster in brief. */
import { z } from 'zod'
import { tool, type Tool } from '../tool.ts'

/** Nodes, and types of each, that one answer has room for. */
const NODES_MAX = 50
const TYPES_MAX = 20

const output = z.object({
  cluster: z.string(),
  node: z.string().describe('the node that was asked'),
  quorum: z.boolean(),
  tasks: z.record(z.string(), z.number()).describe('how many are in each state'),
  slots: z.object({ total: z.number(), running: z.number() }),
  nodes: z.array(
    z.object({
      name: z.string().nullable(),
      status: z.string().nullable(),
      connected: z.boolean(),
      draining: z.boolean(),
      slots: z.number(),
      running: z.number(),
      queued: z.number(),
      types: z.array(z.string()).describe('of tasks that it can run'),
      labels: z.record(z.string(), z.string())
    })
  ),
  more: z.number().describe('nodes that are not shown')
})

/** The cluster in brief. */
export const status: Tool = tool({
  name: 'status',
  title: 'Look at the cluster',
  description:
    'Shows the cluster: its nodes, which types of tasks each can run, free slots, and how many tasks are in which state.',
  input: z.strictObject({}),
  output,
  annotations: { readOnlyHint: true },
  async run(_, { cluster }) {
    return cluster.ask(async client => {
      const [status, nodes] = await Promise.all([client.status(), client.nodes()])
      const { cluster: name, node, quorum, tasks, slots } = status
      return {
        cluster: name,
        node,
        quorum,
        tasks,
        slots,
        nodes: nodes.slice(0, NODES_MAX).map(one => ({
          name: one.name,
          status: one.status,
          connected: one.connected,
          draining: one.draining,
          slots: one.slots,
          running: one.running,
          queued: one.queued,
          types: one.handlers.slice(0, TYPES_MAX),
          labels: one.labels
        })),
        more: Math.max(0, nodes.length - NODES_MAX)
      }
    })
  }
})
