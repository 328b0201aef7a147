/**
 * This node's replica of all tasks, and the bookkeeping that lets replicas catch up with each other.
 *
 * Every boot is an origin with a log of its own, its notebook. Its writes are numbered; a replica that has merged them
 * up to `b` says so in its version vector. News come as "origin O, (a, b]" with the newest state of the tasks that
 * those writes changed. A replica that stands at `a` or beyond merges them and stands at `b`. One that stands before
 * `a` merges nothing and fetches what is missing: state that no vector covers would never be passed on.
 *
 * The vector is also the causal context. A task that is absent here, although the vector covers its creation, was here,
 * settled and was pruned: it is not taken in again. That is why nothing may ever advance the vector past a creation
 * without merging it (README.md, "Cut anywhere").
 *
 * What of the news could not be read is passed all the same, and kept as unreadable (unreadable.ts).
 *
 * Only what is on disk is shown to others (`range`, `durableVector`), so whatever a peer sends is durable there.
 */
import { assert } from '../base/assert.ts'
import { hasAll, UNREADABLE_MAX, type Coverage, type Standing } from '../base/coverage.ts'
import { common, type Dots } from '../base/dots.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import type { Flush, Restored, StoredTask } from '../effect.ts'
import {
  PRUNED,
  UNREADABLE,
  type Batch,
  type Change,
  type Span,
  type VersionVector
} from '../message.ts'
import {
  isConflict,
  isFinal,
  isRepeated,
  isSettled,
  join,
  type Dot,
  type TaskRecord
} from '../task/record.ts'
import { assertPatch, assertRecord, type Patch } from '../task/patch.ts'
import type { Beside } from './beside.ts'
import { Entry } from './entry.ts'
import { Flushes } from './flushes.ts'
import { Origins } from './origins.ts'
import { BY_NOBODY } from './unreadable.ts'
import { creationsOf } from './creations.ts'
import { NO_OBSERVER, NOT_COUNTED, type LogCounters, type LogObserver } from './observers.ts'
import { deltaOf, type Detail } from './delta.ts'
import { isUnread, runsIn, runsOf, UNREAD, type Place, type Unread } from './places.ts'
import { covers, RETIRED, reachIn } from '../base/version-vector.ts'

export { MessageSize } from './message-size.ts'
export { BY_NOBODY } from './unreadable.ts'

export type Merged =
  /** `forgotten`: tasks in it that have settled and been pruned here, and that the sender has not seen settle. */
  | Readonly<{ kind: 'merged'; changed: readonly Entry[]; forgotten: readonly TaskId[] }>
  /** All of it was known already. */
  | Readonly<{ kind: 'known' }>
  /** Something in between is missing; nothing was merged. */
  | Readonly<{ kind: 'gap' }>
  /** More boots than can be kept apart, or more unreadable writes of this one than may be kept; nothing was merged. */
  | Readonly<{ kind: 'full' }>

export class Log {
  /** What is known of every boot. To be changed by this class only. */
  readonly origins: Origins
  readonly #self: BootId
  readonly #entries = new Map<TaskId, Entry>()
  readonly #flushes: Flushes
  readonly #logObserver: LogObserver
  readonly #counters: LogCounters
  /** How many tasks have ever come here. Counted by this class only. */
  taken = 0

  /** @param version of hearsay on this node */
  constructor(
    self: BootId,
    logObserver: LogObserver = NO_OBSERVER,
    counters: LogCounters = NOT_COUNTED,
    version: string = ''
  ) {
    this.#self = self
    this.#logObserver = logObserver
    this.#counters = counters
    this.origins = new Origins(self, version)
    this.#flushes = new Flushes(this.origins)
  }

  get(id: TaskId): Entry | undefined {
    return this.#entries.get(id)
  }

  /** How many tasks there are. */
  get size(): number {
    return this.#entries.size
  }

  entries(): IterableIterator<Entry> {
    return this.#entries.values()
  }

