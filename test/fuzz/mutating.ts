/**
 * Messages that are a little off. Whole ones are taken apart, changed in one to three places and written down again as
 * long as the codec takes them: these get through every check of form. Bytes are flipped, cut, moved and repeated: most of
 * these do not, and the rest say things that no program would write.
 */
import type { Message } from '../../src/core/message.ts'
import type { Random } from '../../src/sim/world/random.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import { FRAME_BYTES_MAX } from '../../src/core/options.ts'
import type { Vocabulary } from './vocabulary.ts'

type Place = Readonly<{ field: string; value: unknown; set: (value: unknown) => void }>
type Bag = Record<string, unknown>

const CHANGES_MAX = 3
/** Of the changes, how many are of a list: there are few of them beside all the other fields, and they have bounds. */
const LISTS = 0.35
/** Longer lists than any bound allows, so that each bound is met: what the codec refuses is tried at half the length. */
const LENGTHS: readonly number[] = [2, 24, 25, 64, 256, 1000, 8192, 65_536]
const LONG: readonly number[] = [1000, 8192, 65_536]
/** A list is made no longer than this many values, the values in its items counted: it has to fit into a frame. */
const VALUES_MAX = 200_000
/** Lists are looked into up to here: one of a thousand equal things is no better place than one of three. */
const LOOKED_INTO = 3
const NASTY: readonly number[] = [0, 1, 0x7f, 0x80, 0xfe, 0xff]

/** A copy of a message with something changed; null if no such change can be written down. */
export function mutated(
  message: Message,
  random: Random,
  vocabulary: Vocabulary,
  checked: (message: Message) => Message | null = throughCodec
): Message | null {
  let result: Message | null = null
  for (let left = random.whole(1, CHANGES_MAX); left > 0; left--) {
    const next = changedOnce(result ?? message, random, vocabulary, checked)
    result = next ?? result
  }
  return result
}

/** A copy in which one list is as long as the codec takes it, and nothing else is changed; null if there is no list. */
export function stretched(
  message: Message,
  random: Random,
  vocabulary: Vocabulary
): Message | null {
  const copy = copyOf(message)
  const lists = Object.entries(copy).filter(([, value]) => isList(value))
  if (lists.length === 0) return null
  const [field, list] = random.pick(lists)
  for (let length = random.pick(LONG); length > 0; length >>= 1) {
    const longer = lengthened(list as readonly unknown[], field, length, random, vocabulary)
    const result = throughCodec({ ...copy, [field]: longer })
    if (result !== null) return result
  }
  return null
}

/** The same for anything else that has a form of its own, such as what lies on disk. */
export function mutatedValue<T>(value: T, random: Random, vocabulary: Vocabulary): T {
  const root = { value: copyOf(value) }
  for (let left = random.whole(1, CHANGES_MAX); left > 0; left--) {
    const places = placesOf(root.value, 'value', next => (root.value = next as T))
    const { value: before, field, set } = random.pick(places)
    set(changed(before, field, random, vocabulary))
  }
  return root.value
}

/** What is read from the bytes of a message, or null if it cannot be written or is refused. */
export function throughCodec(message: Message): Message | null {
  try {
    const bytes = encode(message)
    return bytes.length > FRAME_BYTES_MAX ? null : readFrom(bytes)
  } catch {
    return null
  }
}

/** A message of a kind that this version knows; null if it is refused or unknown. */
export function readFrom(bytes: Uint8Array): Message | null {
  const decoded = decode(bytes)
  return decoded.ok && decoded.message.kind !== 'other' ? decoded.message : null
}

/** Bytes that differ from these in one to four places. `others` are there to be spliced in. */
export function mutatedBytes(
  bytes: Uint8Array,
  others: readonly Uint8Array[],
  random: Random
): Uint8Array {
  let out = Buffer.from(bytes)
  for (let left = random.whole(1, 4); left > 0 && out.length > 0; left--) {
    const at = random.whole(0, out.length - 1)
    const end = Math.min(out.length, at + random.whole(1, 16))
    const other = others.length > 0 ? Buffer.from(random.pick(others)) : out
    const from = random.whole(0, Math.max(0, other.length - 1))
    const piece = other.subarray(from, from + random.whole(1, 200))
    switch (random.whole(0, 7)) {
      case 0:
        out[at] = out[at]! ^ (1 << random.whole(0, 7))
        break
      case 1:
        out[at] = random.pick(NASTY)
        break
      case 2:
        out = out.subarray(0, at)
        break
      case 3:
        out = Buffer.concat([out.subarray(0, at), out.subarray(end)])
        break
      case 4:
        out = Buffer.concat([out.subarray(0, end), out.subarray(at)])
        break
      case 5:
        out = Buffer.concat([out.subarray(0, at), piece, out.subarray(at)])
        break
      case 6:
        out = Buffer.concat([out.subarray(0, at), piece, out.subarray(end)])
        break
      case 7:
        if (at + 8 <= out.length) out.writeDoubleLE(random.pick([0, -1, 2 ** 53 - 1, NaN]), at)
        break
    }
  }
  return out
}

