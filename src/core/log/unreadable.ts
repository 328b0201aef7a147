/**
 * Writes that the vector has passed although they could not be read here, as when a later version of hearsay made them.
 *
 * One such write costs itself alone: the vector passes it, all others follow. But the vector says "merged", and this
 * was not. So the writes are kept beside it, on disk too, and are told with it wherever it is told: nobody takes them
 * for known here, or for pruned. A later version of hearsay on this node asks for them again.
 *
 * What has been read since counts as unreadable for others until that is on disk.
 */
import { assert } from '../base/assert.ts'
import { UNREADABLE_MAX } from '../base/coverage.ts'
import { Dots, type Stretch } from '../base/dots.ts'
import { nodeOf, type BootId } from '../base/ids.ts'
import type { Dot } from '../task/record.ts'
import type { UnreadableSpan } from '../effect.ts'

/**
 * Version of writes that nobody could read where they came from: in a file, or with all members that were left. A
 * member that has one is asked for it. No version is called so.
 */
export const BY_NOBODY = ''

export class Unreadable {
  /** What cannot be read here. */
  readonly dots: Dots = new Dots()
  /** What others are told cannot be read here: `dots`, and what was read a moment ago and is not on disk yet. */
  readonly told: Dots = new Dots()
  /** The same as `dots`, by the version of hearsay that could not read them. */
  readonly #by = new Map<string, Dots>()
  /** Those of them that could be read if the write that created their task could be. */
  readonly #withTask = new Dots()
  readonly #changed = new Set<BootId>()
  readonly #version: string
  /** Boots of which the next writes are too many to be kept. */
  readonly #stuck = new Set<BootId>()

  /** @param version of hearsay on this node */
  constructor(version: string) {
    this.#version = version
  }

