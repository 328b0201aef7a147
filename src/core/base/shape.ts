/**
 * What a value may be, said once: for those that make it, encode it and read it.
 *
 * A value that its maker accepts and every reader refuses is worse than an error: it is on disk by then, and nothing
 * that stands behind it in the log reaches anybody any more. So the bounds of all that nodes keep and send are values
 * themselves. The core asserts them where it writes, the wire builds its codec from them (src/wire), and so a bound
 * that differs between the two cannot be written down.
 */
import { utf8Length } from './utf8.ts'

/** A set of values. `fault` says why a value is not in it; null if it is. */
export type Shape<T> = Readonly<{
  kind: string
  fault: (value: unknown) => string | null
  /** Only for the compiler: never there. */
  of?: T
}>

export type WholeShape = Shape<number> & Readonly<{ kind: 'whole'; min: number; max: number }>
export type RealShape = Shape<number> & Readonly<{ kind: 'real'; min: number; max: number }>
export type TextShape = Shape<string> &
  Readonly<{
    kind: 'text'
    bytesMax: number
    pattern: RegExp | null
    /** The text occurs often in one message, and is written out once there. */
    isName: boolean
  }>
export type FlagShape = Shape<boolean> & Readonly<{ kind: 'flag' }>
export type BinaryShape = Shape<Uint8Array> & Readonly<{ kind: 'binary'; bytesMax: number }>
export type OneOfShape<T extends string> = Shape<T> &
  Readonly<{ kind: 'one-of'; values: readonly T[] }>
export type OpenShape<T extends string> = Shape<T | Other> &
  Readonly<{ kind: 'open'; values: readonly T[] }>
export type ListShape<T> = Shape<readonly T[]> &
  Readonly<{ kind: 'list'; item: Shape<T>; countMax: number }>
export type NullableShape<T> = Shape<T | null> & Readonly<{ kind: 'nullable'; item: Shape<T> }>
export type EitherShape<T, U> = Shape<T | U> &
  Readonly<{
    kind: 'either'
    first: Shape<T>
    second: Shape<U>
    isSecond: (value: T | U) => value is U
  }>
export type StructShape<T> = Shape<T> &
  Readonly<{
    kind: 'struct'
    fields: { readonly [K in Exclude<keyof T, 'later' | 'components'>]-?: Shape<T[K]> }
    /** Whether what later versions add is kept. */
    isOpen: boolean
    /** What has to hold between the fields, beyond each by itself. */
    rule: ((value: T) => string | null) | null
  }>
/** One for which the wire has a form of its own. */
export type OtherShape<T> = Shape<T> & Readonly<{ kind: 'other' }>

/** A word that a later version has added to a list, by its place there. Passed on as it came. */
export type Other = `other:${number}`

const OTHER = /^other:(0|[1-9]\d{0,9})$/
// oxlint-disable-next-line no-control-regex -- a byte of any value
const BYTES = /^[\0-\xff]+$/
const OTHER_MAX = 2 ** 32 - 1

export function isOther(word: string): word is Other {
  return word.startsWith('other:')
}

/** A word as it is shown: one that only later versions know is `other`. */
export function shown<T extends string>(word: T | Other): T | 'other' {
  return isOther(word) ? 'other' : word
}

/** The place of a word in its list, also of one that only later versions know. */
export function placeOf(values: readonly string[], word: string): number {
  return isOther(word) ? Number(word.slice('other:'.length)) : values.indexOf(word)
}

/** A whole number from `min` to `max`. */
export function whole(max: number = 2 ** 32 - 1, min: number = 0): WholeShape {
  return {
    kind: 'whole',
    min,
    max,
    fault: value =>
      Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
        ? null
        : `${show(value)} is not a whole number from ${min} to ${max}`
  }
}

/** A finite number from `min` to `max`, whole or not. */
export function real(max: number, min: number): RealShape {
  return {
    kind: 'real',
    min,
    max,
    fault: value =>
      typeof value === 'number' && value >= min && value <= max
        ? null
        : `${show(value)} is not a number from ${min} to ${max}`
  }
}

/** Well-formed text of at most `bytesMax` bytes of UTF-8, of the form `pattern` if there is one. */
export function text(bytesMax: number, pattern: RegExp | null = null): TextShape {
  return {
    kind: 'text',
    bytesMax,
    pattern,
    isName: false,
    fault: value => {
      if (typeof value !== 'string') return `${show(value)} is not a text`
      // No character takes more than three bytes a unit.
      const bytes = value.length * 3 <= bytesMax ? 0 : utf8Length(value)
      if (bytes > bytesMax) return `a text of ${bytes} bytes where ${bytesMax} are allowed`
      if (!value.isWellFormed()) return `${show(value)} has half a character`
      return pattern === null || pattern.test(value) ? null : `${show(value)} has a wrong form`
    }
  }
}

/** 1 to `bytesMax` bytes of whatever. */
export function binary(bytesMax: number): BinaryShape {
  return {
    kind: 'binary',
    bytesMax,
    fault: value =>
      value instanceof Uint8Array && value.length > 0 && value.length <= bytesMax
        ? null
        : `${show(value)} is not 1 to ${bytesMax} bytes`
  }
}

