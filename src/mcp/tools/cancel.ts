/** The tool that cancels tasks. */
import { z } from 'zod'
import { tool, type Tool } from '../tool.ts'
import { each, ids } from './many.ts'

const output = z.object({
  tasks: z.array(
    z.object({
      id: z.string(),
      status: z
        .string()
        .nullable()
        .describe(
          'how it has ended, or "requested": it will be cancelled when its node hears of it'
        ),
      problem: z.string().nullable()
    })
  )
})

/** Cancels tasks, in whatever state they are. */
export const cancel: Tool = tool({
  name: 'cancel',
  title: 'Cancel tasks',
  description:
    'Cancels tasks, also running ones, whoever submitted them. What a run has done already is not undone. ' +
    'Tasks that depend on a cancelled one are cancelled, too.',
  input: z.strictObject({ ids }),
  output,
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  async run(input, { cluster }) {
    const told = await each(
      input.ids,
      async id => (await cluster.ask(client => client.cancel(id))).status
    )
    return { tasks: told.map(({ id, done, problem }) => ({ id, status: done, problem })) }
  }
})
