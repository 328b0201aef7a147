/** Counts by labels: how often each combination of them occurred. The labels are few and fixed, or bounded by the caller. */
export class Tally<Labels extends readonly string[]> {
  readonly #counts = new Map<string, { readonly labels: Labels; count: number }>()

  add(...labels: Labels): void {
    const key = labels.join('\n')
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { labels, count: 1 })
    else known.count++
  }

  /** In the order of their first occurrence. */
  all(): Readonly<{ labels: Labels; count: number }>[] {
    return [...this.#counts.values()].map(({ labels, count }) => ({ labels, count }))
  }
}
