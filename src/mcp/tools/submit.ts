/** The tool that submits tasks, one or many, which may depend on each other by names of their own. */
import { z } from 'zod'
import type { BatchLine } from '../../api/batch.ts'
import { errorOf } from '../../api/problem.ts'
import { InvalidOptionError, NotReplicatedError } from '../../shared/errors.ts'
import { assertMaySubmit } from '../allowed.ts'
import { tool, type Context, type Tool } from '../tool.ts'
import { wordsOf } from '../words.ts'
import { inOrder } from './refs.ts'

/** Guess: more tasks are hardly written by hand, and an answer has room for their ids. */
const TASKS_MAX = 200

const duration = z.union([z.int().min(0), z.string()])
const conditions = z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())]))

const task = z.strictObject({
  type: z
    .string()
    .describe(
      'which handler runs it, such as "summarise"; "status" shows which types nodes can run'
    ),
  payload: z.json().optional().describe('what the handler gets; any JSON. Default: null'),
  ref: z
    .string()
    .optional()
    .describe('a name of your own, by which other tasks of this call may depend on it'),
  dependsOn: z
    .array(z.string())
    .optional()
    .describe('ids of tasks that have to complete first, or "ref:NAME" for a task of this call'),
  onDependencyFailure: z.enum(['cancel', 'run']).optional(),
  priority: z.int().min(1).max(10).optional().describe('10 first. Default: 5'),
  maxRetries: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe('further attempts after a failed one. Default: 3'),
  timeout: duration.optional().describe('bound on one attempt: ms, or text such as "30s"'),
  deadline: duration
    .optional()
    .describe('bound from now until it has ended: ms, or text such as "5m"'),
  delay: duration.optional().describe('it is not started before that: ms, or text such as "5m"'),
  runAt: z.string().optional().describe('it is not started before this time, RFC 3339'),
  labels: z
    .strictObject({ require: conditions.optional(), prefer: conditions.optional() })
    .optional()
    .describe('what it asks of the labels of nodes, such as {"require": {"gpu": "1"}}'),
  idempotencyKey: z
    .string()
    .optional()
    .describe('submissions under one key are one task: give it where a call might be repeated'),
  delivery: z.enum(['at-least-once', 'at-most-once']).optional(),
  retention: duration.optional().describe('how long it is kept after it has ended'),
  tags: z.array(z.string()).optional().describe('to find it by with "list"')
})
type TaskToSubmit = z.infer<typeof task>

const input = z.strictObject({ tasks: z.array(task).min(1).max(TASKS_MAX) })
const output = z.object({
  tasks: z.array(
    z.object({
      id: z.string(),
      ref: z.string().nullable(),
      /** It was there already, under its idempotency key. */
      deduplicated: z.boolean(),
      warnings: z.array(z.string())
    })
  )
})
type Accepted = z.infer<typeof output>['tasks'][number]

/** Submits tasks, one or many, which may depend on each other. */
export const submit: Tool = tool({
  name: 'submit',
  title: 'Submit tasks',
  description:
    'Submits one or many tasks to the cluster; any node that can runs them. Returns their ids when they are accepted, ' +
    'in the order given. They outlive this conversation: "wait" for them, or "get" them later. ' +
    'If one is refused, nothing after it is submitted, and the error names those that were.',
  input,
  output,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  async run({ tasks }, context) {
    for (const { type } of tasks) assertMaySubmit(type, context.permissions)
    const accepted: Accepted[] = []
    const ids = new Map<string, string>()
    for (const wave of inOrder(tasks)) {
      const lines = wave.map(index => lineOf(tasks[index]!, index, ids))
      for (const [index, one] of await submitted(lines, tasks, accepted, context)) {
        accepted[index] = one
        if (one.ref !== null) ids.set(one.ref, one.id)
      }
    }
    return { tasks: accepted }
  }
})

function lineOf(given: TaskToSubmit, line: number, ids: ReadonlyMap<string, string>): BatchLine {
  const { type, payload = null, ref: _, dependsOn = [], ...options } = given
  const full = dependsOn.map(id => (id.startsWith('ref:') ? (ids.get(id.slice(4)) ?? id) : id))
  return { line, type, payload, options: { ...options, dependsOn: full } }
}

/** @throws InvalidOptionError which one was refused, why, and what has been accepted all the same */
async function submitted(
  lines: readonly BatchLine[],
  tasks: readonly TaskToSubmit[],
  before: readonly Accepted[],
  { cluster }: Context
): Promise<Map<number, Accepted>> {
  const accepted = new Map<number, Accepted>()
  const refusals: string[] = []
  await cluster.ask(async client => {
    for await (const answer of client.submitMany(given(lines))) {
      const { line } = answer
      const ref = tasks[line]?.ref ?? null
      const error = 'error' in answer ? errorOf(answer) : null
      if (error instanceof NotReplicatedError) {
        accepted.set(line, {
          id: error.taskId,
          ref,
          deduplicated: false,
          warnings: [error.message]
        })
      } else if (error !== null) {
        refusals.push(`task ${line} (${tasks[line]?.type}) was refused: ${wordsOf(error)}`)
      } else if ('id' in answer) {
        const { id, deduplicated, warnings } = answer
        accepted.set(line, { id, ref, deduplicated, warnings })
      }
    }
  })
  const [refusal] = refusals
  if (refusal === undefined) return accepted
  const stand = [...before, ...accepted.values()].filter(Boolean).map(({ id }) => id)
  const rest = stand.length === 0 ? 'none was submitted' : `submitted: ${stand.join(', ')}`
  throw new InvalidOptionError(`${refusal}; ${rest}`)
}

// oxlint-disable-next-line typescript/require-await -- what is sent may come as slowly as it likes; this is there
async function* given(lines: readonly BatchLine[]): AsyncGenerator<BatchLine> {
  yield* lines
}
