/** What nodes have counted, on the wire. */
import { HISTOGRAM_BUCKETS, type TypeCounts } from '../core/counting/counts.ts'
import type { Counts } from '../core/message.ts'
import { COUNTS_TYPES_PER_MESSAGE_MAX, TASK_LIMITS } from '../core/options.ts'
import {
  duration,
  mapped,
  message,
  packed,
  repeated,
  required,
  text,
  uint,
  type Value
} from './schema.ts'
import { boot } from './values.ts'

const typeCounts = mapped(
  message({
    type: required(1, text(TASK_LIMITS.typeLengthMax * 4)),
    completed: required(2, uint()),
    failed: required(3, uint()),
    cancelled: required(4, uint()),
    retried: required(5, uint()),
    sumMs: required(6, duration),
    runs: required(7, packed(0, HISTOGRAM_BUCKETS))
  }),
  ({ runs, ...counts }: TypeCounts) => ({ ...counts, sumMs: runs.sumMs, runs: runs.counts }),
  ({ runs, sumMs, ...counts }) => ({ ...counts, runs: { sumMs, counts: runs } })
)

export const counts: Value<Omit<Counts, 'kind'>> = message({
  boot: required(1, boot),
  sequence: required(2, uint(Number.MAX_SAFE_INTEGER, 1)),
  types: repeated(3, typeCounts, COUNTS_TYPES_PER_MESSAGE_MAX)
})
