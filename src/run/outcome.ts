/**
 * Turns what a handler returned or threw into the outcome that goes into the log.
 *
 * The outcome ends up in every node's memory and in one gossip message, so everything in it is bounded here, at the
 * place where it is made: results are refused above the bound, texts of errors are cut. Nothing that a handler throws
 * can make this fail (description.ts).
 */
import type { RunResult } from '../core/input.ts'
import { TASK_LIMITS } from '../core/options.ts'
import { jsonText, NotJsonError } from '../shared/json/json-value.ts'
import { utf8Pieces } from '../shared/utf8-chunks.ts'
import { writeResult } from './contents.ts'
import { cutBytes, cutLength, describe } from './description.ts'

/** Guess: what keeps a run from starting (a lock, a quota, a file that is to come) rarely goes sooner. */
const RETRY_AFTER_MS = 10_000

/**
 * A task that is tried again without a pause, for ever, would have all nodes write to their disks as fast as they can.
 * Guess: a second, as between ordinary attempts.
 */
export const RETRY_AFTER_MS_MIN = 1000

type Failure = Extract<RunResult, { status: 'failed' }>
export type FailureReason = Failure['reason']

/** Errors by whose name a handler, or its schema, says that another attempt would be in vain. */
const REASONS: ReadonlyMap<string, FailureReason> = new Map([
  ['NonRetryableError', 'NonRetryable'],
  ['PayloadRejectedError', 'PayloadRejected']
])

/** A failure in our own words. */
export function failure(
  name: string,
  message: string,
  { reason = 'HandlerError', stack = null }: { reason?: FailureReason; stack?: string | null } = {}
): Failure {
  const error = {
    name: cutLength(name, TASK_LIMITS.errorNameLengthMax),
    message: cutBytes(message, TASK_LIMITS.errorMessageBytesMax),
    stack: stack === null ? null : cutBytes(stack, TASK_LIMITS.errorStackBytesMax)
  }
  return { status: 'failed', error, reason }
}

/**
 * The outcome of a handler that returned `value`. A result that is too large for a record is written to a file.
 *
 * @param path where to; null if there is no place for it
 */
export async function outcomeOfResult(value: unknown, path: string | null): Promise<RunResult> {
  let result: string
  try {
    result = value === undefined ? 'null' : jsonText(value)
  } catch (error) {
    return resultRejected(whyNoJson(error))
  }
  const bytes = Buffer.byteLength(result)
  if (bytes <= TASK_LIMITS.inlineBytesMax) return { status: 'completed', result }
  if (path === null) return tooLarge(bytes, TASK_LIMITS.inlineBytesMax)
  try {
    const written = await writeResult(path, utf8Pieces(result))
    return written === null
      ? tooLarge(bytes, TASK_LIMITS.blobBytesMax)
      : { status: 'completed', result: written }
  } catch (error) {
    return outcomeOfUnkept(error)
  }
}

function tooLarge(bytes: number, bytesMax: number): RunResult {
  return failure(
    'TooLargeError',
    `the result has ${bytes} bytes as JSON, and ${bytesMax} are allowed; ` +
      'write it elsewhere and return where it is',
    { reason: 'TooLarge' }
  )
}

/** The outcome of a handler whose result the disk does not take. There may be room later, or elsewhere. */
export function outcomeOfUnkept(thrown: unknown): RunResult {
  const message = `the result could not be kept: ${describe(thrown).message}`
  return { ...failure(UNKEPT, message), retryAfterMs: RETRY_AFTER_MS }
}

/** The name of the failure of a run whose result could not be kept. */
export const UNKEPT = 'ResultNotKeptError'

/** The name of the failure of a run that could not read what it was given. */
export const UNREADABLE = 'PayloadUnreadableError'

/** The outcome of a run whose payload, or a dependency's result, cannot be read. */
export function outcomeOfUnreadable(thrown: unknown): RunResult {
  const { name, message } = describe(thrown)
  return failure(UNREADABLE, `what the task reads cannot be read: ${name}: ${message}`)
}

/** The outcome of a handler that threw `thrown`, or whose promise was rejected with it. */
export function outcomeOfError(thrown: unknown): RunResult {
  const { name, message, stack } = describe(thrown)
  const reason = REASONS.get(name) ?? 'HandlerError'
  const failed = failure(name, message, { reason, stack })
  return name === 'RetryAfterError' ? { ...failed, retryAfterMs: retryAfterMsOf(thrown) } : failed
}

/** The wait that a thrown error asks for, by its name: the class may be that of another copy of the package. */
function retryAfterMsOf(thrown: unknown): number {
  try {
    return boundedMs((thrown as { retryAfterMs?: unknown }).retryAfterMs)
  } catch {
    return RETRY_AFTER_MS
  }
}

function boundedMs(ms: unknown): number {
  if (typeof ms !== 'number' || Number.isNaN(ms)) return RETRY_AFTER_MS
  return Math.round(Math.min(Math.max(ms, RETRY_AFTER_MS_MIN), TASK_LIMITS.timeoutMsMax))
}

/** The outcome of a run whose handler could not be loaded here. It is to run elsewhere, at once, and uses no retry; if it may be started once only, it fails. */
export function outcomeOfUnloadable(why: string, name = 'HandlersFileError'): RunResult {
  return { ...failure(name, why), retryAfterMs: 0 }
}

/** The outcome of a run that asks to be tried again later. @param afterMs what it said of when, if anything */
export function outcomeOfEarly(message: string, afterMs: unknown): RunResult {
  return { ...failure('RetryAfterError', message), retryAfterMs: boundedMs(afterMs) }
}

/** The outcome of a handler that let an error escape: out of a timer, an event, or a promise that is not awaited. */
export function outcomeOfCrash(thrown: unknown): RunResult {
  const { name, message, stack } = describe(thrown)
  return failure('HandlerCrashedError', `nobody caught ${name}: ${message}`, { stack })
}

/** The outcome of a handler that took too long. */
export function outcomeOfTimeout(timeoutMs: number): RunResult {
  const message = `the handler did not end within its timeout of ${timeoutMs} ms`
  return failure('TimeoutError', message, { reason: 'Timeout' })
}

/** In words that stand by themselves, unless the value's own code has thrown. */
function whyNoJson(error: unknown): string {
  if (error instanceof NotJsonError) return error.message
  const { name, message } = describe(error)
  return `its own code threw ${name}: ${message}`
}

/** Another attempt would be in vain: what the handler has done is done, and it would return the same. */
function resultRejected(why: string): RunResult {
  return failure(
    'ResultRejectedError',
    `JSON cannot carry what the handler returned: ${why}; return plain data`,
    { reason: 'ResultRejected' }
  )
}
