/**
 * What routes need to read a request and to answer in lines: nothing here knows a question.
 */
import type { HonoRequest } from 'hono'
import type { z } from 'zod'
import { InvalidOptionError } from '../shared/errors.ts'
import { jsonFault, parseJson, utf8Text } from '../shared/json/json-text.ts'

/** A list or a stream: one object a line. */
export function ndjson(body: ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: { 'content-type': 'application/x-ndjson' } })
}

/** @throws InvalidOptionError */
export function parse(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw new InvalidOptionError(`the request ${jsonFault(error)}`)
  }
}

/**
 * The body of a request, as JSON. No body is an empty object: of many questions all is optional.
 *
 * @throws InvalidOptionError
 */
export async function bodyOf(request: Pick<HonoRequest, 'arrayBuffer'>): Promise<unknown> {
  const bytes = new Uint8Array(await request.arrayBuffer())
  let text: string
  try {
    text = utf8Text(bytes)
  } catch (error) {
    throw new InvalidOptionError(`the request ${jsonFault(error)}`)
  }
  return text === '' ? {} : parse(text)
}

/** @throws InvalidOptionError */
export function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  const { path, message } = error.issues[0] as z.core.$ZodIssue
  throw new InvalidOptionError(`${path.join('.') || 'request'}: ${message}`)
}
