/**
 * What becomes of the tasks of a boot that is gone: they are reclaimed, and run again once the reclaim is confirmed.
 *
 * A restart is no exception. The new boot is another holder than the old one, and what the old one held is taken over
 * by the node that is first in line, which may be the restarted one.
 */
import type { AntiEntropy } from '../replication/anti-entropy.ts'
import { assert } from '../base/assert.ts'
import { nodeOf, type BootId, type NodeId, type TaskId } from '../base/ids.ts'
import type { ReclaimCause } from '../telemetry/counters.ts'
import { demandOf } from './capability.ts'
import { ReclaimOrder, rankOf, type Candidate } from './reclaim-order.ts'
import { poolsOf } from './pools.ts'
import type { PoolRoom } from './pool-room.ts'
import { isLost, reclaimOf, unheardStart, wasReclaimed } from './rules.ts'
import { ClaimBarrier } from './claim-barrier.ts'
import type { Context } from '../context.ts'
import type { Input } from '../input.ts'
import type { Entry } from '../log/entry.ts'
import type { Strangers } from '../membership/strangers.ts'
import { isOut } from '../membership/membership.ts'
import type { Member } from '../membership/member.ts'
import type { Members } from '../membership/members.ts'
import { Newcomers } from './newcomers.ts'
import { Holdings } from './holdings.ts'
import { KEPT_MAX, Portions, type MemberRoom } from './portions.ts'
import type { Waiting } from '../pending.ts'
import type { GroupCommit } from '../replication/group-commit.ts'
import { EPOCH_MAX, isSettled, isStarted, type TaskRecord } from '../task/record.ts'
import { deadlineOf } from '../task/times.ts'

/** Tasks out of a file that are taken over in one tick. Guess: that takes some ten milliseconds. */
const ORPHANS_MAX = 1000
/**
 * Tasks of one boot that ran, or have to be settled, and are looked at in one tick. Guess: that takes some ten
 * milliseconds, too.
 */
const URGENT_MAX = 2000

export class Reclaim {
  readonly #context: Context
  readonly #groupCommit: GroupCommit
  readonly #antiEntropy: AntiEntropy
  readonly #holdings = new Holdings()
  readonly #isReady: (id: TaskId) => boolean
  readonly #isBroken: (id: TaskId) => boolean
  readonly #order: ReclaimOrder
  readonly #portions: Portions
  /** Gone boots of whose tasks this node has taken as many as it had room for, and not all that it is to take. */
  #partlyTaken: readonly BootId[] = []
  readonly #barrier = new ClaimBarrier()
  readonly #newcomers: Newcomers
  /** Tasks that came out of a file, held by a boot that was not known here; and since when. */
  readonly #orphans = new Map<Entry, number>()
  readonly #strangers: Strangers

  /**
   * @param isReady whether a task could be started by whichever node holds it
   * @param isBroken whether a task can never be started, because of how one that it depends on has ended
   */
  constructor(
    context: Context,
    groupCommit: GroupCommit,
    antiEntropy: AntiEntropy,
    strangers: Strangers,
    isReady: (id: TaskId) => boolean,
    isBroken: (id: TaskId) => boolean
  ) {
    this.#context = context
    this.#groupCommit = groupCommit
    this.#antiEntropy = antiEntropy
    this.#strangers = strangers
    this.#newcomers = new Newcomers(context, antiEntropy)
    this.#isReady = isReady
    this.#isBroken = isBroken
    this.#order = new ReclaimOrder(context.options.stepInMs)
    this.#portions = new Portions(context.options.stepInMs)
  }

  /** A task has changed, or has come. */
  update(entry: Entry): void {
    const { record, id } = entry
    const isOver = record.cancelRequest !== null || this.#context.wallMs >= deadlineOf(record)
    const isUrgent = isOver || isStarted(record) || isLost(record) || this.#isBroken(id)
    this.#holdings.update(entry, isUrgent)
  }

  /** The task has been pruned. */
  forget(entry: Entry): void {
    this.#holdings.remove(entry)
    this.#orphans.delete(entry)
  }

