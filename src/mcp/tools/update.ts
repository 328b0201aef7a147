/** The tool that reports on a claimed task while it is worked on. */
import { z } from 'zod'
import { tool, type Tool } from '../tool.ts'

const LINES_MAX = 100
const CHECKPOINT_LENGTH_MAX = 100_000

const input = z.strictObject({
  claim: z.string(),
  fraction: z.number().min(0).max(1).optional().describe('how far you are, 0 to 1'),
  message: z.string().optional().describe('what you are at, with the fraction'),
  checkpoint: z
    .string()
    .min(1)
    .max(CHECKPOINT_LENGTH_MAX)
    .optional()
    .describe(
      'where you stand, as text or JSON text: whoever does the task after you gets the last one'
    ),
  log: z.array(z.string()).max(LINES_MAX).optional().describe('lines for the log of the task')
})
const output = z.object({
  wanted: z.boolean().describe('false: stop; "finish" with the outcome "released"'),
  reason: z.string().nullable().describe('why nobody wants it any more'),
  draining: z
    .boolean()
    .describe('the node stops soon: finish what you have, claim nothing more here')
})

export const update: Tool = tool({
  name: 'update',
  title: 'Report on a claimed task',
  description:
    'Reports progress, log lines or a checkpoint of a task that you have claimed, or nothing at all, and returns ' +
    'whether the task is still wanted.',
  input,
  output,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
  async run({ claim, fraction, message, log, checkpoint }, { cluster, claims }) {
    return cluster.ask(async ({ workers }) => {
      if (log !== undefined) await workers.log(claim, log)
      if (checkpoint !== undefined) await workers.save(claim, checkpoint)
      const { cancelled, reason, draining } =
        fraction === undefined
          ? await workers.extend(claim)
          : await workers.progress(claim, fraction, message)
      const why = reason ?? claims.cancelled(claim)
      return { wanted: !cancelled && why === null, reason: why, draining }
    })
  }
})
