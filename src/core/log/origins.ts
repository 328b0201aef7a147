/**
 * What this replica knows of every boot that ever wrote: the log of that origin, as long as anything of it is left, or
 * just that it is retired; and which writes further on in it are about tasks that are over.
 */
import { assert } from '../base/assert.ts'
import { Boots } from '../base/boots.ts'
import { creationOf, nodeOf, tagOf, type BootId, type NodeId, type TaskId } from '../base/ids.ts'
import { compareText } from '../base/order.ts'
import { Dots, outside, type Stretch } from '../base/dots.ts'
import {
  covers,
  coversOpen,
  missing,
  RETIRED,
  reachIn,
  type Reach
} from '../base/version-vector.ts'
import type { UnreadableSpan } from '../effect.ts'
import type { Span, VersionVector } from '../message.ts'
import { HEARTBEAT_LIMITS } from '../options.ts'
import { isFinal, leastDots, type Dot, type TaskRecord } from '../task/record.ts'
import { creationsOf } from './creations.ts'
import { DotCloud } from './dot-cloud.ts'
import type { Entry } from './entry.ts'
import { OriginLog } from './origin-log.ts'
import { Unreadable } from './unreadable.ts'

/**
 * Boots of which anything is known, retired or not: as many as a vector carries. Of one node's no more than a part of
 * them, so that one that starts again and again does not keep out all others.
 */
export const ORIGINS_MAX: number = HEARTBEAT_LIMITS.vectorEntriesMax
export const ORIGINS_PER_NODE_MAX: number = ORIGINS_MAX / 4
/** Tags of boots, retired ones too: their tasks may be asked for. The oldest go first. */
const TAGS_MAX = 4 * ORIGINS_MAX

export class Origins {
  /** What has been pruned elsewhere, beyond the vector. */
  readonly dotCloud: DotCloud = new DotCloud()
  /** What the vector has passed without having been read. */
  readonly unreadable: Unreadable
  readonly #self: BootId
  readonly #logs = new Map<BootId, OriginLog>()
  /** Boots by the tags that ids of tasks carry. */
  readonly #tags = new Map<number, BootId>()
  /** Node -> the last of its boots that is retired. */
  readonly #closed = new Map<NodeId, BootId>()
  readonly #durable = new Map<BootId, number>()
  /** Boots that have a log here, and those in the vector on disk. */
  readonly #open = new Boots()
  readonly #onDisk = new Boots()
  /** Those that have a log here, sorted; null: to be made anew. */
  #order: readonly BootId[] | null = null

  /** @param version of hearsay on this node */
  constructor(self: BootId, version: string = '') {
    this.#self = self
    this.unreadable = new Unreadable(version)
    this.of(self)
  }

  /** The log of one origin, its notebook; a new one, if the boot was not heard of before. */
  of(origin: BootId): OriginLog {
    let log = this.#logs.get(origin)
    if (log === undefined) {
      assert(!this.isClosed(origin), 'nothing new comes of a closed boot')
      this.#logs.set(origin, (log = new OriginLog()))
      this.#open.add(origin)
      this.#order = null
      this.#tag(origin)
    }
    return log
  }

