/**
 * The writes that changed one task, as bytes on a disk: one by one while they are few, and beyond that as runs of one
 * boot after the other. A run is two counts, from the write `after` on: of writes that did not change the task, then of
 * writes that did.
 *
 * A list of any length can be read back: what was merged was merged, and a task that its own disk refuses would be lost
 * to its node, and with it the version vector.
 */
import type { BootId } from '../core/base/ids.ts'
import type { Dot } from '../core/task/record.ts'
import { list, struct, whole, type StructShape } from '../core/base/shape.ts'
import { SEQ_MAX } from '../core/base/ids.ts'
import { BOOT } from '../core/task/shapes.ts'
import { message, packed } from './schema.ts'
import { refuse, type Value } from './value.ts'

/** Number of writes up to which they are listed one by one. Guess: 15 KB. */
const LISTED_MAX = 1024
/** What can be read back at all: 1 GB of memory. */
export const WRITES_MAX: number = 2 ** 24
/** The next run begins with a message of its own, if it is further away. */
const GAP_MAX = 2 ** 32 - 1

export type Runs = Readonly<{ origin: BootId; after: number; lengths: readonly number[] }>
type Sent = Readonly<{ writes: readonly Dot[]; runs: readonly Runs[] }>

export const RUNS: StructShape<Runs> = struct<Runs>({
  origin: BOOT,
  after: whole(SEQ_MAX),
  lengths: list(whole(), 2 * WRITES_MAX)
})

export const runs: Value<Runs> = message(RUNS, { origin: 1, after: 2, lengths: packed(3) })

export function toFields(writes: readonly Dot[]): Sent {
  if (writes.length <= LISTED_MAX) return { writes, runs: [] }
  const byOrigin = Map.groupBy(writes, ({ origin }) => origin)
  return { writes: [], runs: [...byOrigin].flatMap(([origin, dots]) => runsOf(origin, dots)) }
}

export function fromFields({ writes, runs: all }: Sent): readonly Dot[] {
  if (all.length === 0) return writes
  const dots = [...writes]
  for (const { origin, after, lengths } of all) {
    let seq = after
    lengths.forEach((length, i) => {
      const end = seq + length
      if (i % 2 === 0) seq = end
      else if (dots.length + length > WRITES_MAX) refuse(`more than ${WRITES_MAX} writes`)
      while (seq < end) dots.push({ origin, seq: ++seq })
    })
    if (seq > SEQ_MAX) refuse('a write of no number')
  }
  return dots
}

function runsOf(origin: BootId, dots: readonly Dot[]): Runs[] {
  const all: { origin: BootId; after: number; lengths: number[] }[] = []
  let last = Number.NEGATIVE_INFINITY
  for (const seq of dots.map(each => each.seq).sort((x, y) => x - y)) {
    const lengths = all.at(-1)?.lengths
    const gap = seq - last - 1
    if (lengths === undefined || gap > GAP_MAX)
      all.push({ origin, after: seq - 1, lengths: [0, 1] })
    else if (gap === 0) lengths[lengths.length - 1]!++
    else lengths.push(gap, 1)
    last = seq
  }
  return all
}
