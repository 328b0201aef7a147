/**
 * What this replica knows of every boot that ever wrote: its notebook, as long as anything of it is left, or just that it
 * is closed; and which writes further on in it are about tasks that are over.
 */
import { assert } from '../base/assert.ts'
import { creationOf, nodeOf, tagOf, type BootId, type NodeId, type TaskId } from '../base/ids.ts'
import { compareText } from '../base/order.ts'
import { Dots, without, type Stretch } from '../base/dots.ts'
import { CLOSED, reach } from '../base/vector.ts'
import type { UnreadableSpan } from '../effect.ts'
import type { Span, VersionVector } from '../message.ts'
import type { Dot } from '../task/record.ts'
import { Cloud } from './cloud.ts'
import type { Entry } from './entry.ts'
import { OriginLog } from './origin-log.ts'
import { Unreadable } from './unreadable.ts'

export class Origins {
  /** What has been forgotten elsewhere, beyond the vector. */
  readonly cloud: Cloud = new Cloud()
  /** What the vector has passed without having been read. */
  readonly unreadable: Unreadable
  readonly #self: BootId
  readonly #logs = new Map<BootId, OriginLog>()
  /** By the tags that ids of tasks carry. */
  readonly #tags = new Map<number, BootId>()
  /** Node -> the last of its boots that is closed. */
  readonly #closed = new Map<NodeId, BootId>()
  readonly #durable = new Map<BootId, number>()

  /** @param version of hearsay on this node */
  constructor(self: BootId, version: string = '') {
    this.#self = self
    this.unreadable = new Unreadable(version)
    this.of(self)
  }

  /** The notebook of a boot; a new one, if it was not heard of before. */
  of(origin: BootId): OriginLog {
    let log = this.#logs.get(origin)
    if (log === undefined) {
      assert(!this.isClosed(origin), 'nothing new comes of a closed boot')
      this.#logs.set(origin, (log = new OriginLog()))
      this.#tags.set(tagOf(origin), origin)
    }
    return log
  }

  get(origin: BootId): OriginLog | undefined {
    return this.#logs.get(origin)
  }

  /** Whether the write was merged, or is known to be about a task that is over. */
  hasSeen(dot: Dot): boolean {
    return this.hasMerged(dot) || this.cloud.has(dot)
  }

  /** Whether the write has been read and merged. */
  hasMerged(dot: Dot): boolean {
    return this.merged(dot.origin) >= dot.seq && !this.unreadable.has(dot)
  }

  /** Whether the write that created a task has been seen, as far as the id tells which one that was. */
  hasSeenCreation(id: TaskId): boolean {
    const { tag, seq } = creationOf(id)
    const origin = this.#tags.get(tag) ?? this.cloud.byTag(tag)
    return seq > 0 && origin !== undefined && this.hasSeen({ origin, seq })
  }

  /** Whether the write that created a task may be one that could not be read. Of some, the id does not tell which it was. */
  mayBeUnreadable(id: TaskId): boolean {
    const { tag, seq } = creationOf(id)
    if (seq === 0) return !this.unreadable.dots.isEmpty
    const origin = this.#tags.get(tag)
    return origin !== undefined && this.unreadable.has({ origin, seq })
  }

  /** Up to which write of `origin` everything is merged. */
  merged(origin: BootId): number {
    // Of a closed boot there is no notebook any more.
    return this.#logs.get(origin)?.upTo ?? (this.isClosed(origin) ? CLOSED : 0)
  }

  /** Whether a boot has ended and everything of it has been forgotten. */
  isClosed(origin: BootId): boolean {
    const last = this.#closed.get(nodeOf(origin))
    return last !== undefined && origin <= last
  }

