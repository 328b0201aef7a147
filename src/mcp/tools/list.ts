/** The tool that lists tasks, newest first. */
import { z } from 'zod'
import { TASK_STATES } from '../../shared/names.ts'
import { tool, UNTRUSTED, type Tool } from '../tool.ts'
import { brief, briefOf } from './shown.ts'

const input = z.strictObject({
  state: z.enum(TASK_STATES).optional(),
  type: z.string().optional(),
  tag: z.string().optional(),
  node: z.string().optional().describe('name of the node that holds the task'),
  ref: z.string().optional().describe('what their submitter calls them'),
  q: z.string().optional().describe('words in id, type, ref, key, tags, node or error'),
  limit: z.int().min(1).max(40).default(20),
  cursor: z.string().optional().describe('goes on where an earlier answer ended')
})
const output = z.object({
  tasks: z.array(brief),
  matched: z.number().describe('how many there are in all'),
  cursor: z.string().nullable().describe('gives the next ones; null: these were the last')
})

/** Tasks, newest first. */
export const list: Tool = tool({
  name: 'list',
  title: 'List tasks',
  description: `Lists tasks of the whole cluster, newest first, without their payloads and results. ${UNTRUSTED}`,
  input,
  output,
  annotations: { readOnlyHint: true },
  async run({ limit, ...filter }, { cluster }) {
    const given = Object.entries(filter).filter(([, value]) => value !== undefined)
    const query = { ...Object.fromEntries(given), limit }
    const { rows, matched, cursor } = await cluster.ask(client => client.page(query))
    return { tasks: rows.map(briefOf), matched, cursor }
  }
})
