/** What an event means, where its name alone does not tell. */
const WORDS: Readonly<Record<string, string>> = {
  'node:refuted': 'heard again: it was only silent, and had not ended'
}

/** Null if the name says it. */
export function meaningOf(event: string): string | null {
  return WORDS[event] ?? null
}
