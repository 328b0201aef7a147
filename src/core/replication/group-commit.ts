/**
 * The half of the core that carries the log: to disk, to the others, and back from them.
 *
 * Writing is group commit. What a caller or a peer waits for goes to disk at the end of the turn in which it happened
 * if nothing is on its way there, and otherwise gathers until that flush has landed: an idle node answers in one disk
 * write, also if many tasks come at once or one ends as soon as it has begun, and a busy one puts hundreds of tasks
 * into each. What nobody waits for (that a task has been started, what others wrote) goes along with the next flush, or
 * by itself a moment later. Only when a flush has landed is it told to others.
 */
import type { AntiEntropy } from './anti-entropy.ts'
import { assert } from '../base/assert.ts'
import { nodeOf, type BootId, type NodeId, type TaskId } from '../base/ids.ts'
import type { Flush } from '../effect.ts'
import type { Context } from '../context.ts'
import type { Input } from '../input.ts'
import { AckWait, type Backlog, type Disks } from './ack-wait.ts'
import type { Entry } from '../log/entry.ts'
import type { Log } from '../log/log.ts'
import { entryOf, VectorTurns } from './vector-turns.ts'
import { hasWrite } from '../base/coverage.ts'
import { covers, reach, reachIn, type Reach } from '../base/version-vector.ts'
import { canReachApart, disksWith } from './disks.ts'
import type { Member } from '../membership/members.ts'
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
  readonly #placed = new PlacedAcks()
  readonly outcomeReports: OutcomeReports
  readonly #context: Context
  /** Boot -> what waits until others have its writes. */
  readonly #copies = new Map<BootId, AckWait>()
  readonly #antiEntropy: AntiEntropy
  readonly #vectors = new VectorTurns()
  /** A caller or a peer waits for what has changed since the last flush. */
  #urgent = false
  #hasty = false
  /** The end of the turn is waited for. */
  #turning = false
  #flushedAt = Number.NEGATIVE_INFINITY
  /** The last flush that was begun. */
  #flushed = 0
  /** Boots that wait for an acknowledgement of what is being flushed. */
  #prompt = new Set<BootId>()
  /** Boots that wait for the acknowledgements of all, and for what all know. */
  readonly #awaiting = new Set<BootId>()
  /** Boots whose writes have been kept but not acknowledged yet. */
  #owed = new Set<BootId>()
  /** What is due when this flush, or a later one, has landed. */
  #afterFlush: Readonly<{ flush: number; pending: OnceFlushed }>[] = []

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

  /** All that this node knows is on its disk and, if there is any other, on another's. */
  get isSafeElsewhere(): boolean {
    const { log, self } = this.#context
    const { durableVector } = log
    if ((durableVector.get(self) ?? 0) < log.nextSeq - 1 || this.#afterFlush.length > 0)
      return false
    const keepers = this.#keepers()
    if (keepers.length === 0) return true
    const kept = keepers.map(member => ({ member, reach: reachIn(member.vector) }))
    // What its author has told is on the author's disk.
    const stands =
      (origin: BootId, upTo: number) =>
      ({ member, reach }: (typeof kept)[number]): boolean =>
        member.heartbeat.boot === origin || covers(reach, { origin, seq: upTo })
    return [...durableVector].every(([origin, upTo]) =>
      this.#isKept(
        kept.filter(stands(origin, upTo)).map(({ member }) => member),
        origin,
        upTo
      )
    )
  }

  /**
   * Members with whom it is safest. Of two that leave together, neither is safe with the other; and one that was heard
   * a moment ago, and cannot be talked to, may have crashed.
   */
  #keepers(): readonly Member[] {
    const { members, now } = this.#context
    const others = members.linkedOrHeard(now)
    const staying = others.filter(({ heartbeat }) => !heartbeat.draining)
    const linked = staying.filter(({ node }) => members.isLinked(node))
    return [linked, staying, others].find(list => list.length > 0) ?? []
  }

  /**
   * Whether all that this node has read of a boot's writes up to `upTo` has been read by a member that keeps it.
   *
   * @param standing those who have come that far
   */
  #isKept(standing: readonly Member[], origin: BootId, upTo: number): boolean {
    const { unreadable } = this.#context.log
    if (standing.length === 0) return false
    // What no keeper has read, the first of them has not.
    return standing[0]!.unreadable.of(origin).every(({ after, upTo: end }) => {
      for (let seq = after + 1; seq <= Math.min(end, upTo); seq++) {
        const dot = { origin, seq }
        if (!unreadable.has(dot) && !standing.some(member => hasWrite(member, dot))) return false
      }
      return true
    })
  }

  /** Merges news from a peer, or from a file. Returns the tasks that it changed. */
  merge(from: NodeId, batch: Batch): readonly Entry[] {
    const { node, log, clock, wallMs } = this.#context
    const merged = log.merge(batch, from === node ? BY_NOBODY : undefined)
    if (merged.kind === 'gap' || merged.kind === 'full') this.#context.counters.gossipGaps++
    // Where there is no room, what is missing finds none either.
    if (merged.kind === 'gap') this.#antiEntropy.ask(from)
    if (merged.kind !== 'merged') return []
    this.#tellForgotten(new Set([from, nodeOf(batch.origin)]), merged.forgotten)
    let prompt = this.dissemination.ackPartnerOf(batch.origin) === this.#context.node
    for (const entry of merged.changed) {
      const { record, watched } = entry
      clock.adopt(latestStamp(record), wallMs)
      if (record.claim.holder === batch.origin && waitsForAll(record)) {
        this.#awaiting.add(batch.origin)
        prompt = true
      }
      if (watched && isSettled(record)) this.#urgent = true
      this.outcomeReports.merged(entry, batch.origin)
    }
    if (prompt) {
      this.#urgent = true
      this.#prompt.add(batch.origin)
    }
    if (merged.changed.some(({ id }) => this.#placed.has(id))) this.releaseCopied()
    return merged.changed
  }

  /**
   * Takes in what came outside the log, and writes what is new in it into our own log, with the same flush: no vector
   * would ever carry it otherwise. Undefined if the task was here and has been pruned.
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
    if (entry.reportDue && !entry.reported) this.dissemination.hurry()
  }

  /** What has just been written is waited for. */
  urge(): void {
    this.#urgent = true
  }

  /** All that is written, now and from here on, is waited for elsewhere: this node is to go when it is safe there. */
  hasten(): void {
    this.#hasty = true
    this.urge()
    this.dissemination.hurry()
  }

  /** All that happened at the time of the first change has been taken in. */
  turned(): void {
    this.#turning = false
  }

  /** Whether what has changed can go to disk in this step: all that happened at its time has been taken in. */
  mayFlush(after: Input['kind']): boolean {
    return !this.#context.log.isFlushing && ENDS_A_TURN.has(after)
  }

  /** Sends what has changed to disk, if it is urgent or has waited long enough, and no flush is under way. */
  flush(after: Input['kind'], settledFloor: Readonly<{ takeChanged: () => Flush['floor'] }>): void {
    const { log, members, keyTombstones, now, options, emit } = this.#context
    if (!this.#urgent && now - this.#flushedAt < options.lazyFlushMs) return
    if (log.isFlushing) return
    if (this.#urgent && !ENDS_A_TURN.has(after) && !log.isDurable) return this.#awaitTurn()
    const flush = log.flush({
      members: members.takeDirty(),
      roster: members.roster.takeDirty(),
      dropped: { members: members.takeDropped(), roster: members.roster.takeDropped() },
      spent: keyTombstones.takeChanged(),
      floor: settledFloor.takeChanged()
    })
    if (flush === null) return this.#allKept()
    this.#urgent = false
    this.#flushedAt = now
    this.#flushed = flush.flush
    emit({ kind: 'persist', flush })
  }

  /** There is nothing that is not on disk. */
  #allKept(): void {
    const waiting = this.#afterFlush
    this.#afterFlush = []
    for (const { pending } of waiting) this.#context.release(pending)
  }

  #awaitTurn(): void {
    if (this.#turning) return
    this.#turning = true
    this.#context.emit({ kind: 'turn' })
  }

  /** Acknowledges what was not in a hurry. */
  acknowledgeOwed(): void {
    this.#acknowledge(this.#owed)
    this.#owed = new Set()
  }

  /** To be released when everything written so far is on disk. */
  onceDurable(pending: OnceFlushed): void {
    const { log, release } = this.#context
    if (log.isDurable) return release(pending)
    this.#urgent = true
    this.#afterFlush.push({ flush: log.lastFlush, pending })
  }

  /** To be released when all that is kept beside the log is on disk, too, such as who has left. */
  onceKept(pending: OnceFlushed): void {
    this.#urgent = true
    this.#afterFlush.push({ flush: this.#flushed + 1, pending })
  }

  /** To be released when our write `seq` is on disk here and with `acks` others: a caller waits for that. */
  onceCopied(seq: number, acks: number | null, pending: OnceCopied): void {
    this.#wait({ origin: this.#context.self, seq }, acks, pending, true)
  }

  /** A task that was submitted here is another node's, on another computer: that one keeps the copy that is waited for. */
  placed(entry: Entry): void {
    const { self, now } = this.#context
    const created = entry.record.created.find(({ origin }) => origin === self)
    const waiting = this.#copies.get(self)
    const ack = created === undefined ? undefined : waiting?.withdraw(created.seq)
    if (ack === undefined) return
    if (waiting!.isEmpty) this.#copies.delete(self)
    this.#placed.add(entry, ack, now)
  }

  #wait({ origin, seq }: Dot, acks: number | null, pending: OnceCopied, prompt: boolean): void {
    const deadline = this.#context.now + this.#context.options.acksTimeoutMs
    const copies = this.#copies.get(origin) ?? new AckWait()
    this.#copies.set(origin, copies)
    copies.add({ seq, acks, prompt, deadline, pending })
  }

  /** What waits for our disk, or for those of others. */
  *pending(): Generator<Waiting> {
    for (const { flush, pending } of this.#afterFlush) {
      yield { pending, until: { on: 'flush', flush } }
    }
    for (const [origin, copies] of this.#copies) yield* copies.pending(origin)
    yield* this.#placed.pending(this.#context.self)
  }

  /** What this node itself has yet to get to its disk, and to others. */
  get backlog(): Backlog {
    const { log, self, members, now, options } = this.#context
    const unflushed = log.nextSeq - 1 - (log.durableVector.get(self) ?? 0)
    // Where no member is there that would acknowledge, the wait ends by itself, and makes nothing better.
    const copies = this.#copies.get(self)
    const first = Math.min(copies?.firstDeadline ?? Infinity, this.#placed.firstDeadline)
    if (first === Infinity || !members.hasLinkedAndAlive(now)) {
      return { unflushed, awaited: 0, awaitedMs: 0 }
    }
    const awaited = (copies?.awaited ?? 0) + this.#placed.size
    return { unflushed, awaited, awaitedMs: now - first + options.acksTimeoutMs }
  }

  /** A flush has landed: tell the others, acknowledge theirs, answer those who waited for it. */
  persisted(number: number): void {
    const { log, self } = this.#context
    const told = log.durableVector.get(self) ?? 0
    const { flush, entries } = log.flushed(number)
    this.outcomeReports.landed(flush, entries)
    const awaited = this.#hasty || (this.#copies.get(self)?.areAwaited ?? false)
    this.dissemination.flushed(told, flush, awaited)
    for (const origin of flush.vector.keys()) if (origin !== self) this.#owed.add(origin)
    const prompt = [...this.#prompt].filter(origin => this.#owed.delete(origin))
    // What came while this flush was under way is in the next one, and is waited for as well.
    const isDurable = isMergedIn(log, reachIn(log.durableVector))
    const later = [...this.#prompt].filter(origin => !isDurable(origin))
    this.#prompt = new Set(later)
    if (prompt.some(origin => this.#awaiting.has(origin))) this.dissemination.tellAll()
    this.#acknowledge(prompt)
    const waiting = this.#afterFlush
    this.#afterFlush = waiting.filter(({ flush }) => flush > number)
    for (const { flush, pending } of waiting) {
      if (flush <= number) this.#context.release(pending)
    }
    this.releaseCopied()
  }

  /** What is known of members has. @param isVerdict one has come or gone, so that its work may be another's now */
  membersChanged(isVerdict: boolean): void {
    // Whoever is to take over what a member held may not have heard of it yet.
    if (isVerdict) this.dissemination.tellAll()
    this.releaseCopied()
  }

  /** Something that copies are counted by has changed: releases what waited for them. */
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
    if (this.#placed.releaseDue(now, self, view, release)) this.dissemination.hurry()
    for (const [origin, copies] of this.#copies) {
      const durableUpTo = reach(log.durableVector, origin)
      const disks = (seq: number): Disks => disksWith(members, [{ origin, seq }], computer)
      copies.releaseDue(now, { durableUpTo, others, apart, disks }, release)
      if (copies.isEmpty) this.#copies.delete(origin)
    }
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

  /**
   * Nodes that were away work on tasks that are over. Told before we acknowledge what they wrote about them: they may
   * be waiting for just that to start them.
   */
  #tellForgotten(nodes: Iterable<NodeId>, ids: readonly TaskId[]): void {
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
      // A node that asks whether we have merged something also wants to know what we had by then.
      const isAwaited = this.#awaiting.has(origin)
      // What it asks about may have come while this flush was under way: then it is in the next one.
      if (isDurable(origin)) this.#awaiting.delete(origin)
      const vector = isAwaited
        ? this.#vectors.some(log.durableVector, self)
        : new Map([origin, self].flatMap(boot => entryOf(log.durableVector, boot)))
      const message = { kind: 'ack', boot: self, vector, ...unreadableOf(log, vector) } as const
      emit({ kind: 'send', to, message })
    }
  }
}

/** What of a vector could not be read, to be told with it. */
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
