/** The tool that shows one task: values of any size come in pieces. */
import { z } from 'zod'
import { InvalidOptionError } from '../../shared/errors.ts'
import type { TaskView } from '../../node/api/node-api.ts'
import { cutJson } from '../cut.ts'
import { tool, UNTRUSTED, type Tool } from '../tool.ts'
import { textOf } from './shown.ts'

/** Characters of the payload and of the result, each, in one answer. */
const VALUE_LENGTH_MAX = 6000

const input = z.strictObject({
  id: z.string().describe('the id, or any unambiguous part of it'),
  cursor: z.string().optional().describe('goes on with a payload or result that was cut')
})
const output = z.object({
  task: z.json().describe('all but payload and result; null after a cursor'),
  payload: z.string().nullable().describe('JSON text'),
  payloadCursor: z.string().nullable().describe('gives the rest of the payload; null: that is all'),
  result: z.string().nullable().describe('JSON text'),
  resultCursor: z.string().nullable().describe('gives the rest of the result; null: that is all'),
  why: z.string().describe('why it does not run, or how it ended')
})

/** One task, whole. */
export const get: Tool = tool({
  name: 'get',
  title: 'Look at a task',
  description: `Shows one task: state, attempts, options, error, payload, result, and why it does not run if it does not. ${UNTRUSTED}`,
  input,
  output,
  annotations: { readOnlyHint: true },
  async run({ id, cursor }, { cluster }) {
    const from = placeOf(cursor)
    return cluster.ask(async client => {
      const task = await client.get(id)
      const part = async (which: 'payload' | 'result'): Promise<[string | null, string | null]> => {
        if (from !== null && from.which !== which) return [null, null]
        const text = await textOf(client, task[which], task[`${which}Blob`])
        if (text === null) return [null, null]
        const piece = cutJson(text, VALUE_LENGTH_MAX, from?.at ?? 0)
        return [piece.text, piece.next === null ? null : `${which}:${piece.next}`]
      }
      const [payload, payloadCursor] = await part('payload')
      const [result, resultCursor] = await part('result')
      const { words } = await client.why(task.id)
      return {
        task: from === null ? rest(task) : null,
        payload,
        payloadCursor,
        result,
        resultCursor,
        why: words
      }
    })
  }
})

function placeOf(cursor: string | undefined): { which: 'payload' | 'result'; at: number } | null {
  if (cursor === undefined) return null
  const [, which, at] = /^(payload|result):(\d{1,9})$/.exec(cursor) ?? []
  if (which === undefined) {
    throw new InvalidOptionError(
      `"${cursor}" is no cursor of "get": give one that it returned, or none`
    )
  }
  return { which: which as 'payload' | 'result', at: Number(at) }
}

/** Stacks of errors and long lists of dependencies are for people. */
function rest(task: TaskView): z.core.util.JSONType {
  const { payload: _p, result: _r, error, dependsOn, ...others } = task
  return {
    ...others,
    error: error === null ? null : { name: error.name, message: error.message },
    dependsOn: dependsOn.slice(0, 50),
    dependencies: dependsOn.length
  } as z.core.util.JSONType
}
