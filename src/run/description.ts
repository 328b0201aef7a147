/**
 * What is told of whatever a handler threw: its name, its message and its stack, with those of the errors that it
 * carries, which are its causes, theirs, and the many in one of an AggregateError.
 *
 * A handler may throw anything: text, an error in a circle of causes, an object whose properties throw when they are
 * read. So each property is read by itself, few of the errors are followed, and every text is cut.
 */
import { inspect, types } from 'node:util'
import { TASK_LIMITS } from '../core/options.ts'
import { inSources } from '../shared/source-places.ts'

/** Errors told of those that one carries: five share the room for a stack, and each still says where it arose. */
const CARRIED_MAX = 4

export type Description = Readonly<{ name: string; message: string; stack: string | null }>

/** An error that another one carries, and as what. */
type Carried = Readonly<{ as: 'cause' | 'error'; value: unknown }>

/** Never throws itself. */
export function describe(thrown: unknown): Description {
  if (!isError(thrown)) {
    const text = read(() => shown(thrown)) ?? 'what it is cannot be shown'
    const message = `the handler threw something that is not an error: ${text}`
    return { name: 'NonErrorThrown', message, stack: null }
  }
  const [name, message] = [propertyOf(thrown, 'name'), propertyOf(thrown, 'message')]
  if (name === null || message === null) {
    const cannot = 'the handler threw something whose name and message cannot be read'
    return { name: 'NonErrorThrown', message: cannot, stack: null }
  }
  const carried = carriedBy(thrown)
  const told = carried.map(({ as, value }) => ` (${as}: ${briefly(value)})`).join('')
  return {
    name: name || 'Error',
    message: withSuffix(message, told),
    stack: stackOf(thrown, carried)
  }
}

/** Whatever is to be logged, as `console.log` shows it. What is longer than allowed is cut, and says so. */
export function logText(value: unknown, bytesMax: number): string {
  const isText = ['string', 'bigint', 'symbol'].includes(typeof value)
  const text = read(() => (isText ? String(value) : shown(value))) ?? 'what it is cannot be shown'
  const bytes = Buffer.byteLength(text)
  if (bytes <= bytesMax) return text.toWellFormed()
  const start = cutBytes(text, bytesMax)
  return `${start}… (${bytes - Buffer.byteLength(start)} more bytes)`
}

/** As much of `text` as fits into `bytesMax` bytes of UTF-8, cut between characters. */
export function cutBytes(text: string, bytesMax: number): string {
  const start = cutLength(text, bytesMax)
  const bytes = Buffer.from(start)
  if (bytes.length <= bytesMax) return start
  let end = bytesMax
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

export function cutLength(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text.toWellFormed()
  const last = text.charCodeAt(lengthMax - 1)
  const splitsPair = last >= 0xd800 && last <= 0xdbff
  return text.slice(0, splitsPair ? lengthMax - 1 : lengthMax).toWellFormed()
}

/**
 * Errors that an error carries, in the order in which Node prints them, each followed by what it carries itself; none
 * of them twice.
 */
function carriedBy(thrown: object): readonly Carried[] {
  const seen = new Set<unknown>([thrown])
  const carried: Carried[] = []
  const open = directlyIn(thrown)
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    if (seen.has(next.value)) continue
    if (carried.length === CARRIED_MAX) break
    seen.add(next.value)
    carried.push(next)
    if (isError(next.value)) open.unshift(...directlyIn(next.value))
  }
  return carried
}

function directlyIn(error: object): Carried[] {
  const { cause, errors } = {
    cause: read(() => (error as { cause?: unknown }).cause),
    errors: read(() => (error as { errors?: unknown }).errors)
  }
  const many = Array.isArray(errors)
    ? read(() => errors.slice(0, CARRIED_MAX + 1) as unknown[])
    : null
  return [
    ...(many ?? []).map((value): Carried => ({ as: 'error', value })),
    ...(cause === undefined || cause === null ? [] : [{ as: 'cause', value: cause } as const])
  ]
}

function briefly(value: unknown): string {
  if (!isError(value)) return read(() => shown(value)) ?? '?'
  const [name, message] = [propertyOf(value, 'name'), propertyOf(value, 'message') ?? '?']
  return !name || name === 'Error' ? message : `${name}: ${message}`
}

/** With the stacks of what it carries below it, as Node itself prints them. Each of them gets its share of the room. */
function stackOf(thrown: object, carried: readonly Carried[]): string | null {
  const own = propertyOf(thrown, 'stack')
  if (!own) return null
  const others = carried.flatMap(({ as, value }) => {
    const stack = isError(value) ? propertyOf(value, 'stack') : null
    return !stack ? [] : [{ head: `\n[${as}]: `, stack }]
  })
  const all = [{ head: '', stack: own }, ...others]
  const share = Math.floor(TASK_LIMITS.errorStackBytesMax / all.length)
  return all
    .map(({ head, stack }) => head + cutBytes(inSources(stack), share - head.length))
    .join('')
}

/** A long message gives way to what it carries, which says more, but keeps at least half of the room. */
function withSuffix(message: string, suffix: string): string {
  const half = TASK_LIMITS.errorMessageBytesMax / 2
  const end = cutBytes(suffix, half)
  const room = TASK_LIMITS.errorMessageBytesMax - Buffer.byteLength(end)
  return cutBytes(message, room) + end
}

/** Whether it is an error, also of another realm (a `vm` context), for which `instanceof` is false. */
function isError(value: unknown): value is object {
  return types.isNativeError(value) || read(() => value instanceof Error) === true
}

/** A text in it may be of any length, and no more of it is told than of a message. */
function shown(value: unknown): string {
  return inspect(value, { maxStringLength: TASK_LIMITS.errorMessageBytesMax })
}

/** A property as text, empty if there is none; null if it cannot be read. */
function propertyOf(error: object, property: 'name' | 'message' | 'stack'): string | null {
  return read(() => {
    const value = (error as Record<string, { toString(): string } | undefined>)[property]
    return value === undefined ? '' : String(value)
  })
}

/** Null if reading throws: a getter or a proxy may do anything. */
function read<T>(property: () => T): T | null {
  try {
    return property()
  } catch {
    return null
  }
}
