/**
 * What a worker thread says to the node, and the one place where that is read.
 *
 * A handler can do anything in its thread, also to the program that it shares the thread with: replace
 * `JSON.stringify`, or get hold of the port. So nothing that comes out of a thread is believed for being there. It has
 * one of the forms below, within the bounds of what a task's record can carry, or it is refused.
 *
 * Measured, on a busy computer: 0.8 us for a line of output, 2 us for the end of a run with a small result, 8 us with
 * one of 8 KiB.
 */
import { z } from 'zod'
import type { RunResult } from '../../core/input.ts'
import type { BlobRef } from '../../core/task/content.ts'
import { TASK_LIMITS } from '../../core/options.ts'
import { ANY_BLOB, BLOB } from '../../core/task/shapes.ts'
import { OUTPUT_LIMITS, OUTPUT_STREAMS, type OutputStream } from '../../core/message.ts'
import { PIECE_BYTES_MAX } from '../printing/run-output.ts'
import {
  CODE_BYTES_MAX,
  CODE_FILES_MAX,
  CODE_FORMATS,
  type ReadCode
} from '../code/handler-code.ts'

export type FromThread =
  | Readonly<{
      kind: 'listed'
      types: readonly string[]
      hasDefault: boolean
      /** Handlers of `types` that come with a schema; the default export among them as `default`. */
      withSchema: readonly string[]
      /** What had to be read for it. */
      code: ReadCode
    }>
  /** One of the `suspects` cannot be parsed, if there are any: paths of modules. */
  | Readonly<{ kind: 'unlisted'; why: string; suspects: readonly string[] }>
  /** `refusal` is null if there is nothing against the payload. */
  | Readonly<{ kind: 'checked'; number: number; refusal: string | null }>
  /** The handlers file is loaded: whatever comes now is the run's own. Once for each file. */
  | Readonly<{ kind: 'loaded'; number: number }>
  /** The handlers file cannot be loaded, so the run has not begun. */
  | Readonly<{ kind: 'unloadable'; number: number; why: string }>
  /** The handler is about to be called. */
  | Readonly<{ kind: 'called'; number: number }>
  | Readonly<{ kind: 'progress'; number: number; fraction: number; message: string | null }>
  | Readonly<{ kind: 'output'; number: number; stream: OutputStream; bytes: Uint8Array }>
  /** The run has written a checkpoint to its file of that number; answered by `saved`. */
  | Readonly<{ kind: 'save'; number: number; save: number; blob: BlobRef }>
  | Readonly<{ kind: 'ended'; number: number; result: RunResult; durationMs: number }>
  /** The run broke its thread, which ends now. */
  | Readonly<{ kind: 'crashed'; number: number; result: RunResult }>
  /** Something that an earlier run left behind failed: give this thread no further run. */
  | Readonly<{ kind: 'tainted'; why: string }>

/** Something that is no message of ours. */
export type Unreadable = Readonly<{
  kind: 'unreadable'
  why: string
  /** Number of the run that the message was to end, where no other will come; null: it was anything else. */
  ends: number | null
}>

/** Guess: a file with more handlers is none. The registry has bounds of its own. */
const TYPES_MAX = 10_000
const WHY_BYTES_MAX = 8192

const number = z.int().min(0)

/** Text that has a form in UTF-8, of at most `bytesMax` bytes. */
const text = (bytesMax: number): z.ZodString =>
  z.string().refine(
    // A text has at least as many bytes as units, so that the long ones are not measured.
    value =>
      value.length <= bytesMax && value.isWellFormed() && Buffer.byteLength(value) <= bytesMax,
    `is no text of at most ${bytesMax} bytes`
  )

/** In memory of its own, which is then no larger. */
const piece = z
  .instanceof(Uint8Array)
  .refine(
    ({ buffer }) => buffer instanceof ArrayBuffer && buffer.byteLength <= PIECE_BYTES_MAX,
    `is no piece of at most ${PIECE_BYTES_MAX} bytes`
  )

/** Why a run has failed, as far as its thread can say. */
const RUN_FAILURES = [
  'HandlerError',
  'NonRetryable',
  'Timeout',
  'TooLarge',
  'PayloadRejected',
  'ResultRejected'
] as const

const json = text(TASK_LIMITS.inlineBytesMax).refine(isJson, 'is no JSON')

const blob = z
  .object({ hash: z.string(), bytes: z.number() })
  .refine(given => BLOB.fault(given) === null, 'is no blob')

const anyBlob = z
  .object({ hash: z.string(), bytes: z.number() })
  .refine(given => ANY_BLOB.fault(given) === null, 'is no blob')

const error = z.object({
  name: text(TASK_LIMITS.errorNameLengthMax * 4),
  message: text(TASK_LIMITS.errorMessageBytesMax),
  stack: text(TASK_LIMITS.errorStackBytesMax).nullable()
})

const result = z.discriminatedUnion('status', [
  z.object({ status: z.literal('completed'), result: z.union([json, blob]) }),
  z.object({
    status: z.literal('failed'),
    error,
    reason: z.enum(RUN_FAILURES),
    retryAfterMs: z.int().min(0).max(TASK_LIMITS.timeoutMsMax).exactOptional()
  })
])

const types = z.array(z.string()).max(TYPES_MAX)

const code = z
  .object({
    files: z.map(z.string(), z.object({ format: z.enum(CODE_FORMATS), text: z.string() })),
    imports: z.map(z.string(), z.string())
  })
  .refine(({ files }) => files.size <= CODE_FILES_MAX, `has more than ${CODE_FILES_MAX} files`)
  .refine(
    ({ files }) =>
      [...files.values()].reduce((sum, { text }) => sum + text.length, 0) <= CODE_BYTES_MAX,
    `has more than ${CODE_BYTES_MAX / 2 ** 20} MiB`
  )

const schema: z.ZodType<FromThread> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('listed'),
    types,
    hasDefault: z.boolean(),
    withSchema: types,
    code
  }),
  z.object({
    kind: z.literal('unlisted'),
    why: text(WHY_BYTES_MAX),
    suspects: z.array(z.string()).max(CODE_FILES_MAX)
  }),
  z.object({ kind: z.literal('checked'), number, refusal: text(WHY_BYTES_MAX).nullable() }),
  z.object({ kind: z.literal('loaded'), number }),
  z.object({ kind: z.literal('unloadable'), number, why: text(WHY_BYTES_MAX) }),
  z.object({ kind: z.literal('called'), number }),
  z.object({
    kind: z.literal('progress'),
    number,
    fraction: z.number().min(0).max(1),
    message: text(OUTPUT_LIMITS.progressMessageBytesMax).nullable()
  }),
  z.object({
    kind: z.literal('output'),
    number,
    stream: z.enum(OUTPUT_STREAMS),
    bytes: piece
  }),
  z.object({ kind: z.literal('save'), number, save: number, blob: anyBlob }),
  z.object({ kind: z.literal('ended'), number, result, durationMs: number }),
  z.object({ kind: z.literal('crashed'), number, result }),
  z.object({ kind: z.literal('tainted'), why: text(WHY_BYTES_MAX) })
])

export function readFromThread(value: unknown): FromThread | Unreadable {
  const { success, data, error: wrong } = schema.safeParse(value)
  if (success) return data
  const { path, message } = wrong.issues[0]!
  const end = ending.safeParse(value)
  const why = `${path.length === 0 ? 'it' : path.join('.')}: ${message}`
  return { kind: 'unreadable', why, ends: end.success ? end.data.number : null }
}

const ending = z.object({ kind: z.enum(['ended', 'crashed', 'unloadable']), number })

function isJson(value: string): boolean {
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}
