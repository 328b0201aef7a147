/**
 * The door for submissions: whatever a program or a command line gave is checked here, and refused by name.
 */
import { closest } from 'fastest-levenshtein'
import type { Content } from '../core/task/content.ts'
import type { TaskDraft } from '../core/task/spec.ts'
import { TASK_DEFAULTS, TASK_LIMITS } from '../core/options.ts'
import { utf8Length } from '../core/base/utf8.ts'
import { parseDuration } from '../durations.ts'
import { InvalidOptionError, PayloadRejectedError, TooLargeError } from '../errors.ts'
import { TASK_ID } from '../names.ts'
import type { TaskOptions, SubmitOptions } from './handle.ts'

/** More members than a cluster is made for can never be meant. */
const ACKS_MAX = 50

const CHECKS: { readonly [K in keyof Required<SubmitOptions>]: (value: unknown) => unknown } = {
  priority: value => whole('priority', value, TASK_LIMITS.priorityMin, TASK_LIMITS.priorityMax),
  dependsOn: value => dependencies(value),
  timeout: value => durationMs('timeout', value, 1, TASK_LIMITS.timeoutMsMax),
  tags: value => texts('tags', value, TASK_LIMITS.tagsMax, TASK_LIMITS.tagLengthMax),
  retention: value => durationMs('retention', value, 0, TASK_LIMITS.retentionMsMax),
  acks: value => whole('acks', value, 0, ACKS_MAX)
}

/** A submission that is in order, but for the size of its payload: a text may be too large for a record. */
export type Submission = Readonly<{ draft: TaskDraft; acks: number | null }>

/**
 * Checks a submission and fills in the defaults.
 *
 * @throws InvalidOptionError PayloadRejectedError TooLargeError
 */
export function checkSubmission(
  type: unknown,
  payload: unknown,
  options: Readonly<Record<string, unknown>>
): Submission {
  return checkOptions(type, json(payload), options)
}

/**
 * The same for a payload that is text or a blob already.
 *
 * @throws InvalidOptionError
 */
export function checkOptions(
  type: unknown,
  payload: Content,
  options: Readonly<Record<string, unknown>>
): Submission {
  const checked: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw new InvalidOptionError(
        `there is no task option ${name}: did you mean ${closest(name, Object.keys(CHECKS))}?`
      )
    }
    if (value !== undefined) checked[name] = CHECKS[name as keyof TaskOptions](value)
  }
  const draft: TaskDraft = {
    ...TASK_DEFAULTS,
    type: typeName(type),
    payload,
    priority: (checked['priority'] as number | undefined) ?? TASK_DEFAULTS.priority,
    dependsOn: (checked['dependsOn'] as string[] | undefined) ?? [],
    timeoutMs: (checked['timeout'] as number | undefined) ?? null,
    retentionMs: (checked['retention'] as number | undefined) ?? null,
    tags: (checked['tags'] as string[] | undefined) ?? []
  }
  return { draft, acks: (checked['acks'] as number | undefined) ?? null }
}

/** The name of a task type, or an error. */
export function typeName(type: unknown): string {
  const { typeLengthMax } = TASK_LIMITS
  if (typeof type !== 'string' || type.length === 0 || type.length > typeLengthMax) {
    throw new InvalidOptionError(
      `a task type is a text of 1 to ${typeLengthMax} characters, not ${show(type)}`
    )
  }
  return wellFormed('a task type', type)
}

function json(payload: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(payload === undefined ? null : payload)
  } catch (error) {
    throw new PayloadRejectedError(
      `the payload cannot be sent as JSON: ${(error as Error).message}`
    )
  }
  if (text === undefined) {
    throw new PayloadRejectedError(`the payload cannot be sent as JSON: it is a ${typeof payload}`)
  }
  const bytes = utf8Length(text)
  checkBytes(bytes)
  return text
}

/** @throws TooLargeError */
function checkBytes(bytes: number): void {
  if (bytes <= TASK_LIMITS.blobBytesMax) return
  throw new TooLargeError(
    `the payload has ${bytes} bytes as JSON, at most ${TASK_LIMITS.blobBytesMax} are allowed: pass a path or a URL instead`
  )
}

function whole(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max)
    return value
  throw new InvalidOptionError(
    `${name} must be a whole number from ${min} to ${max}, not ${show(value)}`
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

function texts(name: string, value: unknown, countMax: number, lengthMax: number): string[] {
  const fits = (item: unknown): boolean =>
    typeof item === 'string' && item.length > 0 && item.length <= lengthMax
  if (Array.isArray(value) && value.length <= countMax && value.every(fits)) {
    return value.map((text: string) => wellFormed(name, text))
  }
  throw new InvalidOptionError(
    `${name} must be a list of at most ${countMax} texts of 1 to ${lengthMax} characters, not ${show(value)}`
  )
}

/** Half a character cannot be sent: it has no UTF-8, and would arrive as another text than was meant. */
function wellFormed(name: string, text: string): string {
  if (text.isWellFormed()) return text
  throw new InvalidOptionError(`${name} has half a character (a lone surrogate) in ${show(text)}`)
}

/**
 * A duration in ms, from a number or a text.
 *
 * @throws InvalidOptionError
 */
export function durationMs(name: string, value: unknown, minMs: number, maxMs: number): number {
  const ms = typeof value === 'string' ? parseDuration(value) : value
  if (typeof ms === 'number' && ms >= minMs && ms <= maxMs) return Math.round(ms)
  throw new InvalidOptionError(
    `${name} must be from ${minMs} to ${maxMs} ms, or a text such as "30s" or "5m", not ${show(value)}`
  )
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return `${text.length > 60 ? `${text.slice(0, 60)}…` : text} (${Array.isArray(value) ? 'a list' : typeof value})`
}
