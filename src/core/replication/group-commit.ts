/**
 * The half of the core that carries the log: to disk, to the others, and back from them.
 *
 * Writing is group commit. What a caller or a peer waits for goes to disk at the end of its turn, if no flush is under
 * way; otherwise it gathers until that flush has landed. So an idle node answers in one disk write, also if many tasks
 * come at once or one ends as soon as it has begun, and a busy node puts hundreds of tasks into each write. What nobody
 * waits for (that a task has been started, what others wrote) goes along with the next flush, or by itself a moment
 * later. Only what is on disk is told to others.
 */
import type { AntiEntropy } from './anti-entropy.ts'
import { assert } from '../base/assert.ts'
import { nodeOf, type BootId, type NodeId, type TaskId } from '../base/ids.ts'
import type { Flush } from '../effect.ts'
import type { Context } from '../context.ts'
import type { Input } from '../input.ts'
import { AckWait, type Backlog } from './ack-wait.ts'
import type { Entry } from '../log/entry.ts'
import type { Log } from '../log/log.ts'
import { entryOf, VectorTurns } from './vector-turns.ts'
import { covers, reach, reachIn, type Reach } from '../base/version-vector.ts'
import { canReachApart, disksWith, isAllElsewhere, type Disks } from './disks.ts'
import type { Ack, Batch, VersionVector } from '../message.ts'
import type { OnceCopied, OnceFlushed, Waiting } from '../pending.ts'
import { PlacedAcks } from './placed-acks.ts'
import { OutcomeReports } from './reporting.ts'
import { Dissemination } from './dissemination.ts'
import { BY_NOBODY } from '../log/log.ts'
import { isSettled, waitsForAll, type Dot, type TaskRecord } from '../task/record.ts'

/** Inputs that end a turn: what has changed goes to disk with them. */
const ENDS_A_TURN: ReadonlySet<Input['kind']> = new Set(['turn', 'tick', 'persisted'])

export class GroupCommit {
  readonly dissemination: Dissemination
  readonly outcomeReports: OutcomeReports
  readonly #context: Context
  readonly #antiEntropy: AntiEntropy
  /** A caller or a peer waits for what has changed since the last flush. */
  #urgent = false
  /** This node is to go once all that it writes is elsewhere, too. */
  #isLeaving = false
  /** The end of the turn has been asked for, and has not come. */
  #isTurnOpen = false
  #flushedAt = Number.NEGATIVE_INFINITY
  /** The flush that was begun last. */
  #flushed = 0
  /** What is due when this flush, or a later one, has landed. */
  #afterFlush: Readonly<{ flush: number; pending: OnceFlushed }>[] = []
  /** Boot -> what waits until others have its writes. */
  readonly #copies = new Map<BootId, AckWait>()
  /** What waits for the node with which its task was placed. */
  readonly #placed = new PlacedAcks()
  /** Boots whose writes are on this disk, and that have not been told. */
  readonly #owed = new Set<BootId>()
  /** Those of them that wait for an answer of all members: they are told with the next tick. */
  readonly #answerSoon = new Set<BootId>()
  /** Boots that wait to be told so: they are as soon as the flush with their writes has landed. */
  #prompt = new Set<BootId>()
  /** Boots that wait until all have confirmed a claim of theirs, and said with it what they have of other boots. */
  readonly #confirming = new Set<BootId>()
  readonly #vectors = new VectorTurns()

  constructor(context: Context, antiEntropy: AntiEntropy) {
    this.#context = context
    this.#antiEntropy = antiEntropy
    this.dissemination = new Dissemination(context)
    this.outcomeReports = new OutcomeReports(
      context,
      (write, pending, prompt) => this.#wait(write, null, pending, prompt),
      () => this.urge()
    )
  }

