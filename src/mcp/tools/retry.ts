/** The tool that tries tasks again that have failed or were cancelled. */
import { z } from 'zod'
import { assertMaySubmit } from '../allowed.ts'
import { tool, type Tool } from '../tool.ts'
import { each, ids } from './many.ts'

const output = z.object({
  tasks: z.array(
    z.object({
      id: z.string(),
      copy: z.string().nullable().describe('the id of the new task'),
      problem: z.string().nullable()
    })
  )
})

/** Submits copies of tasks that have failed or were cancelled. */
export const retry: Tool = tool({
  name: 'retry',
  title: 'Try tasks again',
  description:
    'Submits a copy of each task that has failed or was cancelled, and returns the ids of the copies. ' +
    'Look at why they failed first: the same task usually fails the same way.',
  input: z.strictObject({ ids }),
  output,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  async run(input, { cluster, permissions }) {
    const told = await each(input.ids, id =>
      cluster.ask(async client => {
        const task = await client.get(id)
        assertMaySubmit(task.type, permissions)
        return (await client.retry(task.id)).id
      })
    )
    return { tasks: told.map(({ id, done, problem }) => ({ id, copy: done, problem })) }
  }
})