  /** Whether there is room for the log of a boot; or there is one. */
  hasRoom(origin: BootId): boolean {
    if (this.isKnown(origin)) return true
    if (this.#open.of(nodeOf(origin)).size >= ORIGINS_PER_NODE_MAX) return false
    return this.#logs.size + this.#closed.size < ORIGINS_MAX
  }

  /** Whether a boot can be retired: an entry of its node makes room for this one. */
  hasRoomToClose(boot: BootId): boolean {
    const node = nodeOf(boot)
    return this.isOpen(node) || this.#closed.has(node) || this.hasRoom(boot)
  }

  /** Whether anything of a boot is known. */
  isKnown(origin: BootId): boolean {
    return this.#logs.has(origin) || this.isClosed(origin)
  }

  /** Whether a boot of the node is not retired. */
  isOpen(node: NodeId): boolean {
    return this.#open.of(node).size > 0
  }

  get(origin: BootId): OriginLog | undefined {
    return this.#logs.get(origin)
  }

  /** Whether the write was merged, or is known to be about a task that is over. */
  hasSeen(dot: Dot): boolean {
    return this.hasMerged(dot) || this.dotCloud.has(dot)
  }

  /** Whether the write has been read and merged. */
  hasMerged(dot: Dot): boolean {
    return covers(this.reach, dot) && !this.unreadable.has(dot)
  }

  /** Whether it is known that the task of the write is over, and nothing is here that the write is told with. */
  isForgotten(dot: Dot): boolean {
    if (this.dotCloud.has(dot) || this.isClosed(dot.origin)) return true
    return this.hasMerged(dot) && this.writtenBy(dot.origin, dot.seq) === null
  }

  /**
   * A task that this boot writes next. If the write that created it has not come here, as when the task came outside
   * the log, this one counts as a creation, too: the other may never come. Under a key there may be several, each of
   * which makes the task new; but such a task is not handed on before everybody has the one that stands.
   */
  asWritten(record: TaskRecord): TaskRecord {
    const { spec, created } = record
    if (spec.idempotencyKey !== null || created.some(each => this.hasSeen(each))) return record
    const dot = { origin: this.#self, seq: this.of(this.#self).upTo + 1 }
    return { ...record, created: leastDots([...created, dot]) }
  }

  /** A task was on disk, with its writes. Those that the vector does not cover are loose. */
  restoreTask(entry: Entry, writes: readonly Dot[], upToOf: Reach): void {
    for (const dot of writes) {
      if (!covers(upToOf, dot)) entry.loose = [...entry.loose, dot]
      if (!coversOpen(upToOf, dot)) continue
      entry.noteWrite(dot)
      this.of(dot.origin).restore(dot.seq, entry)
    }
  }

  /** Writes that could not be read turn out to have changed this task. */
  restoreWrites({ origin, after, upTo }: Span, entry: Entry): void {
    for (let seq = after + 1; seq <= upTo; seq++) {
      this.of(origin).restore(seq, entry)
      entry.noteWrite({ origin, seq })
    }
  }

  /**
   * Whether others have named the write as pruned, and all the task: what is here of it may still be read. A record
   * that comes from a member that still keeps it does not take that back, or a caller that asks here would be told of
   * half.
   */
  isNamed({ record }: Entry, dot: Dot): boolean {
    if (!this.dotCloud.has(dot) || !isFinal(record)) return false
    return creationsOf(record).every(each => this.isForgotten(each))
  }

  /** Whether a task that is not here has settled and been pruned. */
  isPast(record: TaskRecord): boolean {
    return creationsOf(record).every(dot => this.hasSeen(dot))
  }

  /** Whether the write that created a task has been seen, as far as the id tells which one that was. */
  hasSeenCreation(id: TaskId): boolean {
    const { tag, seq } = creationOf(id)
    const origin = this.#tags.get(tag) ?? this.dotCloud.byTag(tag)
    return seq > 0 && origin !== undefined && this.hasSeen({ origin, seq })
  }

  /**
   * Whether the write that created a task may be one that could not be read. Of some, the id does not tell which it
   * was.
   */
  mayBeUnreadable(id: TaskId): boolean {
    const { tag, seq } = creationOf(id)
    if (seq === 0) return !this.unreadable.dots.isEmpty
    const origin = this.#tags.get(tag)
    return origin !== undefined && this.unreadable.has({ origin, seq })
  }

  /** `merged`, for whoever compares it. */
  readonly reach: Reach = origin => this.merged(origin)

  /** Up to which write of `origin` everything is merged. */
  merged(origin: BootId): number {
    // Of a retired boot there is no log any more.
    return this.#logs.get(origin)?.upTo ?? (this.isClosed(origin) ? RETIRED : 0)
  }

  /** Whether a boot has ended and everything of it has been pruned. */
  isClosed(origin: BootId): boolean {
    const last = this.#closed.get(nodeOf(origin))
    return last !== undefined && origin <= last
  }

  /** Whether it is this boot, or claims to be a later one of this node: there is none. */
  isOwn(boot: BootId): boolean {
    return boot >= this.#self && nodeOf(boot) === nodeOf(this.#self)
  }

  /** Boots that are not retired, oldest first for each node, and whether all they changed has been pruned here. */
  open(): { boot: BootId; upTo: number; isEmpty: boolean }[] {
    this.#order ??= [...this.#logs.keys()].sort(compareText)
    return this.#order.map(boot => {
      const { upTo, isEmpty } = this.#logs.get(boot)!
      return { boot, upTo, isEmpty: isEmpty && this.unreadable.told.of(boot).length === 0 }
    })
  }