  /** A boot has spoken on its own link for the first time. */
  met(member: Member): void {
    this.#newcomers.met(member)
  }

  /** A task was submitted here under a key: others may have done the same, so its claim has to be confirmed, too. */
  submitted(entry: Entry): void {
    this.#barrier.add([{ entry, seq: this.#context.log.nextSeq - 1 }])
  }

  /**
   * Tasks have come out of a file. If the holder of one is no member at all, nobody will ever say that it is gone: the
   * task is taken over by the node that loaded it, which may have to meet the others first.
   */
  loaded({ request, news }: Extract<Input, { kind: 'load' }>): void {
    const { log, now } = this.#context
    for (const { spec } of news.kind === 'batch' ? news.records : []) {
      const entry = log.get(spec.id)
      if (entry === undefined || !this.#isOrphan(entry)) continue
      // To the end, so that the first ones are always those that have been known for longest.
      this.#orphans.delete(entry)
      this.#orphans.set(entry, now)
    }
    this.#groupCommit.onceDurable({ kind: 'load', request })
  }

  /**
   * Takes over from boots that are gone, or out of reach, whatever it is this node's turn to take. Returns the tasks
   * taken.
   *
   * @param roomFor how many more tasks this node has room for that could be started at once, if these boots left any
   */
  reclaimGone(self: Candidate, roomFor: (boots: readonly BootId[]) => PoolRoom): Entry[] {
    const { members } = this.#context
    const holders = this.#holdings.holders()
    this.#order.keep(holders)
    this.#strangers.holding(holders)
    const isMissed = this.#missing()
    const gone = holders.filter(boot => members.isGone(boot) || isMissed(boot))
    const taken = new Set(this.#takeOrphans())
    this.#partlyTaken = []
    const theirs = gone.filter(boot => !this.#standsAside(boot))
    if (theirs.length > 0) this.#takeOver(theirs, self, roomFor(theirs), taken)
    this.reclaim([...taken])
    return [...taken]
  }

  /** Gone boots of whose tasks this node has taken as many as it had room for, and not all that it is to take. */
  get partlyTaken(): readonly BootId[] {
    return this.#partlyTaken
  }

  /** Takes tasks over from their holders. */
  reclaim(entries: readonly Entry[]): void {
    const { self, log, members, counters } = this.#context
    if (entries.length === 0) return
    const former = new Set(entries.map(({ record }) => record.claim.holder))
    const taken = entries.map(entry => {
      const { spec, claim } = entry.record
      // What may run at most once, all have to confirm but the node that held it.
      const except = spec.delivery === 'at-least-once' ? null : nodeOf(claim.holder)
      counters.reclaims.add(causeOf(self, claim.holder, members))
      const seq = log.nextSeq
      log.write(entry, reclaimOf(self, entry.record, this.#lostUnheard(entry)))
      this.#holdings.update(entry)
      return { except, entry, seq }
    })
    for (const [except, list] of Map.groupBy(taken, ({ except: node }) => node)) {
      this.#barrier.add(list, except, former)
    }
    this.#groupCommit.urge()
  }

  /**
   * Whether a node was lost while it ran the task, and the claim does not say so: the boot that took it over had not
   * heard of that start.
   */
  hasUncountedLoss(entry: Entry): boolean {
    return this.#lostUnheard(entry) !== null
  }

  /** Returns the tasks of which it may have become clear whether they may be started. */
  confirm(): readonly Entry[] {
    const changed = this.#newcomers.update() ? this.#ownReclaimed() : []
    return [...changed, ...this.#confirmed()]
  }

  /** Tasks that are taken over here, and may not be started yet. */
  unconfirmed(): readonly Entry[] {
    return this.#barrier.isEmpty ? [] : this.#barrier.unconfirmed()
  }

  /** Whether the task is ours by a claim that others may not have heard of yet. */
  isUnconfirmed(entry: Entry): boolean {
    return this.#barrier.isUnconfirmed(entry) || this.isHeld(entry)
  }

  /** Whether a task of this node was taken over, and a node has come that may know how it ended. */
  isHeld({ record }: Entry): boolean {
    const { self } = this.#context
    return this.#newcomers.areAwaited && record.claim.holder === self && wasReclaimed(record)
  }

  /** Tasks that this node holds. */
  own(): Entry[] {
    return this.#holdings.of(this.#context.self)
  }

  /**
   * How many tasks a boot runs in a pool, as far as is known here. Those that it has to settle without a run count for
   * the default one.
   */
  runningAt(boot: BootId, pool: string): number {
    return this.#holdings.urgentCount(boot, pool)
  }

  /** Names of the nodes that were gone while they ran a task; of this one, which lives, a worker was. */
  namesOf({ claim }: TaskRecord): string[] {
    const { self, name, members } = this.#context
    return claim.lost.map(boot =>
      boot === self
        ? `a worker of ${name || nodeOf(boot)}`
        : members.get(nodeOf(boot))?.heartbeat.name || nodeOf(boot)
    )
  }

  /** Claims of ours that may not be acted upon yet. */
  *pending(): Generator<Waiting> {
    const held = this.#newcomers.areAwaited ? this.#ownReclaimed() : []
    for (const { id: taskId, record } of new Set([...this.#barrier.unconfirmed(), ...held])) {
      const pending = { kind: 'claim', taskId, epoch: record.claim.epoch } as const
      yield { pending, until: { on: 'confirmation', deadline: null } }
    }
  }

  assertInvariants(): void {
    this.#holdings.assertInvariants(this.#context.log.entries())
    this.#barrier.assertInvariants()
    for (const { id, removed } of this.#orphans.keys()) {
      assert(!removed, 'an orphan that is to be taken over is here', id)
    }
  }

  /**
   * Returns whether a holder is out of reach of a side that sees a majority. A cut silences the others one by one, as
   * their heartbeats are due, so a member that is not missed yet proves nothing. Only members count that have spoken
   * when the holder was suspect already: that was after the cut. A holder of which no member here can tell anything is
   * as unreachable as one that has fallen silent.
   */
  #missing(): (boot: BootId) => boolean {
    const { members, now, options } = this.#context
    const { quorum, suspectMs } = options
    const unreachableMs = options.unreachableMs + members.lateness.ownMs
    // To count who sees whom takes a while, and there may be many holders of which no member can tell anything.
    const known = new Map<number, boolean>()
    const hasQuorum = (since: number): boolean => {
      const has = known.get(since) ?? members.hasQuorum(now, quorum, since)
      known.set(since, has)
      return has
    }
    return boot => {
      const metAt = this.#strangers.heldSince(boot)
      const isUnreachable =
        metAt === undefined ? members.isUnreachable(boot, now) : now - metAt >= unreachableMs
      if (!isUnreachable) return false
      const member = members.get(nodeOf(boot))
      const lateMs = member === undefined ? 0 : members.lateness.of(member)
      return hasQuorum((metAt ?? members.silentSince(boot)) + suspectMs + lateMs)
    }
  }

  #takeOrphans(): Entry[] {
    const { now, options } = this.#context
    const due: Entry[] = []
    for (const [entry, since] of this.#orphans) {
      if (now - since < options.orphanQuietMs || due.length === ORPHANS_MAX) break
      this.#orphans.delete(entry)
      due.push(entry)
    }
    return due.filter(entry => this.#isOrphan(entry))
  }

  #isOrphan({ record }: Entry): boolean {
    const { node, members } = this.#context
    const holder = nodeOf(record.claim.holder)
    return !isSettled(record) && holder !== node && members.get(holder) === undefined
  }

  /**
   * Whether what a gone boot held is better left to another node that is there. Where this node could not read
   * something that the gone boot or a living one wrote, no reclaim of ours is confirmed; another node may have read it.
   */
  #standsAside(gone: BootId): boolean {
    const { log, members, now } = this.#context
    if (log.unreadable.isEmpty) return false
    const authors = [gone, ...members.notEnded().map(({ heartbeat }) => heartbeat.boot)]
    const unread = authors.flatMap(origin => log.unreadable.of(origin))
    if (unread.length === 0) return false
    return members
      .linkedAndAlive(now)
      .some(
        ({ heartbeat, unreadable }) =>
          !heartbeat.draining && !unread.some(stretch => unreadable.meets(stretch))
      )
  }

  /** What had started or has to be settled is taken at once, all else in portions. */
  #takeOver(gone: readonly BootId[], self: Candidate, spare: PoolRoom, taken: Set<Entry>): void {
    const { members, now } = this.#context
    const takers = members.linkedAndAlive(now).filter(({ heartbeat }) => !heartbeat.draining)
    const others = takers.map(({ node, heartbeat }) => ({ node, pools: poolsOf(heartbeat) }))
    const room = { run: spare, keep: KEPT_MAX - this.#barrier.size }
    this.#portions.note(now, takers.flatMap(roomsOf))
    const key = lineUpKey(self, others)
    for (const boot of gone) {
      const isProven = members.isGone(boot)
      this.#takeUrgent(boot, isProven, self, others, taken)
      const estate = this.#holdings.estateOf(boot, this.#isReady)
      if (estate === null) continue
      const lineUp = { self, others, isProven, key: `${isProven} ${key}` }
      const noticedAt = this.#order.noticedAt(now, boot)
      for (const entry of this.#portions.take(now, estate, lineUp, room, noticedAt))
        taken.add(entry)
      if (!estate.isTaken) this.#partlyTaken = [...this.#partlyTaken, boot]
    }
  }

  #takeUrgent(
    boot: BootId,
    isProven: boolean,
    self: Candidate,
    others: readonly Candidate[],
    taken: Set<Entry>
  ): void {
    const { now } = this.#context
    let looks = 0
    for (const entry of this.#holdings.urgentOf(boot)) {
      if (++looks > URGENT_MAX) return
      // It may run behind a cut cable, and must not run twice.
      if (!isProven && entry.record.spec.delivery === 'at-most-once') continue
      // No node can claim it any more: one that tried would write the same again and again.
      if (entry.record.claim.epoch >= EPOCH_MAX) continue
      const rank = rankOf(entry.id, demandOf(entry.record.spec), self, others)
      if (this.#order.isDue(now, boot, rank)) taken.add(entry)
    }
  }

  #lostUnheard({ record }: Entry): BootId | null {
    const by = unheardStart(record)
    return by !== null && this.#context.members.isGone(by) ? by : null
  }

  #confirmed(): readonly Entry[] {
    // A node that has met no other yet would have nobody to ask, and confirm its claims at once.
    if (this.#barrier.isEmpty || this.#context.isNew) return []
    if (this.#strangers.awaited().length > 0) return []
    const { self: boot, log, members, now } = this.#context
    const merged = log.origins.reach
    const upTo = log.durableVector.get(boot) ?? 0
    const self = { boot, upTo, unreadable: log.unreadable }
    const ask = (node: NodeId): void => this.#antiEntropy.ask(node)
    return this.#barrier.confirm(self, members.canConfirm(now), merged, members.notLeft(), ask)
  }

  #ownReclaimed(): Entry[] {
    return this.own().filter(({ record }) => wasReclaimed(record) && !isStarted(record))
  }
}

/** How much a member can take, by what it said last. */
function roomsOf({ node, heartbeat }: Member): MemberRoom[] {
  if (heartbeat.paused !== undefined) return []
  return poolsOf(heartbeat).map(({ name, slots, running, queued }) => {
    return { node, pool: name, room: slots - running - queued }
  })
}

/** What decides whose turn it is to take a task: as long as it is the same, nothing has to be computed anew. */
function lineUpKey(self: Candidate, others: readonly Candidate[]): string {
  return JSON.stringify(
    [self, ...others].map(({ node, pools }) => {
      return [node, pools.map(({ name, slots, types, labels }) => [name, slots > 0, types, labels])]
    })
  )
}

function causeOf(self: BootId, holder: BootId, members: Members): ReclaimCause {
  const member = members.get(nodeOf(holder))
  if (holder === self) return 'taken'
  if (member === undefined) return members.isGone(holder) ? 'restarted' : 'unknown'
  if (member.heartbeat.boot !== holder) return 'restarted'
  if (isOut(member)) return 'left'
  return member.crashed ? 'crashed' : 'unreachable'
}