  /**
   * Whether this many more stretches may be kept. 1024 take at most 10 KiB of a heartbeat, which carries all of them
   * beside much else and has 64 KiB. Guess: a version that writes more than that which an older one cannot read will
   * say so.
   */
  hasRoomFor(origin: BootId, stretches: number, max: number = UNREADABLE_MAX): boolean {
    const isRoom = stretches === 0 || this.#size + stretches <= max
    if (isRoom) this.#stuck.delete(origin)
    else if (this.#stuck.size < UNREADABLE_MAX) this.#stuck.add(origin)
    return isRoom
  }

  /** Boots of which nothing more is taken in, for want of room. */
  get stuck(): ReadonlySet<BootId> {
    return this.#stuck
  }

  /** @param by the version that cannot read them. @default that of this node */
  note(stretch: Stretch, by: string = this.#version): void {
    for (const dots of [this.#withTask, ...this.#by.values()]) dots.remove(stretch)
    const same = this.#by.get(by)
    if (same === undefined) this.#by.set(by, new Dots([stretch]))
    else same.add(stretch)
    this.dots.add(stretch)
    this.told.add(stretch)
    this.#changed.add(stretch.origin)
  }

  /** These writes are about a task whose creation could not be read. When that is, they are asked for again, too. */
  noteWith(task: Dot, stretch: Stretch): void {
    const [by = BY_NOBODY] = [...this.#by].find(([, dots]) => dots.has(task)) ?? []
    this.note(stretch, by)
    if (by === this.#version) this.#withTask.add(stretch)
  }

  /**
   * They have been read, or need not be any more. Returns whether that is so: where it would make more stretches of
   * those that are left than may be kept, they stay unreadable until there is room.
   */
  read(stretch: Stretch): boolean {
    if (!this.dots.meets(stretch)) return true
    if (this.#size >= UNREADABLE_MAX && this.dots.isSplitBy(stretch)) return false
    this.dots.remove(stretch)
    for (const dots of [this.#withTask, ...this.#by.values()]) dots.remove(stretch)
    this.#changed.add(stretch.origin)
    this.#stuck.clear()
    // Which of them it was about is not known any more.
    for (const each of this.#withTask.all()) this.note(each, BY_NOBODY)
    return true
  }

  /** Everything of a boot and of older ones of its node is over. */
  close(boot: BootId): void {
    for (const origin of [...this.dots.origins(), ...this.told.origins()]) {
      if (nodeOf(origin) !== nodeOf(boot) || origin > boot) continue
      for (const stretch of this.dots.of(origin)) this.read(stretch)
      this.told.drop(origin)
    }
  }

  /** Those that another version could not read: to be asked for again. */
  again(): Stretch[] {
    return [...this.#by].flatMap(([by, dots]) => (by === this.#version ? [] : dots.all()))
  }

  /** All of them, in order. */
  all(): UnreadableSpan[] {
    return [...this.#by].flatMap(([by, dots]) => dots.all().map(stretch => ({ ...stretch, by })))
  }

  /** The last write of a boot after `after` before one that others cannot be shown; `upTo` if there is none. */
  readableUpTo(origin: BootId, after: number, upTo: number): number {
    const next = this.told.of(origin).find(each => each.upTo > after)
    return next === undefined ? upTo : Math.min(upTo, Math.max(after, next.after))
  }

  has(dot: Dot): boolean {
    return this.dots.has(dot)
  }

  /** The last write of the stretch of them that a write stands in; the one before it, if it is readable. */
  unreadUpTo({ origin, seq }: Dot): number {
    return (
      this.told.of(origin).find(({ after, upTo }) => after < seq && seq <= upTo)?.upTo ?? seq - 1
    )
  }

  /** How many stretches cannot be read, or are told to others, whichever are more. */
  get #size(): number {
    return Math.max(this.dots.size, this.told.size)
  }

  get isClean(): boolean {
    return this.#changed.size === 0
  }

  /** What is to be kept on disk from now on, of each boot of which that has changed. */
  takeChanged(): Map<BootId, readonly UnreadableSpan[]> {
    const all = this.#changed.size === 0 ? [] : this.all()
    const changed = new Map(
      Array.from(this.#changed, boot => [boot, all.filter(({ origin }) => origin === boot)])
    )
    this.#changed.clear()
    return changed
  }

  /** These stretches are on disk. */
  landed(kept: ReadonlyMap<BootId, readonly UnreadableSpan[]>): void {
    for (const [origin, stretches] of kept) {
      const told = new Dots([...stretches, ...this.dots.of(origin)])
      const size = this.told.size - this.told.of(origin).length + told.size
      // What is told stays coarser than it need be, until there is room: that shows less to others, and nothing that is
      // not.
      if (size <= UNREADABLE_MAX) this.told.set(origin, told.of(origin))
      else this.#changed.add(origin)
    }
  }

  assertInvariants(): void {
    for (const dots of [this.dots, this.told, this.#withTask, ...this.#by.values()]) {
      dots.assertInvariants()
    }
    const ofVersions = [...this.#by.values()].flatMap(dots => dots.all())
    for (const stretch of [...ofVersions, ...this.#withTask.all()]) {
      assert(
        isIn(this.dots, stretch),
        'what a version could not read is unreadable',
        stretch.origin
      )
    }
    const all = this.dots.all()
    assert(lengthOf(ofVersions) === lengthOf(all), 'one version could not read each write')
    for (const stretch of all) {
      assert(isIn(this.told, stretch), 'others are told of what is unreadable', stretch.origin)
    }
    assert(this.#stuck.size <= UNREADABLE_MAX, 'boots that are stuck have a bound')
  }

  /** Takes back what was on disk. */
  restore(stretches: Iterable<UnreadableSpan>): void {
    for (const { by, ...stretch } of stretches) this.note(stretch, by)
    this.#changed.clear()
  }
}

function isIn(dots: Dots, { origin, after, upTo }: Stretch): boolean {
  return dots.of(origin).some(each => each.after <= after && upTo <= each.upTo)
}

/** How many writes they have. */
function lengthOf(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { after, upTo }) => sum + upTo - after, 0)
}
