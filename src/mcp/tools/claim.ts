/** The tool that claims a task: the agent does what a handler would do. */
import { z } from 'zod'
import type { Client } from '../../api/client.ts'
import type { BlobRef, LeasedTask } from '../../node/api/node-api.ts'
import { assertMayClaim } from '../allowed.ts'
import { cutJson } from '../cut.ts'
import { tool, UNTRUSTED, type Tool } from '../tool.ts'
import { textOf } from './shown.ts'

const TYPES_MAX = 32
/** Clients give up on a call after a minute. */
const WAIT_MS_MAX = 45_000
/** Characters of the payload, and of all results of dependencies together. */
const PAYLOAD_LENGTH_MAX = 8000
const DEPENDENCIES_LENGTH_MAX = 6000
const CHECKPOINT_LENGTH_MAX = 8000

const value = z.string().nullable().describe('JSON text')
const isCut = z.boolean().describe('it is longer: "get" with the id of its task has the rest')

const input = z.strictObject({
  types: z.array(z.string()).min(1).max(TYPES_MAX).describe('types of tasks that you can do'),
  waitMs: z.int().min(0).max(WAIT_MS_MAX).default(WAIT_MS_MAX)
})
const task = z.object({
  id: z.string(),
  type: z.string(),
  attempt: z.number().describe('which run of the task this is, from 1'),
  timeoutMs: z.number().nullable().describe('how long this run may take'),
  deadline: z.string().nullable().describe('until when the task has to have ended'),
  payload: value,
  isCut,
  checkpoint: z
    .string()
    .nullable()
    .describe(
      'where whoever had the task before you stood, as they saved it; null: begin at the beginning'
    ),
  isCheckpointCut: z.boolean(),
  dependencies: z.array(z.object({ id: z.string(), result: value, isCut }))
})
const output = z.object({
  claim: z.string().nullable().describe('for "update" and "finish"; null: no task came in time'),
  task: task.nullable(),
  next: z.string().describe('what to do now')
})

export const claim: Tool = tool({
  name: 'claim',
  title: 'Claim a task',
  description:
    'Claims one task of the cluster for you to do: it is yours until you "finish" it. Report with "update" now and ' +
    `then: it also says when nobody wants the task any more. Returns after ${WAIT_MS_MAX / 1000} s at the latest, ` +
    `with no task if none came; call it again then. ${UNTRUSTED}`,
  input,
  output,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  async run({ types, waitMs }, { cluster, claims, permissions, signal }) {
    for (const type of types) assertMayClaim(type, permissions)
    return cluster.ask(async client => {
      const leased = await claims.claim(client, types, waitMs, signal)
      if (leased === null) {
        return {
          claim: null,
          task: null,
          next: 'no task came: call "claim" again, or do something else'
        }
      }
      return {
        claim: leased.lease,
        task: await shown(client, leased),
        next: 'do the task, then call "finish" with the claim'
      }
    })
  }
})

async function shown(client: Client, leased: LeasedTask): Promise<z.infer<typeof task>> {
  const { task: id, type, attempt, timeoutMs, deadline, payload, payloadBlob } = leased
  const given = await cut(client, payload, payloadBlob, PAYLOAD_LENGTH_MAX)
  const checkpoint = await cut(client, null, leased.checkpointBlob ?? null, CHECKPOINT_LENGTH_MAX)
  const all = Object.entries(leased.dependencies)
  const each = Math.floor(DEPENDENCIES_LENGTH_MAX / Math.max(1, all.length))
  const dependencies: z.infer<typeof task>['dependencies'] = []
  for (const [of, { result, resultBlob }] of all) {
    const piece = await cut(client, result, resultBlob, each)
    dependencies.push({ id: of, result: piece.text, isCut: piece.isCut })
  }
  return {
    id,
    type,
    attempt,
    timeoutMs,
    deadline,
    payload: given.text,
    isCut: given.isCut,
    checkpoint: (leased.checkpointBlob ?? null) === null ? null : checkpoint.text,
    isCheckpointCut: checkpoint.isCut,
    dependencies
  }
}

async function cut(
  client: Client,
  value: unknown,
  blob: BlobRef | null,
  lengthMax: number
): Promise<{ text: string | null; isCut: boolean }> {
  const text = await textOf(client, value, blob)
  if (text === null) return { text, isCut: false }
  const piece = cutJson(text, lengthMax)
  return { text: piece.text, isCut: piece.next !== null }
}
