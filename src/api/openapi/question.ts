/**
 * What a question of the local API is made of, said once: by the schemas that check a request, and by words and schemas
 * for its answers. From the same value a request is checked (service.ts) and the document is made (document.ts).
 */
import { z } from 'zod'
import type { ProblemName } from '../problem.ts'

export type Answer = Readonly<{
  status: 200 | 201 | 204
  what: string
  /** `lines`: one JSON object a line. `nothing`: no body. */
  as: 'json' | 'lines' | 'text' | 'bytes' | 'nothing'
  shape?: z.ZodType
}>

/** The body of a request: JSON that is checked as a whole, or what is read as it comes. */
export type Body<T> =
  | Readonly<{ as: 'json'; schema: z.ZodType<T>; bytesMax: number }>
  /** Its handler reads it. `shape`: what each line of it holds, where it comes in lines. */
  | Readonly<{ as: 'lines' | 'bytes'; what: string; shape?: z.ZodType; bytesMax?: number }>

export type Question<Query = unknown, Given = unknown> = Readonly<{
  /** A sentence without its full stop. */
  summary: string
  /** What the parts of the path stand for, by name. @default `part` is the id of a task, or a part of it */
  params?: Readonly<Record<string, string>>
  /** @default no query at all */
  query?: z.ZodType<Query>
  /** @default none is read */
  body?: Body<Given>
  answers: readonly Answer[]
  /** Which problems it may be answered with, beside those that any question may. @default none */
  problems?: readonly ProblemName[]
}>

/** Schemas of what `--json` prints, which are files of the package (config/schemas) and the same here. */
export const PUBLISHED = [
  'task',
  'task-row',
  'node',
  'status',
  'submitted',
  'event',
  'cancelled',
  'bulk',
  'why',
  'state-loaded',
  'reloaded'
] as const

/** A value that keeps to a schema of that name in config/schemas. It is not checked here. */
export function published(name: (typeof PUBLISHED)[number]): z.ZodType {
  return z.unknown().meta({ $ref: `#/components/schemas/${name}` })
}

/** An answer of one value. */
export function json(shape: z.ZodType, what: string, status: 200 | 201 = 200): Answer {
  return { status, what, as: 'json', shape }
}

/** An answer of any number of values, one a line. */
export function lines(shape: z.ZodType, what: string): Answer {
  return { status: 200, what, as: 'lines', shape }
}
