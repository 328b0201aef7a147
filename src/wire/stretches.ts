/**
 * Stretches of writes, by their boots: numbers in pairs, of the writes between one stretch and the one before it, and
 * of the writes in it.
 *
 * Their boots go by the names of the message, although the field came later than the first ones: all of them stand in
 * the vector before it, so it introduces no name that others would have to count.
 */
import { UNREADABLE_MAX } from '../core/base/coverage.ts'
import { SEQ_MAX, type BootId } from '../core/base/ids.ts'
import { list, struct, whole } from '../core/base/shape.ts'
import { LIMITS } from '../core/options.ts'
import type { Span } from '../core/message.ts'
import { BOOT } from '../core/task/shapes.ts'
import { at, mapped, message, packed, type Builder } from './schema.ts'
import { refuse, type Value } from './value.ts'

type ByBoot = Readonly<{ origin: BootId; numbers: readonly number[] }>

const BY_BOOT = struct<ByBoot>({
  origin: BOOT,
  numbers: list(whole(SEQ_MAX), 2 * UNREADABLE_MAX)
})

/** @throws Refused what is no list of stretches, or of more than a member may tell */
const stretches: Value<readonly Span[]> = mapped(
  message(struct<{ boots: readonly ByBoot[] }>({ boots: list(BY_BOOT, LIMITS.vectorEntriesMax) }), {
    boots: at(1, message(BY_BOOT, { origin: 1, numbers: packed(2) }))
  }),
  (given: readonly Span[]) => ({
    boots: [...Map.groupBy(given, ({ origin }) => origin)].map(([origin, of]) => ({
      origin,
      numbers: numbersOf(of)
    }))
  }),
  ({ boots }) => {
    const spans = boots.flatMap(spansOf)
    return spans.length > UNREADABLE_MAX ? refuse(`${spans.length} unreadable stretches`) : spans
  }
)

/** Stretches that are sent only if there are any, and are not there at all otherwise. */
export function sparse(number: number): Builder {
  return () => ({
    number,
    write: (writer, given, names) => {
      const spans = (given ?? []) as readonly Span[]
      if (spans.length > 0) stretches.write(writer, number, spans, names)
    },
    read: (reader, wireType, names) => {
      const spans = stretches.read(reader, wireType, names)
      return spans.length === 0 ? undefined : spans
    },
    absent: () => undefined
  })
}

function numbersOf(of: readonly Span[]): number[] {
  let end = 0
  return [...of]
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
  if (end > SEQ_MAX) refuse('a stretch beyond the last write there can be')
  return spans
}