  /** Boots that are not closed, oldest first for each node, and whether all they changed has been forgotten here. */
  open(): { boot: BootId; upTo: number; isEmpty: boolean }[] {
    return [...this.#logs]
      .map(([boot, { upTo, isEmpty }]) => ({
        boot,
        upTo,
        isEmpty: isEmpty && this.unreadable.told.of(boot).length === 0
      }))
      .sort((x, y) => compareText(x.boot, y.boot))
  }

  /** Closes a boot and all older ones of its node, so that one entry in the vector stands for all of them. */
  close(boot: BootId): void {
    const node = nodeOf(boot)
    assert(node !== nodeOf(this.#self) || boot < this.#self, 'a boot that writes is not closed')
    for (const origin of this.#logs.keys()) {
      if (nodeOf(origin) === node && origin <= boot) this.#logs.delete(origin)
    }
    this.#closed.set(node, boot)
    this.cloud.close(boot)
    this.unreadable.close(boot)
  }

  /** What this replica has merged, on disk or not yet. */
  vector(): VersionVector {
    const vector = new Map<BootId, number>()
    for (const [origin, log] of this.#logs) if (log.upTo > 0) vector.set(origin, log.upTo)
    for (const boot of this.#closed.values()) vector.set(boot, CLOSED)
    return vector
  }

  /** What this replica has on disk. */
  get durable(): VersionVector {
    return this.#durable
  }

  /** An entry of the vector is on disk. */
  noteDurable(origin: BootId, upTo: number): void {
    if (upTo === CLOSED) {
      for (const boot of this.#durable.keys()) {
        if (nodeOf(boot) === nodeOf(origin) && boot < origin) this.#durable.delete(boot)
      }
    } else if (this.isClosed(origin)) return
    else this.of(origin).durableUpTo = upTo
    this.#durable.set(origin, upTo)
  }

  /** Takes back the vector that was on disk, once the writes that it covers are back. */
  restore(
    vector: VersionVector,
    forgotten: readonly Span[],
    unreadable: readonly UnreadableSpan[] = []
  ): void {
    for (const [origin, upTo] of vector) {
      if (upTo === CLOSED) this.close(origin)
    }
    for (const [origin, upTo] of vector) {
      if (this.merged(origin) < upTo) this.of(origin).restore(upTo, null)
      this.noteDurable(origin, upTo)
    }
    this.cloud.learn(forgotten)
    this.cloud.takeChanged()
    this.cloud.tidy(origin => this.merged(origin))
    // If the vector was given up, what it passed is to be heard anew.
    this.unreadable.restore(
      unreadable.filter(({ origin, upTo }) => {
        const merged = this.merged(origin)
        return upTo <= merged && merged !== CLOSED
      })
    )
  }

  /** The task that a write changed, if that was merged and the task has not been pruned. */
  writtenBy(origin: BootId, seq: number): Entry | null {
    const log = this.#logs.get(origin)
    return log === undefined || seq > log.upTo ? null : log.at(seq)
  }

  /**
   * Whether a replica with this vector would be moved over tasks that have been pruned, or has passed such writes without
   * being able to read them.
   */
  hasHoles(vector: VersionVector, unreadable: readonly Stretch[] = []): boolean {
    const beyond = this.forgotten(origin => reach(vector, origin))
    if (this.closedBeyond(vector).length > 0 || beyond.next().done === false) return true
    return unreadable.length > 0 && new Dots(unreadable).all().some(each => this.#hasHoleIn(each))
  }

  #hasHoleIn({ origin, after, upTo }: Stretch): boolean {
    const log = this.#logs.get(origin)
    for (let seq = after + 1; seq <= Math.min(upTo, log?.upTo ?? 0); seq++) {
      if (log!.at(seq) === null && !this.unreadable.told.has({ origin, seq })) return true
    }
    return false
  }

  /** Writes, merged or not, of tasks that are over, beyond a place in each notebook. */
  *forgotten(after: (origin: BootId) => number = () => 0): Generator<Span> {
    for (const [origin, log] of this.#logs) {
      // What could not be read has no task here, either, and is anything but forgotten.
      const unread = this.unreadable.told.of(origin)
      for (const hole of log.holes(after(origin))) {
        yield* unread.reduce(without, [{ origin, ...hole }] as readonly Span[])
      }
    }
    yield* this.cloud.beyond(after)
  }

  /** Boots that are closed here, and not for a replica with this vector. */
  closedBeyond(vector: VersionVector): BootId[] {
    return [...this.#closed.values()].filter(boot => reach(vector, boot) < CLOSED).sort(compareText)
  }
}
