/** What nodes have counted, on the wire. */
import type { TypeCounts, Counts } from '../core/message.ts'
import { struct, type StructShape } from '../core/base/shape.ts'
import { COUNTS, TYPE_COUNTS } from '../core/message-shapes.ts'
import { at, mapped, message, packed } from './schema.ts'
import type { Value } from './value.ts'

type Flat = Omit<TypeCounts, 'runs'> & Readonly<{ sumMs: number; runs: readonly number[] }>

const { runs: RUNS, ...NUMBERS } = TYPE_COUNTS.fields
const { sumMs, counts: buckets } = (RUNS as StructShape<TypeCounts['runs']>).fields

const typeCounts: Value<TypeCounts> = mapped(
  message(struct<Flat>({ ...NUMBERS, sumMs, runs: buckets }), {
    type: 1,
    completed: 2,
    failed: 3,
    cancelled: 4,
    retried: 5,
    sumMs: 6,
    runs: packed(7)
  }),
  ({ runs, ...counts }: TypeCounts) => ({ ...counts, sumMs: runs.sumMs, runs: runs.counts }),
  ({ runs, sumMs: sum, ...counts }) => ({ ...counts, runs: { sumMs: sum, counts: runs } })
)

export const counts: Value<Omit<Counts, 'kind'>> = message(COUNTS, {
  boot: 1,
  sequence: 2,
  types: at(3, typeCounts)
})
