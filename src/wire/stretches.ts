/**
 * Stretches of writes, by their boots: numbers in pairs, of the writes between one stretch and the one before it, and of the
 * writes in it.
 */
import { UNREADABLE_MAX } from '../core/base/coverage.ts'
import type { Span } from '../core/message.ts'
import { LIMITS } from './limits.ts'
import {
  mapped,
  message,
  packed,
  refuse,
  repeated,
  required,
  usually,
  type Field,
  type Value
} from './schema.ts'
import { boot } from './values.ts'

const NONE: readonly Span[] = []
type ByBoot = Readonly<{ origin: string; numbers: readonly number[] }>

/** @throws Refused what is no list of stretches, or of more than anybody may tell */
const stretches: Value<readonly Span[]> = mapped(
  message({
    boots: repeated(
      1,
      message({ origin: required(1, boot), numbers: required(2, packed(0, 2 * UNREADABLE_MAX)) }),
      LIMITS.vectorEntriesMax
    )
  }),
  given => ({
    boots: [...Map.groupBy(given, ({ origin }) => origin)].map(([origin, list]) => ({
      origin,
      numbers: numbersOf(list)
    }))
  }),
  ({ boots }) => {
    const spans = boots.flatMap(spansOf)
    return spans.length > UNREADABLE_MAX ? refuse(`${spans.length} unreadable stretches`) : spans
  }
)

/** Sent only if there are any. */
export function unreadable(number: number): Field<readonly Span[]> {
  return usually(number, stretches, NONE, given => given.length === 0)
}

/** A message in which such a list is absent if it is empty. */
export function sparse<K extends string, T extends Readonly<Record<K, readonly Span[]>>>(
  value: Value<T>,
  ...keys: readonly K[]
): Value<Omit<T, K> & Partial<Pick<T, K>>> {
  const none = Object.fromEntries(keys.map(key => [key, NONE]))
  return mapped(
    value,
    given => ({ ...none, ...given }) as unknown as T,
    sent => {
      const empty = keys.filter(key => sent[key].length === 0)
      if (empty.length === 0) return sent
      const left = Object.entries(sent).filter(([key]) => !(empty as string[]).includes(key))
      return Object.fromEntries(left) as Omit<T, K> & Partial<Pick<T, K>>
    }
  )
}

function numbersOf(list: readonly Span[]): number[] {
  let end = 0
  return [...list]
    .sort((x, y) => x.after - y.after)
    .flatMap(({ after, upTo }) => {
      const pair = [after - end, upTo - after]
      end = upTo
      return pair
    })
}

function spansOf({ origin, numbers }: ByBoot): Span[] {
  if (numbers.length % 2 !== 0) refuse('half a stretch')
  const spans: Span[] = []
  let end = 0
  for (let i = 0; i < numbers.length; i += 2) {
    const after = end + numbers[i]!
    const upTo = after + numbers[i + 1]!
    if (upTo === after) refuse('a stretch of no writes')
    spans.push({ origin, after, upTo })
    end = upTo
  }
  return spans
}
