/**
 * What this replica knows to be over although its vector does not reach there yet: writes, author by author, whose tasks
 * have settled and been forgotten elsewhere.
 *
 * A vector alone cannot say so. News of one author may be here, those of another one not yet: a task that was created in
 * the one notebook and completed in the other would be covered by halves. So whoever sends such news names the forgotten
 * writes of all notebooks first. They are kept here as stretches, beside the vector, until it has passed them.
 */
import { nodeOf, tagOf, type BootId } from '../base/ids.ts'
import type { Batch, Span } from '../message.ts'
import type { Dot } from '../task/record.ts'

export class Cloud {
  /** In order, and neither touching nor overlapping. */
  readonly #spans = new Map<BootId, readonly Span[]>()
  /** Boots of which something else is to be kept on disk than before. */
  readonly #changed = new Set<BootId>()

  has({ origin, seq }: Dot): boolean {
    const spans = this.#spans.get(origin)
    if (spans === undefined) return false
    let from = 0
    let to = spans.length
    while (from < to) {
      const middle = (from + to) >> 1
      if (spans[middle]!.upTo < seq) from = middle + 1
      else to = middle
    }
    return from < spans.length && spans[from]!.after < seq
  }

  /** Whether all writes of the batch after `upTo` that it says to be forgotten are known to be so. */
  names({ origin, after, writes }: Batch, upTo: number): boolean {
    for (let i = upTo - after; i < writes.length; i++) {
      if (writes[i] === -1 && !this.has({ origin, seq: after + i + 1 })) return false
    }
    return true
  }

  /** What is known of writes beyond a place in each notebook. */
  *beyond(reach: (origin: BootId) => number): Generator<Span> {
    for (const [origin, spans] of this.#spans) yield* cut(spans, reach(origin))
  }

  /** How many stretches there are. */
  get size(): number {
    let size = 0
    for (const spans of this.#spans.values()) size += spans.length
    return size
  }

  /** The boot that ids of tasks name by this tag, if anything of it is known here. */
  byTag(tag: number): BootId | undefined {
    for (const origin of this.#spans.keys()) if (tagOf(origin) === tag) return origin
    return undefined
  }

  learn(spans: Iterable<Span>): void {
    for (const [origin, list] of Map.groupBy(spans, span => span.origin)) {
      this.#spans.set(origin, united([...(this.#spans.get(origin) ?? []), ...list]))
      this.#changed.add(origin)
    }
  }

  /** Lets go of what the vector says by itself. */
  tidy(merged: (origin: BootId) => number): void {
    for (const origin of this.#spans.keys()) this.passed(origin, merged(origin))
  }

  /** The vector has moved. What it has passed may stay on disk: it does no harm there. */
  passed(origin: BootId, upTo: number): void {
    const spans = this.#spans.get(origin)
    if (spans === undefined || spans[0]!.after >= upTo) return
    const left = cut(spans, upTo)
    if (left.length > 0) this.#spans.set(origin, left)
    else this.#drop(origin)
  }

  /** A boot is closed, and all older ones of its node: one entry in the vector stands for all they wrote. */
  close(boot: BootId): void {
    for (const origin of this.#spans.keys()) {
      if (nodeOf(origin) === nodeOf(boot) && origin <= boot) this.#drop(origin)
    }
  }

  /** Whether all is on disk, or on its way there. */
  get isClean(): boolean {
    return this.#changed.size === 0
  }

  /** What is to be kept on disk from now on, of each boot of which that has changed. */
  takeChanged(): Map<BootId, readonly Span[]> {
    const changed = new Map(
      Array.from(this.#changed, origin => [origin, this.#spans.get(origin) ?? []])
    )
    this.#changed.clear()
    return changed
  }

  #drop(origin: BootId): void {
    this.#spans.delete(origin)
    this.#changed.add(origin)
  }
}

/** What lies beyond a place. */
function cut(spans: readonly Span[], after: number): readonly Span[] {
  if (spans[0] === undefined || spans[0].after >= after) return spans
  return spans
    .filter(({ upTo }) => upTo > after)
    .map(span => (span.after < after ? { ...span, after } : span))
}

/** The same writes, in order and in as few stretches as there can be. */
function united(spans: Span[]): Span[] {
  const whole: Span[] = []
  for (const span of spans.sort((x, y) => x.after - y.after)) {
    const last = whole.at(-1)
    if (last === undefined || last.upTo < span.after) whole.push(span)
    else if (last.upTo < span.upTo) whole[whole.length - 1] = { ...last, upTo: span.upTo }
  }
  return whole
}
