/**
 * The door for submissions: whatever a program or a command line gave is checked here, and refused by name.
 */
import type { Content } from '../../core/task/content.ts'
import type { LabelRules } from '../../core/task/labels.ts'
import {
  DELIVERIES,
  DEPENDENCY_FAILURE_RULES,
  type Backoff,
  type TaskDraft
} from '../../core/task/spec.ts'
import { TASK_DEFAULTS, TASK_LIMITS } from '../../core/options.ts'
import { TIME_MS, TRACEPARENT } from '../../core/task/shapes.ts'
import { InvalidOptionError, PayloadRejectedError, TooLargeError } from '../../shared/errors.ts'
import { jsonText } from '../../shared/json/json-value.ts'
import { TASK_ID } from '../../shared/names.ts'
import { parseDuration } from '../../shared/durations.ts'
import { parseTime } from '../../shared/times.ts'
import { nearestName } from '../../shared/nearest-name.ts'
import { bytes, durationMs, oneOf, real, show, texts, typeName, whole, words } from './checks.ts'
import type { BackoffOptions, SubmitOptions } from '../api/node-api.ts'
import { labelRules } from './label-options.ts'

/** More members than a cluster is made for can never be meant. */
const ACKS_MAX = 50

/** What begins like a date can be no duration. */
const DATE = /^\d{4}-\d/

const { backoffMsMax, backoffFactorMax } = TASK_LIMITS

const BACKOFF: { readonly [K in keyof Required<BackoffOptions>]: (value: unknown) => number } = {
  delay: value => durationMs('backoff.delay', value, 0, backoffMsMax),
  factor: value => real('backoff.factor', value, 1, backoffFactorMax),
  maxDelay: value => durationMs('backoff.maxDelay', value, 0, backoffMsMax),
  jitter: value => real('backoff.jitter', value, 0, 1)
}

const CHECKS: { readonly [K in keyof Required<SubmitOptions>]: (value: unknown) => unknown } = {
  priority: value => whole('priority', value, TASK_LIMITS.priorityMin, TASK_LIMITS.priorityMax),
  dependsOn: value => dependencies(value),
  onDependencyFailure: value => oneOf('onDependencyFailure', value, DEPENDENCY_FAILURE_RULES),
  maxRetries: value => whole('maxRetries', value, 0, TASK_LIMITS.maxRetriesMax),
  maxLost: value => whole('maxLost', value, 0, TASK_LIMITS.maxLostMax),
  backoff: value => fields('backoff', value, BACKOFF),
  timeout: value => durationMs('timeout', value, 1, TASK_LIMITS.timeoutMsMax),
  deadline: value => durationMs('deadline', value, 1, TASK_LIMITS.deadlineMsMax),
  delay: value => delay(value),
  runAt: value => pointInTime('runAt', value),
  labels: value => labelRules(value),
  idempotencyKey: value => words('idempotencyKey', value, TASK_LIMITS.idempotencyKeyLengthMax),
  delivery: value => oneOf('delivery', value, DELIVERIES),
  tags: value => texts('tags', value, TASK_LIMITS.tagsMax, TASK_LIMITS.tagLengthMax),
  traceparent: value => traceparent(value),
  ref: value => bytes('ref', value, TASK_LIMITS.refBytesMax),
  retention: value => durationMs('retention', value, 0, TASK_LIMITS.retentionMsMax),
  acks: value => whole('acks', value, 0, ACKS_MAX)
}

/** What the checks above give. */
type Checked = Partial<
  Omit<TaskDraft, 'backoff' | 'labels'> & {
    backoff: Partial<Record<keyof BackoffOptions, number>>
    timeout: number
    deadline: number
    delay: number
    runAt: number
    labels: LabelRules
    retention: number
    acks: number
  }
>

/** A submission that is in order, but for the size of its payload: a text may be too large for a record. */
export type Submission = Readonly<{ draft: TaskDraft; acks: number | null }>

/**
 * Checks a submission and fills in the defaults.
 *
 * @param now in ms since 1970
 * @throws InvalidOptionError PayloadRejectedError TooLargeError
 */
export function checkSubmission(
  type: unknown,
  payload: unknown,
  options: Readonly<Record<string, unknown>>,
  now: number
): Submission {
  return checkOptions(type, json(payload), options, now)
}

/**
 * The same for a payload that is text or a blob already.
 *
 * @throws InvalidOptionError
 */
export function checkOptions(
  type: unknown,
  payload: Content,
  options: Readonly<Record<string, unknown>>,
  now: number
): Submission {
  const checked: Checked = fields('', options, CHECKS)
  return { draft: draftOf(typeName(type), payload, checked, now), acks: checked.acks ?? null }
}

