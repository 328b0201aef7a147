/** The tool that waits for tasks, for as long as a call may take. */
import { z } from 'zod'
import type { Client } from '../../api/client.ts'
import type { WaitLine } from '../../api/waits.ts'
import { errorOf } from '../../api/problem.ts'
import { WaitTimeoutError } from '../../shared/errors.ts'
import type { TaskView } from '../../node/api/node-api.ts'
import { cutJson, type Piece } from '../cut.ts'
import { tool, UNTRUSTED, type Tool } from '../tool.ts'
import { wordsOf } from '../words.ts'
import { brief, briefOf, textOf } from './shown.ts'

const IDS_MAX = 100
/** Clients give up on a call after a minute. */
const WAIT_MS_MAX = 45_000
/** Characters that all results together may have, beside what else is told. */
const RESULTS_LENGTH_MAX = 8000
/** Larger results are named, and not looked at: they are for "get". */
const RESULT_BYTES_MAX = 65_536

const input = z.strictObject({
  ids: z.array(z.string()).min(1).max(IDS_MAX),
  mode: z
    .enum(['all', 'any'])
    .default('all')
    .describe('"any" returns when the first of them has ended'),
  timeoutMs: z.int().min(0).max(WAIT_MS_MAX).default(WAIT_MS_MAX)
})
const ended = z.object({
  task: brief,
  result: z.string().nullable().describe('JSON text; its beginning, if isCut: "get" has the rest'),
  isCut: z.boolean()
})
const output = z.object({
  ended: z.array(ended),
  pending: z.array(z.string()),
  problems: z.array(z.object({ id: z.string(), problem: z.string() })),
  next: z.string().describe('what to do now')
})

/** Waits until tasks have settled, for as long as a call may take. */
export const wait: Tool = tool({
  name: 'wait',
  title: 'Wait for tasks',
  description:
    'Waits until tasks have completed, failed or were cancelled, and returns how each ended, with its result. ' +
    `Returns after ${WAIT_MS_MAX / 1000} s at the latest; call it again for those that are still pending. ${UNTRUSTED}`,
  input,
  output,
  annotations: { readOnlyHint: true },
  async run({ ids, mode, timeoutMs }, { cluster, signal }) {
    const unique = [...new Set(ids)]
    return cluster.ask(async client => {
      const tasks = new Map<string, TaskView>()
      const problems: { id: string; problem: string }[] = []
      const enough = new AbortController()
      const options = { timeoutMs, signal: AbortSignal.any([signal, enough.signal]) }
      for await (const answer of client.waitEach(linesOf(unique), options)) {
        const id = unique[answer.line] ?? ''
        if ('task' in answer) tasks.set(id, answer.task)
        else {
          const error = errorOf(answer)
          if (!(error instanceof WaitTimeoutError)) problems.push({ id, problem: wordsOf(error) })
        }
        if (mode === 'any' && tasks.size > 0) break
      }
      enough.abort()
      const pending = unique.filter(id => !tasks.has(id) && problems.every(one => one.id !== id))
      return {
        ended: await shown(client, [...tasks.values()]),
        pending,
        problems,
        next: nextOf(pending, mode)
      }
    })
  }
})

function nextOf(pending: readonly string[], mode: 'all' | 'any'): string {
  if (pending.length === 0) return 'all have ended'
  if (mode === 'any') return 'the others go on: wait for them when you need them'
  return `${pending.length} go on: call "wait" again with the pending ids, or do something else meanwhile`
}

async function shown(client: Client, tasks: readonly TaskView[]): Promise<z.infer<typeof ended>[]> {
  const each = Math.floor(RESULTS_LENGTH_MAX / Math.max(1, tasks.length))
  const all: z.infer<typeof ended>[] = []
  for (const task of tasks) {
    const { text, next } = await resultOf(client, task, each)
    all.push({ task: briefOf(task), result: text, isCut: next !== null })
  }
  return all
}

async function resultOf(
  client: Client,
  task: TaskView,
  lengthMax: number
): Promise<{ text: string | null; next: Piece['next'] }> {
  const { result, resultBlob } = task
  if (resultBlob !== null && resultBlob.bytes > RESULT_BYTES_MAX) return { text: '', next: 0 }
  const text = await textOf(client, result, resultBlob)
  return text === null ? { text, next: null } : cutJson(text, lengthMax)
}

// oxlint-disable-next-line typescript/require-await -- ids may come as slowly as they like; these are there
async function* linesOf(ids: readonly string[]): AsyncGenerator<WaitLine> {
  for (const [line, id] of ids.entries()) yield { line, id }
}