  /** Retires a boot and all older ones of its node, so that one entry in the vector stands for all of them. */
  close(boot: BootId): void {
    const node = nodeOf(boot)
    assert(!this.isOwn(boot), 'a boot that writes is not closed')
    for (const origin of this.#open.upTo(boot)) {
      this.#logs.delete(origin)
      this.#open.delete(origin)
    }
    this.#order = null
    this.#closed.set(node, boot)
    this.dotCloud.close(boot)
    this.unreadable.close(boot)
  }

  /** What this replica has merged, on disk or not yet. */
  vector(): VersionVector {
    const vector = new Map<BootId, number>()
    for (const [origin, log] of this.#logs) if (log.upTo > 0) vector.set(origin, log.upTo)
    for (const boot of this.#closed.values()) vector.set(boot, RETIRED)
    return vector
  }

  /** What this replica has on disk. */
  get durable(): VersionVector {
    return this.#durable
  }

  /** An entry of the vector is on disk. */
  noteDurable(origin: BootId, upTo: number): void {
    if (upTo === RETIRED) {
      for (const boot of this.#onDisk.upTo(origin)) {
        this.#durable.delete(boot)
        this.#onDisk.delete(boot)
      }
    } else if (this.isClosed(origin)) return
    else this.of(origin).durableUpTo = upTo
    this.#durable.set(origin, upTo)
    this.#onDisk.add(origin)
  }

  /**
   * Takes back the vector that was on disk, once the writes that it covers are back. That this boot is retired, or a
   * later one of this node, can only be the word of another node.
   */
  restore(
    vector: VersionVector,
    forgotten: readonly Span[],
    unreadable: readonly UnreadableSpan[] = []
  ): void {
    const believed = [...vector].filter(([origin, upTo]) => upTo < RETIRED || !this.isOwn(origin))
    for (const [origin, upTo] of believed) {
      if (upTo === RETIRED) this.close(origin)
    }
    for (const [origin, upTo] of missing(this.reach, believed)) this.of(origin).restore(upTo, null)
    for (const [origin, upTo] of believed) this.noteDurable(origin, upTo)
    this.dotCloud.learn(forgotten)
    this.dotCloud.takeChanged()
    this.dotCloud.tidy(this.reach)
    // If the vector was given up, what it passed is to be heard anew.
    this.unreadable.restore(
      unreadable.filter(({ origin, upTo }) => coversOpen(this.reach, { origin, seq: upTo }))
    )
  }

  /** The task that a write changed, if that was merged and the task has not been pruned. */
  writtenBy(origin: BootId, seq: number): Entry | null {
    const log = this.#logs.get(origin)
    return log === undefined || seq > log.upTo ? null : log.at(seq)
  }

  /**
   * Whether a replica with this vector would be moved over tasks that have been pruned, or has passed writes of
   * such tasks without being able to read them.
   */
  hasHoles(vector: VersionVector, unreadable: readonly Stretch[] = []): boolean {
    const beyond = this.forgotten(reachIn(vector))
    if (this.closedBeyond(vector).length > 0 || beyond.next().done === false) return true
    return unreadable.length > 0 && new Dots(unreadable).all().some(each => this.#hasHoleIn(each))
  }

  #hasHoleIn({ origin, after, upTo }: Stretch): boolean {
    const unread = this.unreadable.told.of(origin)
    for (const hole of this.#logs.get(origin)?.holes(after) ?? []) {
      if (hole.after >= upTo) return false
      const part = { origin, after: hole.after, upTo: Math.min(hole.upTo, upTo) }
      if (outside(part, unread).length > 0) return true
    }
    return false
  }

  /** Writes, merged or not, of tasks that are over, beyond a place in the log of each origin. */
  *forgotten(after: (origin: BootId) => number = () => 0): Generator<Span> {
    for (const [origin, log] of this.#logs) {
      // What could not be read has no task here, either, and is anything but pruned.
      const unread = this.unreadable.told.of(origin)
      for (const hole of log.holes(after(origin))) {
        yield* outside({ origin, ...hole }, unread)
      }
    }
    yield* this.dotCloud.beyond(after)
  }

  /** Boots that are retired here, and not for a replica with this vector. */
  closedBeyond(vector: VersionVector): BootId[] {
    const reach = reachIn(vector)
    return [...this.#closed.values()]
      .filter(origin => !covers(reach, { origin, seq: RETIRED }))
      .sort(compareText)
  }

  assertInvariants(): void {
    this.dotCloud.assertInvariants()
    this.unreadable.assertInvariants()
    for (const [origin, log] of this.#logs) {
      log.assertInvariants(origin)
      assert(!this.isClosed(origin), 'of a retired boot there is no log', origin)
      assert(this.#tags.has(tagOf(origin)), 'the boot of a log is found by its tag', origin)
      const upTo = this.#durable.get(origin) ?? 0
      assert(log.durableUpTo === upTo, 'log and vector agree on what is on disk of a boot', origin)
    }
    this.#open.assertInvariants(this.#logs)
    this.#onDisk.assertInvariants(this.#durable)
    this.#assertOrder()
    for (const [tag, origin] of this.#tags) {
      assert(tagOf(origin) === tag, 'a boot is kept under its tag', origin)
    }
    this.#assertDurable()
    for (const { origin, after, upTo } of this.unreadable.dots.all()) {
      const isPassed = covers(this.reach, { origin, seq: upTo })
      assert(isPassed, 'what is unreadable has been passed', origin)
      for (let seq = after + 1; seq <= upTo; seq++) {
        const isEmpty = this.writtenBy(origin, seq) === null
        assert(isEmpty, 'an unreadable write stands for no task', origin)
      }
    }
  }

  #assertOrder(): void {
    const order = this.#order
    if (order === null) return
    assert(order.length === this.#logs.size, 'the logs in their order are all logs')
    for (const [at, boot] of order.entries()) {
      const isNext = at === 0 || compareText(order[at - 1]!, boot) < 0
      assert(isNext && this.#logs.has(boot), 'the logs in their order are all logs', boot)
    }
  }

  #assertDurable(): void {
    for (const [node, boot] of this.#closed) {
      assert(nodeOf(boot) === node, 'a retired boot is kept with its node', boot)
    }
    for (const [origin, upTo] of this.#durable) {
      const isMerged = covers(this.reach, { origin, seq: upTo })
      assert(isMerged, 'what is on disk of a boot has been merged', origin)
      if (upTo !== RETIRED) continue
      const others = this.#onDisk.upTo(origin)
      assert(others.length === 1, 'a retired boot on disk stands for all older ones', origin)
    }
  }

  #tag(origin: BootId): void {
    this.#tags.set(tagOf(origin), origin)
    if (this.#tags.size <= TAGS_MAX) return
    for (const [tag, oldest] of this.#tags) {
      this.#tags.delete(tag)
      if (!this.#logs.has(oldest)) return
      // Its tasks are still here: it counts as new.
      this.#tags.set(tag, oldest)
    }
  }
}
