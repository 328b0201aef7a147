/**
 * Total orders. Text is compared by code unit (`<`), never by locale: a locale differs between computers, and
 * replicas that break a tie differently never agree again.
 */

/** Negative, zero or positive, as for `Array.prototype.sort`. */
export function compareText(x: string, y: string): number {
  return x < y ? -1 : x > y ? 1 : 0
}

/** Where a text stands in a list in that order, or would stand. */
export function placeOf(sorted: readonly string[], text: string): number {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (sorted[middle]! < text) from = middle + 1
    else to = middle
  }
  return from
}

/**
 * A total order over plain values (null, booleans, numbers, texts, arrays, objects with such fields): zero only for
 * values that are equal in every part. It is the last word of every join, so that no two different states tie.
 */
export function compareValues(x: unknown, y: unknown): number {
  if (x === y) return 0
  const kind = rankOfKind(x) - rankOfKind(y)
  if (kind !== 0) return kind
  if (typeof x === 'string') return compareText(x, y as string)
  if (Array.isArray(x)) return compareArrays(x, y as unknown[])
  if (typeof x === 'object' && x !== null) return compareObjects(x, y as object)
  return Number(x) - Number(y)
}

/** Whether `compareValues` is zero, at a tenth of its price: two copies of one value need no order of fields. */
export function sameValues(x: unknown, y: unknown): boolean {
  if (x === y) return true
  if (typeof x !== 'object' || typeof y !== 'object' || x === null || y === null) return false
  if (Array.isArray(x)) {
    return Array.isArray(y) && x.length === y.length && x.every((item, i) => sameValues(item, y[i]))
  }
  return !Array.isArray(y) && sameFields(x as Fields, y as Fields)
}

type Fields = Readonly<Record<string, unknown>>

function sameFields(x: Fields, y: Fields): boolean {
  for (const key in x) if (!sameValues(x[key], y[key])) return false
  for (const key in y) if (x[key] === undefined && y[key] !== undefined) return false
  return true
}

function rankOfKind(value: unknown): number {
  if (value === null || value === undefined) return 0
  if (Array.isArray(value)) return 4
  return { boolean: 1, number: 2, string: 3 }[typeof value as string] ?? 5
}

function compareArrays(x: readonly unknown[], y: readonly unknown[]): number {
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const order = compareValues(x[i], y[i])
    if (order !== 0) return order
  }
  return x.length - y.length
}

function compareObjects(x: object, y: object): number {
  const flat = (value: object): unknown[] =>
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => compareText(a, b))
  return compareArrays(flat(x), flat(y))
}
