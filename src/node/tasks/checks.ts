/**
 * Single values that come from outside: each is what it has to be, or refused with its name, what was given and what
 * would be allowed.
 */
import { parseDuration } from '../../shared/durations.ts'
import { TASK_LIMITS } from '../../core/options.ts'
import { InvalidOptionError } from '../../shared/errors.ts'

/** @throws InvalidOptionError */
export function whole(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max)
    return value
  throw new InvalidOptionError(
    `${name} must be a whole number from ${min} to ${max}, not ${show(value)}`
  )
}

/** A number, whole or not. @throws InvalidOptionError */
export function real(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw new InvalidOptionError(`${name} must be a number from ${min} to ${max}, not ${show(value)}`)
}

/** @throws InvalidOptionError */
export function oneOf<const T extends string>(name: string, value: unknown, all: readonly T[]): T {
  const found = all.find(each => each === value)
  if (found !== undefined) return found
  throw new InvalidOptionError(`${name} must be ${all.join(' or ')}, not ${show(value)}`)
}

/** A text that is not empty. @throws InvalidOptionError */
export function words(name: string, value: unknown, lengthMax: number): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= lengthMax) {
    return wellFormed(name, value)
  }
  throw new InvalidOptionError(
    `${name} must be a text of 1 to ${lengthMax} characters, not ${show(value)}`
  )
}

/** A text that is not empty, with a bound on its UTF-8. @throws InvalidOptionError */
export function bytes(name: string, value: unknown, bytesMax: number): string {
  if (typeof value === 'string' && value.length > 0 && Buffer.byteLength(value) <= bytesMax) {
    return wellFormed(name, value)
  }
  throw new InvalidOptionError(
    `${name} must be a text of 1 to ${bytesMax} bytes (UTF-8), not ${show(value)}`
  )
}

/** @throws InvalidOptionError */
export function texts(name: string, value: unknown, countMax: number, lengthMax: number): string[] {
  const fits = (item: unknown): boolean =>
    typeof item === 'string' && item.length > 0 && item.length <= lengthMax
  if (Array.isArray(value) && value.length <= countMax && value.every(fits)) {
    return value.map((text: string) => wellFormed(name, text))
  }
  throw new InvalidOptionError(
    `${name} must be a list of at most ${countMax} texts of 1 to ${lengthMax} characters, not ${show(value)}`
  )
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

/** What may be the id of a task, or a part of one. @throws InvalidOptionError */
export function idText(id: unknown): string {
  if (typeof id === 'string') return id
  throw new InvalidOptionError(
    `the id of a task is a text, not ${show(id)}: what createTask returns is to be awaited`
  )
}

/** Half a character cannot be sent: it has no UTF-8, and would arrive as another text than was meant. */
export function wellFormed(name: string, text: string): string {
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
    `${name} must be from ${minMs} to ${maxMs} ms, or a text with a unit such as "30s" or "5m", not ${show(value)}`
  )
}

export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return `${text.length > 60 ? `${text.slice(0, 60)}…` : text} (${Array.isArray(value) ? 'a list' : typeof value})`
}
