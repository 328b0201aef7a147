/**
 * From time to place and back. Where nothing ran for long, the time may be folded: it takes a few pixels, whatever its
 * length, and the rest has more room.
 */

/** A time in which nothing ran, in ms. */
export type Fold = Readonly<{ fromMs: number; toMs: number }>

export type Scale = Readonly<{
  fromMs: number
  toMs: number
  width: number
  x: (ms: number) => number
  ms: (x: number) => number
  folds: readonly (Fold & Readonly<{ x: number }>)[]
}>

export const FOLD_WIDTH = 26
/** A gap is folded if it is longer than this, and than a part of what is shown. */
const FOLD_MS_MIN = 3000
const FOLD_PART_MIN = 0.06

type Run = Readonly<{ fromMs: number; toMs: number | null }>

/** The times in which nothing ran, as far as they are worth a fold. */
export function foldsOf(spans: readonly Run[], fromMs: number, toMs: number): Fold[] {
  const least = Math.max(FOLD_MS_MIN, (toMs - fromMs) * FOLD_PART_MIN)
  const folds: Fold[] = []
  let freeSince = fromMs
  for (const span of spans.toSorted((x, y) => x.fromMs - y.fromMs)) {
    if (span.fromMs > toMs) break
    if (span.fromMs - freeSince > least) folds.push({ fromMs: freeSince, toMs: span.fromMs })
    freeSince = Math.max(freeSince, span.toMs ?? toMs)
  }
  // A time in which nothing ran at all stays as it is.
  if (freeSince === fromMs) return []
  if (toMs - freeSince > least) folds.push({ fromMs: freeSince, toMs })
  return folds
}

/** @param folds within the time, in order, and apart from each other */
export function scaleOf(
  fromMs: number,
  toMs: number,
  width: number,
  folds: readonly Fold[] = []
): Scale {
  const folded = folds.reduce((sum, fold) => sum + fold.toMs - fold.fromMs, 0)
  const room = Math.max(1, width - folds.length * FOLD_WIDTH)
  const perMs = room / Math.max(1, toMs - fromMs - folded)
  const knots: { ms: number; x: number }[] = [{ ms: fromMs, x: 0 }]
  const places: (Fold & { x: number })[] = []
  for (const fold of folds) {
    const last = knots.at(-1)!
    const x = last.x + (fold.fromMs - last.ms) * perMs
    places.push({ ...fold, x })
    knots.push({ ms: fold.fromMs, x }, { ms: fold.toMs, x: x + FOLD_WIDTH })
  }
  const last = knots.at(-1)!
  knots.push({ ms: toMs, x: last.x + (toMs - last.ms) * perMs })
  return {
    fromMs,
    toMs,
    width,
    x: ms => between(knots, ms, 'ms', 'x', perMs),
    ms: x => between(knots, x, 'x', 'ms', 1 / perMs),
    folds: places
  }
}

type Knot = Readonly<{ ms: number; x: number }>

/** Along the line through the knots; beyond its ends it goes on straight. */
function between(
  knots: readonly Knot[],
  value: number,
  from: keyof Knot,
  to: keyof Knot,
  slope: number
): number {
  const after = knots.findIndex(knot => knot[from] >= value)
  if (after === 0) return knots[0]![to] + (value - knots[0]![from]) * slope
  if (after < 0) {
    const last = knots.at(-1)!
    return last[to] + (value - last[from]) * slope
  }
  const [a, b] = [knots[after - 1]!, knots[after]!]
  const part = b[from] === a[from] ? 1 : (value - a[from]) / (b[from] - a[from])
  return a[to] + part * (b[to] - a[to])
}

const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000,
  300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000
]

/** Round times for the axis, about as many as fit. */
export function ticksOf({ fromMs, toMs, x }: Scale, spacing: number): number[] {
  const perMs = Math.abs(x(toMs) - x(fromMs)) / Math.max(1, toMs - fromMs)
  const step = STEPS_MS.find(ms => ms * perMs >= spacing) ?? STEPS_MS.at(-1)!
  const first = Math.ceil(fromMs / step) * step
  const ticks: number[] = []
  let lastX = -Infinity
  for (let ms = first; ms <= toMs && ticks.length < 200; ms += step) {
    if (x(ms) - lastX < spacing * 0.7) continue
    ticks.push(ms)
    lastX = x(ms)
  }
  return ticks
}
