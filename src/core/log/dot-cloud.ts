/**
 * What this replica knows to be over although its vector does not reach there yet: writes, origin by origin, whose
 * tasks have settled and been pruned elsewhere.
 *
 * A vector alone cannot say so. News of one origin may be here, those of another one not yet: a task that was created
 * in the log of the one and completed in that of the other would be covered by halves. So a peer that sends such news
 * names the pruned writes of all origins first. They are kept here as stretches, beside the vector, until it has passed
 * them.
 */
import { assert } from '../base/assert.ts'
import { Boots } from '../base/boots.ts'
import { tagOf, type BootId } from '../base/ids.ts'
import { PRUNED, type Batch, type Span } from '../message.ts'
import type { Dot } from '../task/record.ts'
import { Spans } from './spans.ts'

export class DotCloud {
  readonly #spans = new Map<BootId, Spans>()
  readonly #boots = new Boots()
  /** Boots by the tags that ids of tasks carry. */
  readonly #tags = new Map<number, BootId>()
  /** Boots of which something else is to be kept on disk than before. */
  readonly #changed = new Set<BootId>()
  #size = 0

  has({ origin, seq }: Dot): boolean {
    return this.#spans.get(origin)?.has(seq) ?? false
  }

  /** Whether all writes of the batch after `upTo` that it says to be pruned are known to be so. */
  names({ origin, after, writes }: Batch, upTo: number): boolean {
    for (let i = upTo - after; i < writes.length; i++) {
      if (writes[i] === PRUNED && !this.has({ origin, seq: after + i + 1 })) return false
    }
    return true
  }

  /** What is known of writes beyond a place in the log of each origin. */
  *beyond(reach: (origin: BootId) => number): Generator<Span> {
    for (const [origin, spans] of this.#spans) {
      for (const stretch of spans.beyond(reach(origin))) yield { origin, ...stretch }
    }
  }

  /** What is known of the writes of a stretch. */
  *within({ origin, after, upTo }: Span): Generator<Span> {
    for (const each of this.#spans.get(origin)?.beyond(after) ?? []) {
      if (each.after >= upTo) return
      yield { origin, after: each.after, upTo: Math.min(each.upTo, upTo) }
    }
  }

  /** The writes of a stretch of which nothing is known. */
  *without(stretch: Span): Generator<Span> {
    const { origin, upTo } = stretch
    let { after } = stretch
    for (const known of this.within(stretch)) {
      if (after < known.after) yield { origin, after, upTo: known.after }
      after = known.upTo
    }
    if (after < upTo) yield { origin, after, upTo }
  }

  /** How many stretches there are. */
  get size(): number {
    return this.#size
  }

  /** The boot that ids of tasks name by this tag, if anything of it is known here. */
  byTag(tag: number): BootId | undefined {
    return this.#tags.get(tag)
  }

  learn(all: Iterable<Span>): void {
    for (const span of all) {
      const { origin } = span
      this.#change(this.#of(origin), spans => spans.add(span))
      this.#changed.add(origin)
    }
  }

  /** Lets go of what the vector says by itself. */
  tidy(merged: (origin: BootId) => number): void {
    for (const origin of this.#spans.keys()) this.passed(origin, merged(origin))
  }

  /** The vector has moved. What it has passed may stay on disk: it does no harm there. */
  passed(origin: BootId, upTo: number): void {
    const known = this.#spans.get(origin)
    if (known === undefined) return
    this.#change(known, spans => spans.cut(upTo))
    if (known.size === 0) this.#drop(origin)
  }

  /** A boot is retired, and all older ones of its node: one entry in the vector stands for all they wrote. */
  close(boot: BootId): void {
    for (const origin of this.#boots.upTo(boot)) this.#drop(origin)
  }

  /** Whether all is on disk, or on its way there. */
  get isClean(): boolean {
    return this.#changed.size === 0
  }

  /** What is to be kept on disk from now on, of each boot of which that has changed. */
  takeChanged(): Map<BootId, readonly Span[]> {
    const changed = new Map(Array.from(this.#changed, origin => [origin, this.#all(origin)]))
    this.#changed.clear()
    return changed
  }

  assertInvariants(): void {
    let size = 0
    for (const [origin, spans] of this.#spans) {
      spans.assertInvariants()
      assert(spans.size > 0, 'no boot is kept of which nothing is known to be over', origin)
      assert(
        this.#tags.has(tagOf(origin)),
        'a boot is found by the tag that ids of tasks carry',
        origin
      )
      size += spans.size
    }
    for (const [tag, origin] of this.#tags) {
      assert(tagOf(origin) === tag, 'a boot is kept under its tag', origin)
      assert(
        this.#spans.has(origin),
        'of a boot that is found by its tag something is known',
        origin
      )
    }
    this.#boots.assertInvariants(this.#spans)
    assert(size === this.#size, 'the stretches of all boots in the dot cloud are counted')
  }

  #all(origin: BootId): Span[] {
    const spans = this.#spans.get(origin)?.beyond(0) ?? []
    return Array.from(spans, stretch => ({ origin, ...stretch }))
  }

  #of(origin: BootId): Spans {
    let spans = this.#spans.get(origin)
    if (spans === undefined) {
      this.#spans.set(origin, (spans = new Spans()))
      this.#boots.add(origin)
      this.#tags.set(tagOf(origin), origin)
    }
    return spans
  }

  #change(spans: Spans, change: (spans: Spans) => void): void {
    const before = spans.size
    change(spans)
    this.#size += spans.size - before
  }

  #drop(origin: BootId): void {
    this.#size -= this.#spans.get(origin)!.size
    this.#spans.delete(origin)
    this.#boots.delete(origin)
    if (this.#tags.get(tagOf(origin)) === origin) this.#tags.delete(tagOf(origin))
    this.#changed.add(origin)
  }
}
