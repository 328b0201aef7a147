/**
 * The door for submissions: whatever a program or a command line gave is checked here, and refused by name.
 */
import { closest } from 'fastest-levenshtein'
import type { TaskDraft } from '../core/task/spec.ts'
import { TASK_DEFAULTS, TASK_LIMITS } from '../core/options.ts'
import { utf8Length } from '../core/base/utf8.ts'
import { InvalidOptionError, PayloadRejectedError, TooLargeError } from '../errors.ts'
import type { TaskOptions, SubmitOptions } from './handle.ts'

const TASK_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000
}
/** More members than a cluster is made for can never be meant. */
const ACKS_MAX = 50

const CHECKS: { readonly [K in keyof Required<SubmitOptions>]: (value: unknown) => unknown } = {
  priority: value => whole('priority', value, TASK_LIMITS.priorityMin, TASK_LIMITS.priorityMax),
  dependsOn: value => dependencies(value),
  timeout: value => durationMs('timeout', value),
  tags: value => texts('tags', value, TASK_LIMITS.tagsMax, TASK_LIMITS.tagLengthMax),
  acks: value => whole('acks', value, 0, ACKS_MAX)
}

/** A submission that is in order. */
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
    type: typeName(type),
    payload: json(payload),
    priority: (checked['priority'] as number | undefined) ?? TASK_DEFAULTS.priority,
    dependsOn: (checked['dependsOn'] as string[] | undefined) ?? [],
    timeoutMs: (checked['timeout'] as number | undefined) ?? null,
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
  return type
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
  if (bytes > TASK_LIMITS.inlineBytesMax) {
    throw new TooLargeError(
      `the payload has ${bytes} bytes as JSON, at most ${TASK_LIMITS.inlineBytesMax} are allowed: pass a path or a URL instead`
    )
  }
  return text
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
  if (Array.isArray(value) && value.length <= countMax && value.every(fits))
    return value as string[]
  throw new InvalidOptionError(
    `${name} must be a list of at most ${countMax} texts of 1 to ${lengthMax} characters, not ${show(value)}`
  )
}

function durationMs(name: string, value: unknown): number {
  const match = typeof value === 'string' ? DURATION.exec(value) : null
  const ms = match === null ? value : Number(match[1]) * UNIT_MS[match[2]!]!
  if (typeof ms === 'number' && ms >= 1 && ms <= TASK_LIMITS.timeoutMsMax) return Math.round(ms)
  throw new InvalidOptionError(
    `${name} must be from 1 to ${TASK_LIMITS.timeoutMsMax} ms, or a text such as "30s" or "5m", not ${show(value)}`
  )
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return `${text.length > 60 ? `${text.slice(0, 60)}…` : text} (${Array.isArray(value) ? 'a list' : typeof value})`
}