function changedOnce(
  message: Message,
  random: Random,
  vocabulary: Vocabulary,
  checked: (message: Message) => Message | null
): Message | null {
  const copy = copyOf(message)
  const places = placesOf(copy, 'message', () => {}).filter(({ field }) => !isFixed(field))
  if (places.length === 0) return null
  const lists = places.filter(({ value }) => isList(value))
  const some = lists.length > 0 && random.chance(LISTS) ? lists : places
  const { value, field, set } = random.pick(some)
  if (!isList(value) || random.chance(0.4)) {
    set(changed(value, field, random, vocabulary))
    return checked(copy)
  }
  // As long as the codec takes it.
  for (let length = lengthOf(random); length > 0; length >>= 1) {
    set(lengthened(value, field, length, random, vocabulary))
    const result = checked(copy)
    if (result !== null) return result
  }
  return null
}

/** The longest seldom: what is long is slow, and one list of each kind finds whether it is too slow. */
function lengthOf(random: Random): number {
  return LENGTHS[Math.floor(random.next() ** 3 * LENGTHS.length)]!
}

function isList(value: unknown): value is readonly unknown[] | ReadonlyMap<unknown, unknown> {
  return Array.isArray(value) || value instanceof Map
}

/** Of what kind a message is says where its fields are. */
function isFixed(field: string): boolean {
  return field === 'kind' || field === 'message'
}

function changed(value: unknown, field: string, random: Random, vocabulary: Vocabulary): unknown {
  if (value === null) return vocabulary.seen(field) ?? vocabulary.number()
  if (random.chance(0.1)) return null
  if (typeof value === 'number') {
    return random.chance(0.8) ? vocabulary.number() : value + random.pick([-1, 1])
  }
  if (typeof value === 'boolean') return !value
  if (typeof value === 'string') return vocabulary.text(value, field)
  if (Array.isArray(value)) return rearranged(value, field, random, vocabulary)
  if (value instanceof Map) {
    const [first] = value.keys()
    const key = typeof first === 'string' ? vocabulary.text(first, field) : vocabulary.boot()
    return new Map([...value, [key, vocabulary.number()]])
  }
  return vocabulary.seen(field) ?? value
}

function rearranged(
  list: readonly unknown[],
  field: string,
  random: Random,
  vocabulary: Vocabulary
): readonly unknown[] {
  const other = vocabulary.seen(field)
  switch (random.whole(0, 4)) {
    case 0:
      return []
    case 1:
      return list.slice(1)
    case 2:
      return [...list, ...list]
    case 3:
      return list.toReversed()
    default:
      return Array.isArray(other) ? [...list, ...other.slice(0, 8)] : list
  }
}

function lengthened(
  list: readonly unknown[] | ReadonlyMap<unknown, unknown>,
  field: string,
  length: number,
  random: Random,
  vocabulary: Vocabulary
): unknown {
  if (list instanceof Map) {
    const entries = Array.from(
      { length },
      () => [vocabulary.newBoot(), random.whole(1, 9)] as const
    )
    return new Map([...(list as ReadonlyMap<unknown, unknown>), ...entries])
  }
  const items = list as readonly unknown[]
  const item = items[0] ?? vocabulary.seen(`${field}[]`)
  if (item === undefined) return items
  const room = Math.floor(VALUES_MAX / placesOf(item, field, () => {}).length)
  const isSame = random.chance(0.2)
  const fill = Array.from({ length: Math.min(length, room) }, () =>
    isSame ? item : renewed(item, vocabulary)
  )
  return [...items, ...fill].slice(0, Math.max(length, items.length))
}

/** The same with other names in it. */
function renewed(value: unknown, vocabulary: Vocabulary): unknown {
  if (typeof value === 'string') return vocabulary.another(value)
  if (Array.isArray(value)) return value.map(item => renewed(item, vocabulary))
  if (value === null || typeof value !== 'object' || value instanceof Map) return value
  const named = Object.entries(value).map(([key, inner]) => [
    key,
    typeof inner === 'string' && !isName(key) ? inner : renewed(inner, vocabulary)
  ])
  return Object.fromEntries(named)
}

/** Fields that name something. Others of text say one of a few words, or anything. */
function isName(field: string): boolean {
  return ['id', 'origin', 'boot', 'name', 'hash', 'type'].includes(field)
}

function placesOf(value: unknown, field: string, set: (value: unknown) => void): Place[] {
  const places: Place[] = [{ field, value, set }]
  if (Array.isArray(value)) {
    const items = value as unknown[]
    for (let at = 0; at < Math.min(LOOKED_INTO, items.length); at++) {
      places.push(...placesOf(items[at], field, next => (items[at] = next)))
    }
  } else if (value instanceof Map) {
    for (const key of [...value.keys()].slice(0, LOOKED_INTO)) {
      places.push({ field, value: value.get(key), set: next => value.set(key, next) })
    }
  } else if (value !== null && typeof value === 'object' && !(value instanceof Uint8Array)) {
    const bag = value as Bag
    for (const key of Object.keys(bag)) {
      places.push(...placesOf(bag[key], key, next => (bag[key] = next)))
    }
  }
  return places
}

/** Down to the last value, so that nobody else's is changed. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (value instanceof Map) return new Map(value) as T
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)])) as T
}