export const flag: FlagShape = {
  kind: 'flag',
  fault: value => (typeof value === 'boolean' ? null : `${show(value)} is neither true nor false`)
}

/** One of a fixed list. */
export function oneOf<const T extends string>(values: readonly T[]): OneOfShape<T> {
  return {
    kind: 'one-of',
    values,
    fault: value =>
      values.includes(value as T) ? null : `${show(value)} is none of ${values.join(', ')}`
  }
}

/** One of a list that later versions may make longer: their words are passed on as `other:<place>`. */
export function openOneOf<const T extends string>(values: readonly T[]): OpenShape<T> {
  const isLater = (value: unknown): boolean => {
    if (typeof value !== 'string' || !OTHER.test(value)) return false
    const place = placeOf(values, value)
    return place >= values.length && place <= OTHER_MAX
  }
  return {
    kind: 'open',
    values,
    fault: value =>
      values.includes(value as T) || isLater(value)
        ? null
        : `${show(value)} is none of ${values.join(', ')}`
  }
}

export function list<T>(item: Shape<T>, countMax: number): ListShape<T> {
  return {
    kind: 'list',
    item,
    countMax,
    fault: value => {
      if (!Array.isArray(value)) return `${show(value)} is not a list`
      if (value.length > countMax) return `${value.length} values where ${countMax} are allowed`
      for (let i = 0; i < value.length; i++) {
        const why = item.fault(value[i])
        if (why !== null) return `${i}: ${why}`
      }
      return null
    }
  }
}

export function nullable<T>(item: Shape<T>): NullableShape<T> {
  return { kind: 'nullable', item, fault: value => (value === null ? null : item.fault(value)) }
}

/** A value of one of two kinds. */
export function either<T, U>(
  first: Shape<T>,
  second: Shape<U>,
  isSecond: (value: T | U) => value is U
): EitherShape<T, U> {
  return {
    kind: 'either',
    first,
    second,
    isSecond,
    fault: value => (isSecond(value as T | U) ? second : first).fault(value)
  }
}

/** A text that occurs often in one message. */
export function name(bytesMax: number, pattern: RegExp): TextShape {
  return { ...text(bytesMax, pattern), isName: true }
}

/** Texts by names that their makers choose. */
export function dictionary(
  key: TextShape,
  value: TextShape,
  countMax: number
): OtherShape<Readonly<Record<string, string>>> {
  return {
    kind: 'other',
    fault: given => {
      if (typeof given !== 'object' || given === null) return `${show(given)} is not an object`
      const pairs = Object.entries(given)
      if (pairs.length > countMax) return `${pairs.length} values where ${countMax} are allowed`
      for (const [of, each] of pairs) {
        const why = key.fault(of) ?? value.fault(each)
        if (why !== null) return why
      }
      return null
    }
  }
}

export function map<K, V>(
  key: Shape<K>,
  value: Shape<V>,
  countMax: number
): OtherShape<ReadonlyMap<K, V>> {
  return {
    kind: 'other',
    fault: given => {
      if (!(given instanceof Map)) return `${show(given)} is not a map`
      if (given.size > countMax) return `${given.size} values where ${countMax} are allowed`
      for (const [of, each] of given) {
        const why = key.fault(of) ?? value.fault(each)
        if (why !== null) return why
      }
      return null
    }
  }
}

/** A value that may also not be there at all, which stands for a usual one. */
export function absentOr<S extends Shape<unknown>>(shape: S): S {
  return { ...shape, fault: value => (value === undefined ? null : shape.fault(value)) }
}

/** A value that its maker has asserted already, or that was read: nobody looks at it twice. */
export function asserted<S extends Shape<unknown>>(shape: S): S {
  return { ...shape, fault: () => null }
}

/**
 * An object with these fields; if it is open, also with `later`: what a later version has added to it, a character for
 * each byte that came. It is compared and passed on.
 */
export function struct<T extends object>(
  fields: StructShape<T>['fields'],
  { isOpen = false, rule = null }: Partial<Pick<StructShape<T>, 'isOpen' | 'rule'>> = {}
): StructShape<T> {
  const entries = Object.entries<Shape<unknown>>(fields)
  return {
    kind: 'struct',
    fields,
    isOpen,
    rule,
    fault: value => {
      if (typeof value !== 'object' || value === null) return `${show(value)} is not an object`
      for (const [key, shape] of entries) {
        const why = shape.fault((value as Record<string, unknown>)[key])
        if (why !== null) return `${key}: ${why}`
      }
      const { later } = value as { later?: unknown }
      if (isOpen && later !== undefined) {
        if (typeof later !== 'string' || later.length > LATER_BYTES_MAX || !BYTES.test(later)) {
          return `later: not a text of at most ${LATER_BYTES_MAX} bytes`
        }
      }
      return rule?.(value as T) ?? null
    }
  }
}

/**
 * What later versions may add to one part of a record, in bytes. Guess: a few numbers and a name or two. All five parts
 * of a record together still leave it small enough for one gossip message.
 */
export const LATER_BYTES_MAX = 160

/** How a value appears in a fault: short, and on one line. */
function show(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  }
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