function draftOf(type: string, payload: Content, checked: Checked, now: number): TaskDraft {
  const { backoff = {}, timeout, deadline, delay, runAt, retention, acks: _, ...same } = checked
  if (delay !== undefined && runAt !== undefined) {
    throw new InvalidOptionError('delay and runAt say the same in two ways: give one of them')
  }
  const notBefore = runAt ?? (delay === undefined ? null : Math.ceil(now + delay))
  if (deadline !== undefined && notBefore !== null && notBefore >= now + deadline) {
    throw new InvalidOptionError(
      `deadline cannot be ${deadline} ms: it counts from the submission, and is over before ${runAt === undefined ? 'delay' : 'runAt'} lets the task start`
    )
  }
  const isOnce = checked.delivery === 'at-most-once'
  if (isOnce && (checked.maxRetries ?? 0) > 0) {
    throw new InvalidOptionError(
      `maxRetries cannot be ${checked.maxRetries} for a task that is delivered at-most-once: allowed is 0`
    )
  }
  return {
    ...TASK_DEFAULTS,
    ...(isOnce ? { maxRetries: 0 } : {}),
    ...same,
    type,
    payload,
    backoff: backoffOf(backoff),
    timeoutMs: timeout ?? null,
    deadlineMs: deadline ?? null,
    notBefore,
    retentionMs: retention ?? null
  }
}

function backoffOf(given: NonNullable<Checked['backoff']>): Backoff {
  const { delayMs, maxDelayMs, ...defaults } = TASK_DEFAULTS.backoff
  const { delay, maxDelay = maxDelayMs, ...same } = given
  if (delay !== undefined && delay > maxDelay) {
    throw new InvalidOptionError(
      `backoff.delay cannot be ${delay} ms, for no wait is longer than backoff.maxDelay, which is ${maxDelay} ms: give both`
    )
  }
  return { ...defaults, ...same, delayMs: delay ?? delayMs, maxDelayMs: maxDelay }
}

function json(payload: unknown): string {
  let text: string
  try {
    text = jsonText(payload === undefined ? null : payload)
  } catch (error) {
    const { message } = error as Error
    // V8's own bound on texts lies above ours.
    if (message === 'Invalid string length') throw tooLarge(`more than ${TASK_LIMITS.blobBytesMax}`)
    throw new PayloadRejectedError(`the payload cannot be sent as JSON: ${message}`)
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > TASK_LIMITS.blobBytesMax) throw tooLarge(String(bytes))
  return text
}

function tooLarge(bytes: string): TooLargeError {
  return new TooLargeError(
    `the payload has ${bytes} bytes as JSON, at most ${TASK_LIMITS.blobBytesMax} are allowed: pass a path or a URL instead`
  )
}

/** The values of an object, each checked by the rule of its name. */
function fields<T>(
  name: string,
  given: unknown,
  checks: Readonly<Record<string, (value: unknown) => T>>
): Record<string, T> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidOptionError(`${name || 'options'} must be an object, not ${show(given)}`)
  }
  const checked: Record<string, T> = {}
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(checks, key)) {
      const meant = nearestName(key, Object.keys(checks))
      const what = name === '' ? `task option ${key}` : `${name}.${key}`
      throw new InvalidOptionError(`there is no ${what}: did you mean ${meant}?`)
    }
    if (value !== undefined) checked[key] = checks[key]!(value)
  }
  return checked
}

function delay(value: unknown): number {
  if (typeof value === 'string' && DATE.test(value)) {
    throw new InvalidOptionError(
      `delay must be a duration such as "30s" or "5m", not ${show(value)}: a point in time is given as runAt (--run-at)`
    )
  }
  return durationMs('delay', value, 0, TASK_LIMITS.deadlineMsMax)
}

function pointInTime(name: string, value: unknown): number {
  const ms =
    value instanceof Date ? value.getTime() : typeof value === 'string' ? parseTime(value) : value
  if (typeof ms === 'number' && TIME_MS.fault(ms) === null) return ms
  const isDuration = typeof value === 'string' && parseDuration(value) !== null
  const hint = isDuration ? ': a time from now is given as delay (--delay)' : ''
  throw new InvalidOptionError(
    `${name} must be a date-time of RFC 3339 such as "2026-01-31T12:00:00Z", a Date, or ms since 1970, up to the year 9999, not ${show(value)}${hint}`
  )
}

function traceparent(value: unknown): string {
  if (typeof value === 'string' && TRACEPARENT.fault(value) === null) return value
  throw new InvalidOptionError(
    `traceparent must be as W3C Trace Context has it, 00-TRACE-SPAN-FLAGS, not ${show(value)}`
  )
}

function dependencies(value: unknown): string[] {
  const ids = texts('dependsOn', value, TASK_LIMITS.dependenciesMax, 36)
  const wrong = ids.find(id => !TASK_ID.test(id))
  if (wrong !== undefined) {
    throw new InvalidOptionError(`dependsOn must name whole task ids, and ${show(wrong)} is none`)
  }
  return [...new Set(ids)]
}
