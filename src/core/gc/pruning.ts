/**
 * Prunes settled tasks, for good and everywhere, without leaving a trace.
 *
 * No trace is needed because the version vector is one: a task that is absent although the vector covers its creation
 * has been pruned. That holds as long as no node prunes a task that another might still want to run. So a task goes
 * only if every member that may be alive has it as settled on its disk, if this node sees a majority, and if no task
 * that has not settled depends on it. Before its time it goes for lack of room, below a floor that everybody has
 * reached (settled-floor.ts). This node's own vector has to cover it, too: one that was damaged and given up covers
 * nothing until a peer has told again what it did, and a node that stays alone keeps what it had.
 *
 * The write that created a task may have been on one disk alone, and be lost with it, while the task had gone on to
 * others outside the log. No node waits for such a write: all have the task if they have what was written of it since.
 * It is kept beside the vector then (log/dot-cloud.ts), so that the task is past for a node that comes back with it.
 *
 * A task under a key is kept for members, too, whose boot has ended and that have not left: one of them may have been
 * given the same key in its last moment, and comes back with it.
 */
import { commonTo, type Coverage } from '../base/coverage.ts'
import { covers, reachIn } from '../base/version-vector.ts'
import type { Context } from '../context.ts'
import type { Entry } from '../log/entry.ts'
import { Retention } from './retention.ts'
import { TASK_LIMITS } from '../options.ts'
import type { Dependencies } from '../queue/dependencies.ts'
import { SettledFloor } from './settled-floor.ts'
import { isSettled, type Dot } from '../task/record.ts'

/** How many due tasks are looked at in one tick. Guess: 25,000 a second is more than is ever submitted. */
const LOOK_MAX = 5000

export class Pruning {
  readonly #context: Context
  readonly #dependencies: Dependencies
  readonly #retention: Retention
  readonly settledFloor: SettledFloor

  constructor(context: Context, dependencies: Dependencies) {
    this.#context = context
    this.#dependencies = dependencies
    this.#retention = new Retention(context.options)
    this.settledFloor = new SettledFloor(context, this.#retention, () =>
      dependencies.countNamedSettled()
    )
  }

  /** A task has changed, or has come. */
  update(entry: Entry): void {
    if (isSettled(entry.record)) this.#retention.settled(entry)
    else this.#retention.forget(entry)
  }

  /** Whether it has been kept long enough. */
  isDue(entry: Entry): boolean {
    return this.#retention.isDue(entry)
  }

  /** What has been kept long enough, and may be pruned. */
  due(): Entry[] {
    const { log, members, unknownOrigins, keyTombstones, isNew, now, wallMs } = this.#context
    // Whether our clock is right is not known before others have been heard.
    if (!isNew) keyTombstones.tidy(wallMs)
    this.settledFloor.tick()
    const due = this.#retention.due(wallMs, this.settledFloor.floor)
    unknownOrigins.tick(this.#context)
    if (due.size === 0 || !members.seesMajority(now) || members.hasStrangers()) return []
    // On the disks of all who may be alive, this node included; and of those who may come back.
    const living = [log.durableCoverage, ...members.mayLive(now)]
    const isLost = this.#lostFor(living)
    const onDisks = knownTo(living, isLost)
    const onAllDisks = knownTo([...living, ...members.notLeft()], isLost)
    const caughtUp = this.#isCaughtUp()
    const floor = this.settledFloor.agreed()
    const may: Entry[] = []
    for (const entry of [...due].slice(0, LOOK_MAX)) {
      const { spec, outcome } = entry.record
      const isOver = this.#retention.endOf(entry.record, wallMs) <= wallMs || outcome!.at < floor
      const isFinal = caughtUp || outcome!.status !== 'failed'
      const disks = spec.idempotencyKey === null ? onDisks : onAllDisks
      if (isOver && isFinal && this.#mayGo(entry, disks)) may.push(entry)
      else this.#retention.postpone(entry)
    }
    return may
  }

  /** The task is no more. Returns those that still waited for it. */
  forget(entry: Entry): readonly Entry[] {
    const { log, keyTombstones, wallMs } = this.#context
    const latest = wallMs + TASK_LIMITS.retentionMsMax
    const end = Math.min(this.#retention.endOf(entry.record, wallMs), latest)
    if (entry.record.spec.idempotencyKey !== null && wallMs < end) keyTombstones.note(entry.id, end)
    this.#retention.forget(entry)
    log.remove(entry)
    return this.#dependencies.forget(entry)
  }

  assertInvariants(): void {
    this.#retention.assertInvariants(this.#context.log.entries())
    this.settledFloor.assertInvariants()
  }

  #mayGo(entry: Entry, { isCommon, isLost, isWhole }: Known): boolean {
    const { record, durable, reported, loose } = entry
    // Of what is in no vector it is not known yet whether the others have it.
    if (loose.length > 0 || !reported || durable !== record) return false
    if (this.#dependencies.isNamed(entry.id)) return false
    // Where no member has passed any write unread, one that has the last write of a boot has all before it.
    const writes = isWhole ? [...entry.lastWrites()] : entry.writes
    if (!writes.every(isCommon)) return false
    const lost = record.created.filter(dot => !isCommon(dot))
    if (lost.length === 0) return true
    // A member has it from elsewhere, and wrote that down; or it has been pruned elsewhere.
    const { dotCloud } = this.#context.log.origins
    const isTold = lost.length < record.created.length || writes.length > 0
    return lost.every(dot => isLost(dot) && (isTold || dotCloud.has(dot)))
  }

  /** Writes of boots that have ended, which none of these have and no other node can bring, as far as is known. */
  #lostFor(living: readonly Coverage[]): (dot: Dot) => boolean {
    const { members, unknownOrigins } = this.#context
    const reaches = living.map(({ vector }) => reachIn(vector))
    return ({ origin, seq }) => {
      unknownOrigins.name(origin, this.#context)
      const isOver = members.isGone(origin) || unknownOrigins.isNobody(origin, this.#context)
      return isOver && !reaches.some(of => covers(of, { origin, seq }))
    }
  }

  /**
   * Whether we have merged all that the others had when they last told us. A failure is undone by a claim that its
   * author could not know of, perhaps one of an earlier boot; one that has merged the failure claims no more. A node
   * that we know by its writes alone may not have merged it. And what could not be read here may be such a claim, as
   * long as any member has it.
   */
  #isCaughtUp(): boolean {
    const { log, members, unknownOrigins, now } = this.#context
    const strange = unknownOrigins.strange(this.#context)
    if (strange.some(boot => !unknownOrigins.isNobody(boot, this.#context))) return false
    return members.mayLive(now).every(member => log.hasAll(member))
  }
}

/** What all of some replicas have on disk. */
type Known = Readonly<{
  isCommon: (dot: Dot) => boolean
  isLost: (dot: Dot) => boolean
  isWhole: boolean
}>

function knownTo(all: readonly Coverage[], isLost: Known['isLost']): Known {
  return {
    isCommon: commonTo(all),
    isLost,
    isWhole: all.every(({ unreadable }) => unreadable.isEmpty)
  }
}
