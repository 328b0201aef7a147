/**
 * A colour for each type of task, the same on all views. Which one depends on the name, so that it is the same tomorrow;
 * of two types that would get the same one, the second one that is seen takes the next that is free.
 */

/** Told apart by people who see fewer colours, too, as far as ten can be; readable on light and on dark. */
export const TYPE_COLOURS = [
  '#4a78d4',
  '#d98324',
  '#2f9c78',
  '#c4526b',
  '#8561c5',
  '#a8902a',
  '#2f95b3',
  '#c96aa6',
  '#70893a',
  '#946a4c'
] as const

const taken = new Map<string, number>()

export function colourOf(type: string): string {
  return TYPE_COLOURS[placeOf(type)]!
}

/** A number from 0, for the classes of the style sheet. */
export function placeOf(type: string): number {
  const known = taken.get(type)
  if (known !== undefined) return known
  const size = TYPE_COLOURS.length
  const free = Array.from({ length: size }, (_, n) => (hashOf(type) + n) % size)
  const used = new Set(taken.values())
  const place = free.find(one => !used.has(one)) ?? free[0]!
  taken.set(type, place)
  return place
}

function hashOf(text: string): number {
  let hash = 7
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) % 65_521
  return hash
}
