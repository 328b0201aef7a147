/**
 * Workers outside the process of a simulated node, made of dice, over the real book of leases: some die, some say
 * nothing for too long, some tell an end twice, or when it is too late.
 */
import type { BootId, TaskId } from '../../core/base/ids.ts'
import type { Run } from '../../core/effect.ts'
import type { Input, RunResult } from '../../core/input.ts'
import { LeaseBook, type Lease, type LeaseEnd } from '../../run/external/lease-book.ts'
import type { EventQueue } from './event-queue.ts'
import type { Random } from './random.ts'
import type { LeaseChecker } from '../checkers/execution/leases.ts'

/** What a worker has to end a run that the node has settled. */
const GRACE_MS = 1000
/** Of what workers do, how much is out of the ordinary. */
const ODD = 0.15
/** What an end is late by, or told again after, in ms, at most. */
const LATE_MS_MAX = 3000

/** The node that they work for. */
export type Host = Readonly<{
  options: Readonly<{ boot: BootId }>
  now: number
  /** Its process has ended. */
  gone: boolean
  running: Map<TaskId, Run>
  feed: (input: Input) => void
}>

/** Who looks on. */
type Onlooker = Readonly<{
  leases: LeaseChecker | undefined
  /** A run has ended; not called for one that was given back. */
  ran: (run: Run, result: RunResult) => void
}>

export class SimWorkers {
  readonly #node: Host
  readonly #onlooker: Onlooker
  readonly #eventQueue: EventQueue
  readonly #random: Random
  readonly #book: LeaseBook
  #count = 0

  constructor(
    node: Host,
    { eventQueue, random }: Readonly<{ eventQueue: EventQueue; random: Random }>,
    onlooker: Onlooker
  ) {
    this.#node = node
    this.#onlooker = onlooker
    this.#eventQueue = eventQueue
    this.#random = random
    this.#book = new LeaseBook(GRACE_MS, {
      ended: ({ run }, how, durationMs) => {
        // Timeouts are no business of this simulator: no run has one.
        this.#ended(run, { status: 'returned', isLost: how === 'lost' }, durationMs)
      },
      withdrawn: () => this.#expireInTime(),
      closed: () => {}
    })
  }

  /** A worker of its own takes the run. @param result what it will say of it */
  run(run: Run, result: RunResult, durationMs: number): void {
    const random = this.#random
    const owner = `worker ${++this.#count}`
    const leaseMs = random.chance(0.5) ? random.whole(1, LATE_MS_MAX) : null
    const lease = this.#book.hand(
      this.#node.now,
      owner,
      { ...run, timeoutMs: null },
      leaseMs,
      owner
    )
    this.#expireInTime()
    if (random.chance(ODD)) {
      this.#after(random.whole(0, durationMs), () => {
        this.#book.drop(this.#node.now, owner, random.chance(0.8) ? 'lost' : 'returned')
      })
    }
    const lateMs = random.chance(ODD) ? random.whole(0, LATE_MS_MAX) : 0
    const end: LeaseEnd = { kind: 'complete', key: JSON.stringify(result) }
    this.#after(durationMs + lateMs, () => this.#tell(lease, end, result))
    if (random.chance(ODD)) {
      const again = durationMs + lateMs + random.whole(0, LATE_MS_MAX)
      this.#after(again, () => this.#tell(lease, end, result))
    }
  }

  /** The node does not want it any more. */
  abort({ taskId, epoch }: Pick<Run, 'taskId' | 'epoch'>): void {
    this.#onlooker.leases?.aborted(this.#node.options.boot, { taskId, epoch })
    this.#book.withdraw(this.#node.now, taskId, epoch, 'LeaseLost')
  }

  #tell(lease: Lease, end: LeaseEnd, result: RunResult): void {
    const now = this.#node.now
    const answer = this.#book.end(lease.id, end)
    this.#book.assertInvariants()
    this.#onlooker.leases?.told(this.#node.options.boot, lease, answer)
    if (answer === 'taken') this.#ended(lease.run, result, now - lease.since)
  }

  #ended(run: Run, result: RunResult, durationMs: number): void {
    const { taskId, epoch } = run
    this.#onlooker.leases?.ended(this.#node.options.boot, run, result.status)
    const { running } = this.#node
    if (running.get(taskId)?.epoch === epoch) running.delete(taskId)
    if (result.status !== 'returned') this.#onlooker.ran(run, result)
    this.#node.feed({ kind: 'completion', taskId, epoch, run: result, durationMs })
  }

  #expireInTime(): void {
    const { dueAt } = this.#book
    if (dueAt === Infinity) return
    this.#after(Math.max(0, dueAt - this.#node.now), () => {
      this.#book.expire(this.#node.now)
      this.#book.assertInvariants()
    })
  }

  #after(ms: number, act: () => void): void {
    this.#eventQueue.after(ms, () => {
      if (!this.#node.gone) act()
    })
  }
}

/** @param fails whether its handler throws */
export function resultOutside(fails: boolean): RunResult {
  const error = { name: 'Error', message: 'the dice said so', stack: null }
  return fails
    ? { status: 'failed', error, reason: 'HandlerError' }
    : { status: 'completed', result: '"outside"' }
}
