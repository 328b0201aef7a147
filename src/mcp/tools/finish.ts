/** The tool that ends a claimed task. */
import { z } from 'zod'
import { InvalidOptionError } from '../../shared/errors.ts'
import { tool, type Tool } from '../tool.ts'

const input = z.strictObject({
  claim: z.string(),
  outcome: z
    .enum(['completed', 'failed', 'released'])
    .describe('released: given back for somebody else to do, as if you had never claimed it'),
  result: z.json().optional().describe('of a completed task: any JSON. Default: null'),
  error: z
    .strictObject({ name: z.string().default('AgentError'), message: z.string().min(1) })
    .optional()
    .describe('of a failed task: why'),
  retryable: z
    .boolean()
    .optional()
    .describe('whether a failed task may be tried again. Default: true'),
  retryAfterMs: z
    .int()
    .min(0)
    .optional()
    .describe('it came too early: again after this time, uses no retry')
})
const output = z.object({ outcome: z.string() })

export const finish: Tool = tool({
  name: 'finish',
  title: 'Finish a claimed task',
  description:
    'Ends a task that you have claimed: completed with its result, failed with an error, or given back. ' +
    'The same end told twice is no mistake.',
  input,
  output,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
  async run({ claim, outcome, result, error, retryable, retryAfterMs }, { cluster }) {
    if ((outcome === 'failed') !== (error !== undefined)) {
      throw new InvalidOptionError('an error belongs to the outcome "failed", and to no other')
    }
    if (outcome !== 'completed' && result !== undefined) {
      throw new InvalidOptionError('a result belongs to the outcome "completed", and to no other')
    }
    if (outcome !== 'failed' && (retryable ?? retryAfterMs) !== undefined) {
      throw new InvalidOptionError('"retryable" and "retryAfterMs" belong to the outcome "failed"')
    }
    await cluster.ask(async ({ workers }) => {
      if (outcome === 'completed') await workers.complete(claim, JSON.stringify(result ?? null))
      else if (error === undefined) await workers.release(claim)
      else {
        await workers.fail(claim, {
          error,
          ...(retryable === undefined ? {} : { retryable }),
          ...(retryAfterMs === undefined ? {} : { retryAfterMs })
        })
      }
    })
    return { outcome }
  }
})