  /** Merges news from a peer, or from a file. Returns the tasks that it changed. */
  merge(from: NodeId, batch: Batch): readonly Entry[] {
    const { node, log, clock, wallMs } = this.#context
    const merged = log.merge(batch, from === node ? BY_NOBODY : undefined)
    if (merged.kind === 'gap' || merged.kind === 'full') this.#context.counters.gossipGaps++
    // Not where it is full: what would be fetched would find no room either.
    if (merged.kind === 'gap') this.#antiEntropy.ask(from)
    if (merged.kind !== 'merged') return []
    this.#tellPruned(new Set([from, nodeOf(batch.origin)]), merged.forgotten)
    const isAsked = asksAll(batch)
    if (isAsked) this.#confirming.add(batch.origin)
    for (const entry of merged.changed) {
      const { record, watched } = entry
      clock.adopt(latestStamp(record), wallMs)
      if (waitsForAll(record)) this.#answerSoon.add(batch.origin)
      if (watched && isSettled(record)) this.#urgent = true
      this.outcomeReports.merged(entry, batch.origin)
    }
    if (isAsked || this.dissemination.ackPartnerOf(batch.origin) === node) {
      this.#urgent = true
      this.#prompt.add(batch.origin)
    }
    if (merged.changed.some(({ id }) => this.#placed.has(id))) this.releaseCopied()
    return merged.changed
  }

  /**
   * Takes in what came outside the log, and writes what is new in it into our own notebook, with the same flush: no
   * vector would ever carry it otherwise. Undefined if the task was here and has been pruned.
   */
  take(record: TaskRecord): Entry | undefined {
    const entry = this.#context.log.take(record)
    if (entry !== undefined) this.outcomeReports.taken(entry)
    return entry
  }

  /** A caller here waits for the outcome of a task. */
  watch(taskId: TaskId): void {
    const entry = this.#context.log.get(taskId)
    if (entry === undefined) return
    entry.watched = true
    this.#urgent = true
    this.outcomeReports.watched(entry)
    if (entry.reportDue && !entry.reported) this.dissemination.askForCopy()
  }

  /** A caller or a peer waits for what has just been written. */
  urge(): void {
    this.#urgent = true
  }

  /** This node is to go. From here on, all that is written is told at once to a node that keeps it. */
  leave(): void {
    this.#isLeaving = true
    this.urge()
    this.dissemination.askForCopy()
  }

  /** The turn is over: all that happened at the time of the first change has been taken in. */
  turned(): void {
    this.#isTurnOpen = false
  }

  /** Whether what has changed can go to disk in the step of this input: no turn is open, and no flush under way. */
  mayFlush(after: Input['kind']): boolean {
    return !this.#context.log.isFlushing && ENDS_A_TURN.has(after)
  }

  /** Sends what has changed to disk, if it is urgent or has waited long enough, and no flush is under way. */
  flush(after: Input['kind'], settledFloor: Readonly<{ takeChanged: () => Flush['floor'] }>): void {
    const { log, members, keyTombstones, now, options, emit } = this.#context
    if (!this.#urgent && now - this.#flushedAt < options.lazyFlushMs) return
    if (log.isFlushing) return
    if (this.#urgent && !ENDS_A_TURN.has(after) && !log.isDurable) return this.#askForTurn()
    const flush = log.flush({
      members: members.takeDirty(),
      roster: members.roster.takeDirty(),
      dropped: { members: members.takeDropped(), roster: members.roster.takeDropped() },
      spent: keyTombstones.takeChanged(),
      floor: settledFloor.takeChanged()
    })
    if (flush === null) return this.#releaseFlushed()
    this.#urgent = false
    this.#flushedAt = now
    this.#flushed = flush.flush
    emit({ kind: 'persist', flush })
  }

  /** A flush has landed: tell others of our writes, acknowledge theirs, release what waited for it. */
  persisted(number: number): void {
    const { log, self } = this.#context
    const before = log.durableVector.get(self) ?? 0
    const { flush, entries } = log.flushed(number)
    this.outcomeReports.landed(flush, entries)
    const awaited = this.#isLeaving || (this.#copies.get(self)?.areAwaited ?? false)
    this.dissemination.flushed(before, flush, awaited)
    for (const origin of flush.vector.keys()) if (origin !== self) this.#owed.add(origin)
    const prompt = [...this.#prompt].filter(origin => this.#owed.delete(origin))
    // What came while this flush was under way is in the next one, and is waited for as well.
    const isDurable = isMergedIn(log, reachIn(log.durableVector))
    const later = [...this.#prompt].filter(origin => !isDurable(origin))
    this.#prompt = new Set(later)
    // All that we wrote before we confirm has to be merged there first: it is told before the acknowledgement.
    if (prompt.some(origin => this.#confirming.has(origin))) this.dissemination.tellAll()
    this.#acknowledge(prompt)
    this.#releaseFlushed(number)
    this.releaseCopied()
  }

  /** Something has become known of a member. @param isVerdict a boot has begun or ended: its tasks may be reclaimed */
  membersChanged(isVerdict: boolean): void {
    // The node that is to reclaim a task may not have heard of it yet.
    if (isVerdict) this.dissemination.tellAll()
    this.releaseCopied()
  }

  /** Acknowledges with a tick what nobody waits for right now, and may wait for soon. The next heartbeat says the rest. */
  acknowledgeOwed(): void {
    const isDue = (origin: BootId): boolean =>
      this.#answerSoon.has(origin) || this.dissemination.isInLineFor(origin)
    this.#acknowledge([...this.#owed].filter(isDue))
    this.#owed.clear()
  }

  /** To be released when everything written so far is on disk. */
  onceDurable(pending: OnceFlushed): void {
    const { log, release } = this.#context
    if (log.isDurable) return release(pending)
    this.#urgent = true
    this.#afterFlush.push({ flush: log.flushWithAll, pending })
  }

  /** To be released when what is kept beside the log (members, the roster) is on disk, too. */
  onceKept(pending: OnceFlushed): void {
    this.#urgent = true
    this.#afterFlush.push({ flush: this.#flushed + 1, pending })
  }

  /**
   * To be released when our write `seq` is on disk here and at `acks` others, or has waited long enough: a caller
   * waits.
   *
   * @param acks null: one, if there is any other member
   */
  onceCopied(seq: number, acks: number | null, pending: OnceCopied): void {
    this.#wait({ origin: this.#context.self, seq }, acks, pending, true)
  }

  /** A task that was submitted here has been placed with a node that counts for the copy that its caller waits for. */
  placed(entry: Entry): void {
    const { self, now } = this.#context
    const created = entry.record.created.find(({ origin }) => origin === self)
    const waiting = this.#copies.get(self)
    const ack = created === undefined ? undefined : waiting?.withdraw(created.seq)
    if (ack === undefined) return
    if (waiting!.isEmpty) this.#copies.delete(self)
    this.#placed.add(entry, ack, now)
  }

  /** An acknowledgement, a link or the time has changed what copies count: releases what waited for them. */
  releaseCopied(): void {
    if (this.#copies.size + this.#placed.size === 0) return
    const { self, log, members, computer, now, release } = this.#context
    const others = members.linked().length
    const apart = canReachApart(members, computer)
    const view = {
      durableUpTo: reach(log.durableVector, self),
      others,
      apart,
      disks: (writes: readonly Dot[]): Disks => disksWith(members, writes, computer),
      isLinked: (node: NodeId) => members.isLinked(node)
    }
    if (this.#placed.releaseDue(now, self, view, release)) this.dissemination.askForCopy()
    for (const [origin, copies] of this.#copies) {
      const durableUpTo = reach(log.durableVector, origin)
      const disks = (seq: number): Disks => disksWith(members, [{ origin, seq }], computer)
      copies.releaseDue(now, { durableUpTo, others, apart, disks }, release)
      if (copies.isEmpty) this.#copies.delete(origin)
    }
  }

  /** Whether all that this node knows is on its disk and, if there is a member, on that of one. */
  get isSafeElsewhere(): boolean {
    const { log, self } = this.#context
    const isAllHere = (log.durableVector.get(self) ?? 0) >= log.nextSeq - 1
    return isAllHere && this.#afterFlush.length === 0 && isAllElsewhere(this.#context)
  }

  /** What this node itself has yet to get to its disk, and to others. */
  get backlog(): Backlog {
    const { log, self, members, now, options } = this.#context
    const unflushed = log.nextSeq - 1 - (log.durableVector.get(self) ?? 0)
    // Where no member is there to acknowledge, the wait ends by itself, and to hold callers back would not help.
    const copies = this.#copies.get(self)
    const first = Math.min(copies?.firstDeadline ?? Infinity, this.#placed.firstDeadline)
    if (first === Infinity || !members.hasLinkedAndAlive(now)) {
      return { unflushed, awaited: 0, awaitedMs: 0 }
    }
    const awaited = (copies?.awaited ?? 0) + this.#placed.size
    return { unflushed, awaited, awaitedMs: now - first + options.acksTimeoutMs }
  }

  /** What waits for our disk, or for those of others. */
  *pending(): Generator<Waiting> {
    for (const { flush, pending } of this.#afterFlush) {
      yield { pending, until: { on: 'flush', flush } }
    }
    for (const [origin, copies] of this.#copies) yield* copies.pending(origin)
    yield* this.#placed.pending(this.#context.self)
  }

  assertInvariants(): void {
    this.dissemination.assertInvariants()
    this.outcomeReports.assertInvariants()
    this.#placed.assertInvariants()
    for (const [origin, copies] of this.#copies) {
      assert(!copies.isEmpty, 'no boot is kept for whose writes nothing waits', origin)
      copies.assertInvariants()
    }
    assert(!this.#owed.has(this.#context.self), 'no node acknowledges its own writes')
  }

  #askForTurn(): void {
    if (this.#isTurnOpen) return
    this.#isTurnOpen = true
    this.#context.emit({ kind: 'turn' })
  }

  /** Releases what waited for this flush, or one before it. @default all: there is nothing that is not on disk */
  #releaseFlushed(number: number = Infinity): void {
    const waiting = this.#afterFlush
    this.#afterFlush = waiting.filter(({ flush }) => flush > number)
    for (const { flush, pending } of waiting) {
      if (flush <= number) this.#context.release(pending)
    }
  }

  #wait({ origin, seq }: Dot, acks: number | null, pending: OnceCopied, prompt: boolean): void {
    const deadline = this.#context.now + this.#context.options.acksTimeoutMs
    const copies = this.#copies.get(origin) ?? new AckWait()
    this.#copies.set(origin, copies)
    copies.add({ seq, acks, prompt, deadline, pending })
  }

  /**
   * Nodes that were away work on tasks that are settled and pruned. They are told before we acknowledge what they wrote
   * about these: they may start one as soon as that is acknowledged.
   */
  #tellPruned(nodes: Iterable<NodeId>, ids: readonly TaskId[]): void {
    const { members, emit } = this.#context
    if (ids.length === 0) return
    for (const to of nodes) {
      if (members.isLinked(to)) emit({ kind: 'send', to, message: { kind: 'pruned', ids } })
    }
  }

  /** Tells boots how far their writes are on our disk. */
  #acknowledge(origins: Iterable<BootId>): void {
    const { log, self, members, emit } = this.#context
    const isDurable = isMergedIn(log, reachIn(log.durableVector))
    for (const origin of origins) {
      const to = nodeOf(origin)
      if (!members.isLinked(to)) continue
      // It may have been retired since.
      if (!log.durableVector.has(origin)) continue
      const isConfirming = this.#confirming.has(origin)
      // Its claim may have come while this flush was under way: then it is in the next one.
      if (isDurable(origin)) {
        this.#confirming.delete(origin)
        this.#answerSoon.delete(origin)
      }
      const vector = isConfirming
        ? this.#vectors.some(log.durableVector, self)
        : new Map([origin, self].flatMap(boot => entryOf(log.durableVector, boot)))
      const message = { kind: 'ack', boot: self, vector, ...unreadableOf(log, vector) } as const
      emit({ kind: 'send', to, message })
    }
  }
}

/**
 * Whether a boot tells of a claim of its own that all have to confirm. Also where a greater one stands here: it does not
 * know of that one, and waits.
 */
function asksAll({ origin, records, changes = [] }: Batch): boolean {
  return (
    records.some(record => record.claim.holder === origin && waitsForAll(record)) ||
    changes.some(({ claim }) => claim.holder === origin && claim.cause === 'reclaim')
  )
}

/** The writes that this vector passes although they could not be read here: they are told with it. */
function unreadableOf(log: Log, vector: VersionVector): Pick<Ack, 'unreadable'> {
  const unreadable = [...vector.keys()].flatMap(origin => log.durableCoverage.unreadable.of(origin))
  return unreadable.length === 0 ? {} : { unreadable }
}

function latestStamp({ spec, started, outcome }: TaskRecord): number {
  return Math.max(spec.submittedAt, started?.at ?? 0, outcome?.at ?? 0)
}

/** Whether all that is merged here of a boot is covered. */
function isMergedIn(log: Log, reachOf: Reach): (origin: BootId) => boolean {
  return origin => covers(reachOf, { origin, seq: log.merged(origin) })
}
