/**
 * Runs of workers outside this process: sessions that stay connected, and those who ask for one task at a time.
 *
 * Who is there is offered to the core as pools. A run that the core starts in one of them waits until its worker takes
 * it; from then on it has a lease (lease-book.ts), and ends with it. What the core does not know is that a worker may
 * still be busy with a run that the node has settled: its pool is offered that much smaller until it has ended it, and
 * what the core has started there in the same moment is given back.
 */
import { createHash, randomBytes } from 'node:crypto'
import { assert } from '../../core/base/assert.ts'
import type { TaskId } from '../../core/base/ids.ts'
import type { Run } from '../../core/effect.ts'
import type { RunResult } from '../../core/input.ts'
import { isBlob, type Content } from '../../core/task/content.ts'
import type { Outcome } from '../../core/task/record.ts'
import type {
  ClaimOffer,
  ExternalHost,
  ExternalRunner,
  Handed,
  LeaseStanding,
  WorkerFailure,
  WorkerOffer,
  WorkerSession
} from '../../ports/external.ts'
import type { RunEnded, RunOutput, RunProgress } from '../../ports/ports.ts'
import { LeaseEndedError, LeaseLostError, UnknownWorkerError } from '../../shared/errors.ts'
import { createContext, type RunContext } from '../context.ts'
import { failure, outcomeOfTimeout } from '../outcome.ts'
import {
  LeaseBook,
  type Lease,
  type LeaseEnd,
  type LeaseId,
  type Refusal,
  type Unended
} from './lease-book.ts'
import type { Owner } from './owner.ts'
import { Polls } from './polls.ts'
import { Session } from './session.ts'

/** How the runs of all kinds are reported. */
export type Reports = Readonly<{ ended: RunEnded; progress: RunProgress; output: RunOutput }>

/** A timer cannot wait for longer. */
const TIMER_MS_MAX = 2 ** 31 - 1
const NONCE_BYTES = 9

export class External implements ExternalRunner {
  readonly #reports: Reports
  readonly #book: LeaseBook
  readonly #owners = new Map<string, Owner>()
  /** Of leases whose worker has said something. */
  readonly #contexts = new Map<LeaseId, RunContext>()
  #host: ExternalHost | null = null
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity
  #isOver = false

