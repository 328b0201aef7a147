/**
 * What routes need to read a request and to answer in lines: nothing here knows a question.
 */
import type { z } from 'zod'
import { InvalidOptionError } from '../shared/errors.ts'

/** A list or a stream: one object a line. */
export function ndjson(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } })
}

/** @throws InvalidOptionError */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InvalidOptionError(`the request is no JSON: ${(error as Error).message}`)
  }
}

/** @throws InvalidOptionError */
export function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const { path, message } = error.issues[0] as z.core.$ZodIssue
  throw new InvalidOptionError(`${path.join('.') || 'request'}: ${message}`)
}
