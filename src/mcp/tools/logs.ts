/** The tool that shows what a task has printed and logged, in pieces. */
import { z } from 'zod'
import type { LogEntry } from '../../node/api/node-api.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { cutJson } from '../cut.ts'
import { tool, UNTRUSTED, type Tool } from '../tool.ts'

/** Characters of one answer. */
const LENGTH_MAX = 16_000

const input = z.strictObject({
  id: z.string().describe('the id, or any unambiguous part of it'),
  end: z.boolean().default(false).describe('the last lines instead of the first ones'),
  cursor: z.string().optional().describe('goes on where an earlier answer ended')
})
const output = z.object({
  text: z.string(),
  cursor: z
    .string()
    .nullable()
    .describe('gives what comes next, or has come since; null: the log ends here for now')
})

/** What a task has printed and logged. */
export const logs: Tool = tool({
  name: 'logs',
  title: 'Read the output of a task',
  description: `Shows what the runs of a task have printed and logged so far, on whichever node. ${UNTRUSTED}`,
  input,
  output,
  annotations: { readOnlyHint: true },
  async run({ id, end, cursor }, { cluster, signal }) {
    const from = cursor === undefined ? 0 : Number(cursor)
    if (cursor !== undefined && !/^\d{1,9}$/.test(cursor)) {
      throw new InvalidOptionError(
        `"${cursor}" is no cursor of "logs": give one that it returned, or none`
      )
    }
    const text = await cluster.ask(client => textOf(client.logs(id, false, signal)))
    if (end && cursor === undefined) return { text: lastOf(text), cursor: null }
    const { text: piece, next } = cutJson(text, LENGTH_MAX, from)
    return { text: piece, cursor: next === null ? null : String(next) }
  }
})

async function textOf(entries: AsyncIterable<LogEntry>): Promise<string> {
  const pieces: string[] = []
  let attempt = 0
  for await (const entry of entries) {
    if (entry.attempt !== attempt)
      pieces.push(`--- attempt ${entry.attempt} on ${entry.node ?? 'an unknown node'}\n`)
    attempt = entry.attempt
    pieces.push(entry.text)
  }
  return pieces.join('')
}

function lastOf(text: string): string {
  const piece = text.slice(-LENGTH_MAX)
  // As JSON it may be longer than it is.
  return cutJson(piece, LENGTH_MAX, Math.max(0, JSON.stringify(piece).length - 2 - LENGTH_MAX)).text
}