  /** @param graceMs what a worker has to end a run that the node has settled */
  constructor(graceMs: number, reports: Reports) {
    this.#reports = reports
    this.#book = new LeaseBook(graceMs, {
      ended: (lease, how, durationMs) => this.#report(lease.run, unended(lease, how), durationMs),
      withdrawn: (lease, why) => {
        const owner = this.#owners.get(lease.owner)
        owner?.cancel(lease.id, why)
        if (owner !== undefined) this.#resized(owner)
      },
      closed: lease => this.#closed(lease)
    })
  }

  serve(host: ExternalHost): void {
    this.#host = host
  }

  connect(offer: WorkerOffer, gone: AbortSignal): WorkerSession {
    gone.throwIfAborted()
    const name = `${offer.name}-${randomBytes(3).toString('hex')}`
    const session = new Session(name, offer, {
      hand: run => this.#hand(name, run, offer.leaseMs),
      hasLeases: () => this.#book.countOf(name).all > 0,
      changed: () => this.#resized(session),
      lost: () => this.#leave(session, 'lost')
    })
    this.#add(session, offer.slots)
    gone.addEventListener('abort', () => this.#leave(session, 'lost'), { once: true })
    return session
  }

  async claim(offer: ClaimOffer, gone: AbortSignal): Promise<Handed | null> {
    gone.throwIfAborted()
    const types = offer.types.toSorted()
    const hash = createHash('sha256').update(types.join('\n')).digest('hex')
    const name = `claims-${hash.slice(0, 8)}`
    const known = this.#owners.get(name)
    if (known instanceof Polls) return known.wait(offer, gone)
    const polls = new Polls(name, types, {
      hand: (run, leaseMs) => this.#hand(name, run, leaseMs),
      changed: () => this.#resized(polls)
    })
    this.#add(polls, 1)
    return polls.wait(offer, gone)
  }

  drain(worker: string): void {
    this.#session(worker).drain()
  }

  drainAll(): void {
    for (const owner of this.#owners.values()) owner.drain()
  }

  disconnect(worker: string): void {
    this.#leave(this.#session(worker), 'returned')
  }

  runOf(id: LeaseId): Run {
    const lease = this.#book.get(id)
    if (lease === undefined) this.extend(id)
    return lease!.run
  }

  extend(id: LeaseId, leaseMs?: number): LeaseStanding {
    const standing = this.#book.renew(performance.now(), id, leaseMs)
    if (typeof standing === 'string') throw refused(id, standing)
    this.#setTimer()
    return { ...standing, draining: this.#host!.isDraining() }
  }

  progress(id: LeaseId, fraction: number, message: string | null): LeaseStanding {
    const standing = this.extend(id)
    if (standing.cancelled === null) {
      this.#contextOf(id).context.progress(fraction, message ?? undefined)
    }
    return standing
  }

  log(id: LeaseId, lines: readonly string[]): LeaseStanding {
    const standing = this.extend(id)
    if (standing.cancelled !== null) return standing
    const { context } = this.#contextOf(id)
    for (const line of lines) context.log(line)
    return standing
  }

  complete(id: LeaseId, result: Content): void {
    this.#end(id, { kind: 'complete', key: keyOf(result) }, { status: 'completed', result })
  }

  fail(id: LeaseId, { name, message, retryable, retryAfterMs }: WorkerFailure): void {
    const failed = failure(name, message, { reason: retryable ? 'HandlerError' : 'NonRetryable' })
    const result = retryAfterMs === null ? failed : { ...failed, retryAfterMs }
    this.#end(id, { kind: 'fail', key: failureKey(result) }, result)
  }

  release(id: LeaseId): void {
    this.#end(id, { kind: 'release', key: '' }, { status: 'returned', isLost: false })
  }

  /** A run in a pool that is, or was, one of these. */
  start(run: Run): void {
    const owner = this.#owners.get(run.pool)
    if (owner?.give(run, this.#book.countOf(run.pool)) === true) return
    // Not inside `start`: who was there has gone, or is still busy with what the node has settled.
    queueMicrotask(() => this.#giveBack([run]))
  }

  /** A run is not wanted any more, and nothing is to be reported of it. */
  abort(taskId: TaskId, epoch: number): void {
    for (const owner of this.#owners.values()) if (owner.takeBack(taskId, epoch)) return
    const reason = this.#host?.outcomeOf(taskId, epoch)?.reason ?? 'LeaseLost'
    this.#book.withdraw(performance.now(), taskId, epoch, reason)
    this.#setTimer()
  }

  /** All are sent away, and nothing is reported of what they have: the node is at its end. */
  stop(): void {
    this.#isOver = true
    for (const owner of this.#owners.values()) this.#leave(owner, 'returned')
    clearTimeout(this.#timer)
  }

  /** How many runs are with workers. */
  get leases(): number {
    return this.#book.size
  }

  assertInvariants(): void {
    this.#book.assertInvariants()
    for (const [name, owner] of this.#owners) {
      assert(owner.name === name, 'who takes runs is kept under its name', name)
    }
    for (const id of this.#contexts.keys()) {
      assert(this.#book.get(id) !== undefined, 'what a worker says is of a lease that it has', id)
    }
  }

  #add(owner: Owner, slots: number): void {
    const { name, types, labels } = owner
    this.#host!.addPool({ name, slots, types, labels })
    this.#owners.set(name, owner)
  }

  /** Polls of which none waits, and none has got anything, are over. */
  #resized(owner: Owner): void {
    const { name } = owner
    if (this.#owners.get(name) !== owner || this.#isOver) return
    const leases = this.#book.countOf(name)
    if (owner instanceof Polls && owner.isGoing && leases.all === 0) {
      this.#owners.delete(name)
      this.#host!.removePool(name)
    } else this.#host!.resizePool(name, owner.slots(leases))
  }

  #session(worker: string): Owner {
    const owner = this.#owners.get(worker)
    if (owner instanceof Session) return owner
    throw new UnknownWorkerError(
      `no worker ${worker} is connected here: it has gone, and what it had has been given back`
    )
  }

  #hand(owner: string, run: Run, leaseMs: number | null): LeaseId {
    const nonce = randomBytes(NONCE_BYTES).toString('base64url')
    const { id } = this.#book.hand(performance.now(), owner, run, leaseMs, nonce)
    this.#setTimer()
    return id
  }

  #end(id: LeaseId, end: LeaseEnd, result: RunResult): void {
    const lease = this.#book.get(id)
    const isOurs = !this.#book.isWithdrawn(id)
    const said = this.#book.end(id, end)
    if (said === 'taken' && lease !== undefined && isOurs) {
      this.#report(lease.run, result, performance.now() - lease.since)
    }
    const answer = said === 'lost' ? this.#recorded(id, end) : said
    if (answer === 'lost' || answer === 'ended') throw refused(id, answer)
  }

  /** By what is written of the task: what this node, or an earlier boot of it, has taken and does not remember. */
  #recorded(id: LeaseId, { kind, key }: LeaseEnd): 'again' | Refusal {
    const [taskId = '', epoch] = id.split('.')
    const outcome = this.#host!.outcomeOf(taskId, Number(epoch))
    const before = outcome === null ? null : endOf(outcome)
    if (before === null) return 'lost'
    return before.kind === kind && before.key === key ? 'again' : 'ended'
  }

  /** A session is over, or all polls are. Its pool goes first, so that nothing more is started in it. */
  #leave(owner: Owner, how: 'lost' | 'returned'): void {
    if (this.#owners.get(owner.name) !== owner) return
    const waiting = owner.close()
    this.#owners.delete(owner.name)
    if (!this.#isOver) this.#host!.removePool(owner.name)
    this.#giveBack(waiting)
    this.#book.drop(performance.now(), owner.name, how)
  }

  /** Nobody has had them. */
  #giveBack(runs: readonly Run[]): void {
    for (const run of runs)
      this.#report(run, { status: 'returned', isLost: false, isUntaken: true }, 0)
  }

  #report({ taskId, epoch }: Run, result: RunResult, durationMs: number): void {
    if (!this.#isOver) this.#reports.ended(taskId, epoch, result, Math.round(durationMs))
  }

  #closed({ id, owner }: Lease): void {
    this.#contexts.get(id)?.finish()
    this.#contexts.delete(id)
    const known = this.#owners.get(owner)
    if (known === undefined) return
    if (known instanceof Session) known.look()
    this.#resized(known)
  }

  #contextOf(id: LeaseId): RunContext {
    const known = this.#contexts.get(id)
    if (known !== undefined) return known
    const { run } = this.#book.get(id)!
    const { taskId, epoch } = run
    // It is only asked for what it passes on.
    const nothing = { dependencies: {}, checkpoint: undefined, saveCheckpoint: async () => {} }
    const made = createContext(run, nothing, new AbortController().signal, {
      room: () => true,
      progress: (fraction, message) => this.#reports.progress(taskId, epoch, fraction, message),
      output: (stream, text) => this.#reports.output(taskId, epoch, stream, Buffer.from(text))
    })
    this.#contexts.set(id, made)
    return made
  }

  #setTimer(): void {
    const { dueAt } = this.#book
    if (dueAt >= this.#timerAt || this.#isOver) return
    clearTimeout(this.#timer)
    this.#timerAt = dueAt
    const waitMs = Math.min(Math.max(0, Math.ceil(dueAt - performance.now())), TIMER_MS_MAX)
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity
      this.#book.expire(performance.now())
      this.#setTimer()
    }, waitMs)
  }
}

function unended({ run }: Lease, how: Unended): RunResult {
  if (how === 'timeout') return outcomeOfTimeout(run.timeoutMs!)
  return { status: 'returned', isLost: how === 'lost' }
}

function refused(id: LeaseId, why: Refusal): Error {
  return why === 'lost'
    ? new LeaseLostError(
        `the lease ${id} is not yours any more, and nothing that you say of it is taken: stop, and ask for another task`
      )
    : new LeaseEndedError(
        `the lease ${id} has ended, by what you said of it before: that counts, ask for another task`
      )
}

/** Two results of one key are the same: the hash of its text, which is that of its blob, if it is large. */
function keyOf(result: Content): string {
  return isBlob(result) ? result.hash : createHash('sha256').update(result).digest('hex')
}

function failureKey({ error, reason }: Extract<RunResult, { status: 'failed' }>): string {
  return JSON.stringify([reason, error.name, error.message])
}

/** The end that led to an outcome; null: none did. */
function endOf({ status, result, reason, error }: Outcome): LeaseEnd | null {
  if (status === 'completed') return { kind: 'complete', key: keyOf(result!) }
  if (status !== 'failed' || (reason !== 'HandlerError' && reason !== 'NonRetryable')) return null
  return { kind: 'fail', key: JSON.stringify([reason, error?.name, error?.message]) }
}