  /** The number that this boot's next write will have. */
  get nextSeq(): number {
    return this.origins.of(this.#self).upTo + 1
  }

  /** Up to which write of `origin` everything is merged. */
  merged(origin: BootId): number {
    return this.origins.merged(origin)
  }

  /** Retires a boot and all older ones of its node: everything of them has been pruned. */
  close(boot: BootId): void {
    if (this.origins.isClosed(boot)) return
    this.origins.close(boot)
    this.#flushes.moved(boot)
  }

  /** The number of the flush with which all that is written now is on disk; of one under way, if that holds it all. */
  get flushWithAll(): number {
    return this.#flushes.last
  }

  get isFlushing(): boolean {
    return this.#flushes.isUnderWay
  }

  /** Everything that this replica knows is on disk. */
  get isDurable(): boolean {
    return this.#flushes.isDurable
  }

  /** What this replica has on disk. */
  get durableVector(): VersionVector {
    return this.origins.durable
  }

  /** The coverage of what is on disk: the durable vector, and which of it could not be read. */
  get durableCoverage(): Coverage {
    return { vector: this.origins.durable, unreadable: this.origins.unreadable.told }
  }

  /** What is merged here, to be compared with what others have. */
  get standing(): Standing {
    return { reach: this.origins.reach, unreadable: this.unreadable }
  }

  /** Writes that the vector has passed and that could not be read. */
  get unreadable(): Dots {
    return this.origins.unreadable.dots
  }

  /** Whether all that another replica has told to have is merged here. */
  hasAll(theirs: Coverage): boolean {
    return hasAll(this.standing, theirs)
  }

  /** Whether a task that is absent here was here once, as far as its id tells. */
  isForgotten(id: TaskId): boolean {
    return !this.#entries.has(id) && this.origins.hasSeenCreation(id)
  }

  /** Takes in a task that this boot creates. Its creation dot is this boot's next write. */
  create(record: TaskRecord): Entry {
    assert(!this.#entries.has(record.spec.id), 'a new task has a new id')
    assertRecord(record)
    const entry = this.#add(record)
    this.#logObserver.track(entry)
    this.#note(entry, this.#self)
    return entry
  }

  /** Writes a change of this boot: one write, also if the state stays the same (as when a thief copies its claim). */
  write(entry: Entry, patch: Patch, isCounted = true): void {
    assertPatch(patch)
    entry.record = join(entry.record, { ...this.origins.asWritten(entry.record), ...patch })
    entry.noteReclaim(entry.record)
    this.#note(entry, this.#self)
    if (isCounted) this.#counters.wrote(entry.record, patch)
  }

  /**
   * Merges news of one origin, all or nothing.
   *
   * @param by the version of hearsay that cannot read what is unreadable in them. @default that of this node
   */
  merge(batch: Batch, by?: string): Merged {
    const { origin, after, records, changes = [], writes } = batch
    const { dotCloud, unreadable } = this.origins
    // Nobody knows more of our own writes than we do. Taking them in would give two writes one number.
    if (this.origins.isOwn(origin) || this.origins.isClosed(origin)) return { kind: 'known' }
    if (!this.origins.hasRoom(origin)) return { kind: 'full' }
    const upTo = this.merged(origin)
    if (upTo < after) return { kind: 'gap' }
    const isAgain = this.unreadable.meets({ origin, after, upTo: after + writes.length })
    if (after + writes.length <= upTo && !isAgain) return { kind: 'known' }
    const known = this.#known(changes)
    if (known === null || !dotCloud.names(batch, upTo)) return { kind: 'gap' }
    const changedUnread = known.map(([place]) => isUnread(place))
    if (!unreadable.hasRoomFor(origin, runsOf(batch, changedUnread, upTo))) return { kind: 'full' }
    // Each once, however often a batch names it: looking at what has changed takes time for each.
    const changed = new Set<Entry>()
    const forgotten: TaskId[] = []
    const places: Place[] = records.map(record => {
      const entry = this.#mergeRecord(record)
      if (entry === undefined && !isSettled(record)) forgotten.push(record.spec.id)
      if (entry?.changed === true) changed.add(entry.entry)
      return entry?.entry ?? null
    })
    for (const [place, change] of known) {
      places.push(place)
      if (place instanceof Entry && this.#raise(place, place.changedTo(change))) changed.add(place)
    }
    // The vector moves last: while records are merged it must not cover their own creation yet.
    const placeOf = (write: number): Place =>
      write >= 0 ? places[write]! : write === UNREADABLE ? UNREAD : null
    if (isAgain) {
      // What is over where it comes from, and was not said to be, is as unreadable as before.
      const again = writes
        .slice(0, upTo - after)
        .map(at => (at === PRUNED ? undefined : placeOf(at)))
      this.#reread(origin, after, again, by)
    }
    this.#append(origin, writes.slice(Math.max(0, upTo - after)).map(placeOf), by)
    this.#flushes.moved(origin)
    dotCloud.passed(origin, this.merged(origin))
    return { kind: 'merged', changed: [...changed], forgotten }
  }

  /**
   * Passes over writes that no member has any more that can be asked and could read them; or, if they are known to be
   * about tasks that are over, that none can show. They are the next ones of their boot.
   */
  passOver({ origin, upTo }: Span): void {
    const { dotCloud, unreadable } = this.origins
    if (this.origins.isOwn(origin) || !this.origins.hasRoom(origin)) return
    const after = this.merged(origin)
    // Each stretch that is known to be pruned parts those that are not.
    const known = [...dotCloud.beyond(of => (of === origin ? after : Infinity))].length
    // Writes that no member can show leave half of the room to those that one does show.
    if (!unreadable.hasRoomFor(origin, known + 1, UNREADABLE_MAX / 2)) return
    this.#append(origin, Array<Place>(upTo - after).fill(UNREAD), BY_NOBODY)
    this.#flushes.moved(origin)
    dotCloud.passed(origin, this.merged(origin))
  }

  /**
   * The tasks that these writes changed are over, and so is all that these boots and older ones of their nodes did.
   * Returns those that are open here. How others ended may still be read; to a peer that asks they are pruned.
   */
  learn(spans: readonly Span[], boots: readonly BootId[] = []): Entry[] {
    const { dotCloud } = this.origins
    const self = this.#self
    for (const boot of boots) {
      if (!this.origins.isOwn(boot) && this.origins.hasRoomToClose(boot)) this.close(boot)
    }
    dotCloud.learn(spans)
    this.#readForgotten()
    // Asked before the cloud lets go of what the vector covers.
    const isOver = (dot: Dot): boolean => dotCloud.has(dot) || this.origins.isClosed(dot.origin)
    const all = [...this.#entries.values()]
    const over = all.filter(({ record }) => creationsOf(record).every(isOver))
    // Nobody knows more of our own writes than we do.
    dotCloud.tidy(origin => (origin === self ? RETIRED : this.merged(origin)))
    for (const entry of over)
      if (isFinal(entry.record)) this.#flushes.changed(this.#forgetWrites(entry))
    return over.filter(({ record }) => !isFinal(record))
  }

  /** Strikes what is pruned from what could not be read: it need not be read any more. */
  #readForgotten(): void {
    const { dotCloud, unreadable } = this.origins
    for (const { origin, after, upTo } of this.unreadable.all()) {
      for (const span of dotCloud.within({ origin, after, upTo })) unreadable.read(span)
    }
  }

  #forgetWrites(entry: Entry): Entry {
    for (const { origin, seq } of entry.takeWrites()) this.origins.get(origin)?.clear(seq)
    return entry
  }

  /** Merges what came outside any batch, and writes down what is new. Undefined if the task was pruned here. */
  take(record: TaskRecord): Entry | undefined {
    const merged = this.#mergeRecord(record)
    if (merged?.changed === true) this.write(merged.entry, {}, false)
    return merged?.entry
  }

  /** Forgets a task, here and on disk. Its writes stay covered, so it will not be taken in again. */
  remove(entry: Entry): void {
    this.#entries.delete(entry.id)
    entry.removed = true
    this.#flushes.removed(entry)
    this.#forgetWrites(entry)
    const { spec, created } = entry.record
    // A key may have been used again meanwhile, which is not over.
    if (spec.idempotencyKey !== null || created.every(dot => this.origins.hasSeen(dot))) return
    this.origins.dotCloud.learn(
      created.map(({ origin, seq }) => ({ origin, after: seq - 1, upTo: seq }))
    )
  }

  /** Everything that has changed since the last flush, or null if there is nothing or a flush is still under way. */
  flush(beside: Beside = {}): Flush | null {
    return this.#flushes.begin(beside)
  }

  /** The flush under way is on disk. Returns it, and which tasks are in it, in the same order. */
  flushed(number: number): Readonly<{ flush: Flush; entries: readonly Entry[] }> {
    return this.#flushes.end(number)
  }

  /**
   * The next stretch of an origin's writes after `after`, as it lies on disk, in a message of at most `bytesMax`
   * (or of one task, whose size has its own bound). It ends before a write that could not be read. Null if there is
   * nothing.
   *
   * @param upTo the last write that is asked for. @default all
   */
  range(
    origin: BootId,
    after: number,
    bytesMax: number,
    detail: Detail = 'whole',
    upTo: number = RETIRED
  ): Batch | null {
    const log = this.origins.get(origin)
    if (log === undefined) return null
    const last = Math.min(upTo, log.durableUpTo)
    const until = this.origins.unreadable.readableUpTo(origin, after, last)
    return until <= after ? null : deltaOf(origin, log, after, until, bytesMax, detail)
  }

  /**
   * Takes back what was on disk, before anything else happens. The vector has the last word: if it was lost, the tasks
   * are here, but what their writes were is to be heard anew, or written anew (replication/loose-writes.ts).
   */
  restore(
    tasks: Iterable<StoredTask>,
    vector: VersionVector,
    forgotten: readonly Span[] = [],
    unreadable: Restored['unreadable'] = []
  ): void {
    const upToOf = reachIn(vector)
    for (const { record, writes } of tasks) {
      const entry = this.#add(record)
      entry.durable = record
      this.origins.restoreTask(entry, writes, upToOf)
    }
    this.origins.restore(vector, forgotten, unreadable)
    this.#flushes.restored()
    // Now that all are here: what is yet to come would seem to have been pruned.
    for (const entry of this.#entries.values()) this.#logObserver.track(entry)
  }

  assertInvariants(): void {
    this.origins.assertInvariants()
    this.#flushes.assertInvariants(this.#entries)
    let writes = 0
    for (const [id, entry] of this.#entries) {
      assert(entry.id === id && entry.record.spec.id === id, 'a task is kept under its id', id)
      assert(!entry.removed, 'a task that is here is not removed', id)
      for (const { origin, seq } of entry.writes) {
        const log = this.origins.get(origin)
        if (log === undefined) continue
        assert(log.at(seq) === entry, 'each write of a task stands in the log of its boot', id)
        writes++
      }
    }
    let places = 0
    for (const { boot } of this.origins.open()) places += this.origins.get(boot)!.tasks
    assert(places === writes, 'each place in the log of a boot is a write of a task that is here')
  }

  #mergeRecord(record: TaskRecord): { entry: Entry; changed: boolean } | undefined {
    const known = this.#entries.get(record.spec.id)
    if (known === undefined) {
      if (this.origins.isPast(record)) return undefined
      const entry = this.#add(record)
      this.#logObserver.track(entry)
      return { entry: this.#readCreation(entry), changed: true }
    }
    const changed = this.#raise(known, record)
    return { entry: this.#readCreation(known), changed }
  }

  /** Every state of a task is newer than the write that created it: to have read any is to have read that one, too. */
  #readCreation(entry: Entry): Entry {
    if (this.unreadable.isEmpty) return entry
    for (const { origin, seq } of entry.record.created) {
      if (this.unreadable.has({ origin, seq })) this.#reread(origin, seq - 1, [entry])
    }
    return entry
  }

  /** Returns whether the state of the task has changed. */
  #raise(entry: Entry, record: TaskRecord): boolean {
    entry.noteOther(record)
    if (isConflict(entry.record.claim, record.claim)) this.#counters.conflicted()
    if (isRepeated(this.#self, entry.record, record)) this.#counters.repeated()
    const joined = join(entry.record, record)
    if (joined === entry.record) return false
    const before = entry.record.spec
    entry.record = joined
    if (joined.spec !== before) this.#logObserver.retrack(entry, before)
    this.#flushes.changed(entry)
    return true
  }

  /**
   * The tasks that these changes are about, and null for what has settled and been pruned here. Null if they do not say
   * enough: a task has not come here yet, or has been pruned and the author, who has not seen it settle, is to be told.
   */
  #known(changes: readonly Change[]): [Place, Change][] | null {
    const known: [Place, Change][] = []
    for (const change of changes) {
      const { origin, seq } = change.task
      if (!covers(this.origins.reach, change.task)) return null
      // What becomes of a task that could not be read cannot be read, either.
      const isRead = !this.unreadable.has(change.task)
      const entry = isRead ? this.origins.writtenBy(origin, seq) : { task: change.task }
      if (entry === null && !isSettled(change)) return null
      known.push([entry, change])
    }
    return known
  }

  #add(record: TaskRecord): Entry {
    const entry = new Entry(record)
    this.#entries.set(entry.id, entry)
    this.taken++
    this.#flushes.came(entry)
    return entry
  }

  /** The next write of its boot. */
  #append(origin: BootId, places: readonly Place[], by?: string): void {
    const log = this.origins.of(origin)
    for (const { place, length } of runsIn(places, isUnread)) {
      const after = log.upTo
      const isNoted =
        place instanceof Entry && !this.origins.isNamed(place, { origin, seq: after + 1 })
      if (isNoted) for (let i = 0; i < length; i++) this.#note(place, origin)
      else for (let i = 0; i < length; i++) log.append(null)
      if (!isUnread(place)) continue
      this.#counters.unread(length)
      for (const part of this.origins.dotCloud.without({ origin, after, upTo: after + length })) {
        this.#noteUnread(part, place, by)
      }
    }
  }

  /** Writes that could not be read have come once more, among others that could. */
  #reread(
    origin: BootId,
    start: number,
    places: readonly (Place | undefined)[],
    by?: string
  ): void {
    const { unreadable } = this.origins
    let after = start
    for (const { place, length } of runsIn(places, () => true)) {
      const stretch = { origin, after, upTo: after + length }
      after += length
      if (place === undefined) continue
      for (const part of common(this.unreadable.of(origin), [stretch], stretch.upTo)) {
        // A member that has it only from a file knows no more of it than we do.
        if (isUnread(place)) {
          if (by === undefined) this.#noteUnread(part, place)
        } else if (unreadable.read(part) && place !== null) {
          this.origins.restoreWrites(part, place)
          this.#flushes.changed(place)
        }
      }
    }
  }

  #noteUnread(stretch: Span, { task }: Unread, by?: string): void {
    const { unreadable } = this.origins
    if (task === null) unreadable.note(stretch, by)
    else unreadable.noteWith(task, stretch)
  }

  /** The next write of `origin` changed this task. */
  #note(entry: Entry, origin: BootId): void {
    const log = this.origins.of(origin)
    log.append(entry)
    entry.noteWrite({ origin, seq: log.upTo })
    this.#flushes.changed(entry)
    this.#flushes.moved(origin)
  }
}
