/** The tool that lists tasks, newest first. */
import { z } from 'zod'
import { TASK_STATES } from '../../shared/names.ts'
import { tool, UNTRUSTED, type Tool } from '../tool.ts'
import { brief, briefOf, type Brief } from './shown.ts'

const input = z.strictObject({
  state: z.enum(TASK_STATES).optional(),
  type: z.string().optional(),
  tag: z.string().optional(),
  node: z.string().optional().describe('name of the node that holds the task'),
  limit: z.int().min(1).max(40).default(20)
})
const output = z.object({ tasks: z.array(brief) })

/** Tasks, newest first. */
export const list: Tool = tool({
  name: 'list',
  title: 'List tasks',
  description: `Lists tasks of the whole cluster, newest first, without their payloads and results. ${UNTRUSTED}`,
  input,
  output,
  annotations: { readOnlyHint: true },
  async run(filter, { cluster }) {
    return cluster.ask(async client => {
      const tasks: Brief[] = []
      const given = Object.entries(filter).filter(([, value]) => value !== undefined)
      for await (const task of client.list(Object.fromEntries(given))) tasks.push(briefOf(task))
      return { tasks }
    })
  }
})
