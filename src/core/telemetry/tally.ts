/**
 * Counts by labels: how often each combination of them occurred. The labels are few and fixed, or bounded by the
 * caller.
 */
export class Tally<Labels extends readonly string[]> {
  readonly #counts = new Map<string, { readonly labels: Labels; count: number }>()

  /** @param known what may occur, as far as that is known: counted from the start, with 0 */
  constructor(known: readonly Labels[] = []) {
    for (const labels of known) this.#counts.set(keyOf(labels), { labels, count: 0 })
  }

  add(...labels: Labels): void {
    const key = keyOf(labels)
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { labels, count: 1 })
    else known.count++
  }

  /** Known ones first, then in the order of their first occurrence. */
  all(): Readonly<{ labels: Labels; count: number }>[] {
    return [...this.#counts.values()].map(({ labels, count }) => ({ labels, count }))
  }
}

function keyOf(labels: readonly string[]): string {
  return labels.join('\n')
}
