/**
 * Ends of leases, a line each in one request that may stay open, and an answer to each in their order. A request for
 * each end costs a node more than a short task does.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { addAbortSignal } from 'node:stream'
import { z } from 'zod'
import type { LeaseFailure, LeaseResult, WorkersApi } from '../../node/api/node-api.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { linesOf, textLine } from '../answer-stream.ts'
import { problemOf, type Problem } from '../problem.ts'
import { check, parse } from '../request.ts'
import { blobRef } from '../routes/contents.ts'
import { LinesOut } from './lines-out.ts'

export const completion: z.ZodType<LeaseResult> = z.union([
  z.strictObject({ result: z.unknown() }),
  z.strictObject({ resultBlob: blobRef })
])
export const failure: z.ZodType<LeaseFailure> = z.strictObject({
  error: z.strictObject({ name: z.string(), message: z.string() }),
  retryable: z.boolean().exactOptional(),
  retryAfterMs: z.int().exactOptional()
})

/** How a lease ends: what would be the body of a request of that name. */
export type EndLine = { lease: string } & (
  | { complete: LeaseResult }
  | { fail: LeaseFailure }
  | { release: Record<string, never> }
)

export const endLine: z.ZodType<EndLine> = z.union([
  z.strictObject({ lease: z.string(), complete: completion }),
  z.strictObject({ lease: z.string(), fail: failure }),
  z.strictObject({ lease: z.string(), release: z.strictObject({}) })
])

/** Answers that wait for a client that does not read. It is not heard further until it has read. */
const UNREAD_MAX = 1024

/** It is taken, now or before; with `error`: it is not. */
export type EndAnswer = { v: 1; lease: string } | ({ lease: string } & Problem)

/**
 * Takes ends until the request does. What is no end of a lease is a problem, and the last line.
 *
 * @param closing aborted when the API closes: the connection breaks then
 */
export async function answerEnds(
  workers: WorkersApi,
  { incoming, outgoing }: Readonly<{ incoming: IncomingMessage; outgoing: ServerResponse }>,
  closing: AbortSignal
): Promise<void> {
  addAbortSignal(closing, incoming)
  const answers: string[] = []
  let isOver = false
  let wake = (): void => {}
  outgoing.once('close', () => wake())
  const take = (): string | null => {
    const answer = answers.shift() ?? null
    wake()
    return answer
  }
  const out = new LinesOut(outgoing, take, () => isOver)
  try {
    for await (const line of linesOf(textOf(incoming))) {
      answers.push(textLine(await answerOf(workers, check(endLine, parse(line)))))
      out.look()
      while (answers.length >= UNREAD_MAX && !outgoing.destroyed) {
        await new Promise<void>(resolve => (wake = resolve))
      }
    }
  } catch (error) {
    // Nobody is there to hear it if the connection is broken.
    answers.push(textLine(problemOf(error).problem))
  }
  isOver = true
  out.look()
}

async function answerOf(workers: WorkersApi, end: EndLine): Promise<EndAnswer> {
  const { lease } = end
  try {
    if ('complete' in end) await workers.complete(lease, end.complete)
    else if ('fail' in end) workers.fail(lease, end.fail)
    else workers.release(lease)
    return { v: 1, lease }
  } catch (error) {
    return { ...problemOf(error).problem, lease }
  }
}

async function* textOf(incoming: IncomingMessage): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const bytes of incoming) {
    try {
      yield decoder.decode(bytes as Buffer, { stream: true })
    } catch {
      throw new InvalidOptionError('the request is not UTF-8')
    }
  }
}
