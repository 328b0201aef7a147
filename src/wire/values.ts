/**
 * Values that messages of several kinds are made of.
 */
import type { VersionVector } from '../core/message.ts'
import { LABEL, DOT } from '../core/task/shapes.ts'
import { VECTOR_ENTRY } from '../core/message-shapes.ts'
import { list, struct } from '../core/base/shape.ts'
import { LIMITS } from '../core/options.ts'
import type { BootId } from '../core/base/ids.ts'
import type { Labels } from '../core/task/labels.ts'
import type { Dot } from '../core/task/record.ts'
import { at, mapped, message } from './schema.ts'
import type { Value } from './value.ts'

export const dot: Value<Dot> = message(DOT, { origin: 1, seq: 2 })

type Entry = Readonly<{ origin: BootId; seq: number }>

export const vector: Value<VersionVector> = mapped(
  message(
    struct<{ entries: readonly Entry[] }>({
      entries: list(VECTOR_ENTRY, LIMITS.vectorEntriesMax)
    }),
    { entries: at(1, message(VECTOR_ENTRY, { origin: 1, seq: 2 })) }
  ),
  (given: VersionVector) => ({ entries: [...given].map(([origin, seq]) => ({ origin, seq })) }),
  sent => new Map(sent.entries.map(entry => [entry.origin, entry.seq]))
)

type Pair = Readonly<{ key: string; value: string }>

const PAIR = struct<Pair>({ key: LABEL, value: LABEL })

export const labels: Value<Labels> = mapped(
  message(struct<{ pairs: readonly Pair[] }>({ pairs: list(PAIR, LIMITS.labelsMax) }), {
    pairs: at(1, message(PAIR, { key: 1, value: 2 }))
  }),
  given => ({ pairs: Object.entries(given).map(([key, value]) => ({ key, value })) }),
  sent => Object.fromEntries(sent.pairs.map(({ key, value }) => [key, value]))
)
