/**
 * Leases: which process outside this node has which run, since when, and until when.
 *
 * A lease is the fencing token of one attempt: its id names the task, the epoch and the attempt, and has a part that
 * nobody can guess. Each ends once: its worker ends it, or it is lost, and what is said of a lost one is not taken.
 *
 * A run that the node has settled itself (it timed out, or was cancelled) is over for the task at once. Its worker goes
 * on until it hears of that. So the lease is withdrawn, and its slot stays taken until the worker ends it, too, or the
 * grace is over.
 *
 * No clock, no timers, no network: whoever keeps the book says what time it is, and looks when something is due. So
 * the simulator keeps the same one.
 */
import { assert } from '../../core/base/assert.ts'
import type { TaskId } from '../../core/base/ids.ts'
import type { Run } from '../../core/effect.ts'

export type LeaseId = string

/** How a worker ends a lease. Two ends of one kind and `key` are the same end. */
export type LeaseEnd = Readonly<{ kind: 'complete' | 'fail' | 'release'; key: string }>

/** What a worker hears of a lease that is still its own. `cancelled`: why it is to stop, and to end the lease. */
export type Standing = Readonly<{ leaseMs: number | null; cancelled: string | null }>

/** A lease that was lost, or has ended in another way. */
export type Refusal = 'lost' | 'ended'

export type Lease = Readonly<{
  id: LeaseId
  /** Who has it: a session, or all who poll for the same. */
  owner: string
  run: Run
  /** When it was handed over, in ms. */
  since: number
}>

/** How a run ends without its worker. `returned`: it has given it back. */
export type Unended = 'timeout' | 'lost' | 'returned'

/** What becomes of leases. That a slot is taken, or free, is told before the run is. */
export type LeaseHooks = Readonly<{
  ended: (lease: Lease, how: Unended, durationMs: number) => void
  /** The worker is to stop. Its slot stays taken. */
  withdrawn: (lease: Lease, why: string) => void
  /** Nobody has the lease any more. */
  closed: (lease: Lease) => void
}>

type Open = {
  readonly lease: Lease
  readonly owned: Owned
  leaseMs: number | null
  expiresAt: number
  timeoutAt: number
  withdrawn: string | null
  isLost: boolean
}

type Owned = { readonly all: Set<Open>; withdrawn: number }

/** Ends that are remembered. Guess: minutes of a busy node; the oldest go. */
const ENDS_MAX = 10_000

/** Why a worker is to stop whose time is over. */
export const LEASE_LOST = 'LeaseLost'

export class LeaseBook {
  readonly #hooks: LeaseHooks
  readonly #graceMs: number
  readonly #open = new Map<LeaseId, Open>()
  /** "task epoch" -> its lease. */
  readonly #byRun = new Map<string, Open>()
  readonly #owners = new Map<string, Owned>()
  readonly #ends = new Map<LeaseId, LeaseEnd>()
  #dueAt = Infinity

  /** @param graceMs time that a worker has to end a lease that was withdrawn */
  constructor(graceMs: number, hooks: LeaseHooks) {
    this.#graceMs = graceMs
    this.#hooks = hooks
  }

  /** How many leases an owner has, and how many of these were withdrawn: their slots are taken in truth alone. */
  countOf(owner: string): Readonly<{ all: number; withdrawn: number }> {
    const owned = this.#owners.get(owner)
    return { all: owned?.all.size ?? 0, withdrawn: owned?.withdrawn ?? 0 }
  }

  get size(): number {
    return this.#open.size
  }

  /** When to call `expire` next, in ms: nothing is due before. */
  get dueAt(): number {
    return this.#dueAt
  }

  /**
   * A run goes to a worker.
   *
   * @param leaseMs null: for as long as its owner is there
   * @param nonce the part of its id that nobody can guess
   */
  hand(now: number, owner: string, run: Run, leaseMs: number | null, nonce: string): Lease {
    const { taskId, epoch, attempt, timeoutMs } = run
    const lease = { id: `${taskId}.${epoch}.${attempt}.${nonce}`, owner, run, since: now }
    const owned = this.#owners.get(owner) ?? { all: new Set(), withdrawn: 0 }
    const open: Open = {
      lease,
      owned,
      leaseMs,
      expiresAt: now + (leaseMs ?? Infinity),
      timeoutAt: now + (timeoutMs ?? Infinity),
      withdrawn: null,
      isLost: false
    }
    this.#open.set(lease.id, open)
    this.#byRun.set(keyOf(taskId, epoch), open)
    this.#owners.set(owner, owned)
    owned.all.add(open)
    this.#noteDue(open)
    return lease
  }

  /** The lease of that id, as long as it is the worker's. */
  get(id: LeaseId): Lease | undefined {
    const open = this.#open.get(id)
    return open === undefined || open.isLost ? undefined : open.lease
  }

  /** Its worker says that it is there. @param leaseMs how long it lasts from now on. @default as before */
  renew(now: number, id: LeaseId, leaseMs?: number): Standing | Refusal {
    const open = this.#open.get(id)
    if (open === undefined) return this.#ends.has(id) ? 'ended' : 'lost'
    if (open.isLost) return 'lost'
    const { withdrawn } = open
    if (withdrawn === null) {
      if (leaseMs !== undefined) open.leaseMs = leaseMs
      open.expiresAt = now + (open.leaseMs ?? Infinity)
      this.#noteDue(open)
    }
    return { leaseMs: open.leaseMs, cancelled: withdrawn }
  }

  /** What `end` would say now. */
  wouldEnd(id: LeaseId, end: LeaseEnd): 'taken' | 'again' | Refusal {
    const open = this.#open.get(id)
    if (open !== undefined) return mayEnd(open, end) ? 'taken' : 'lost'
    const before = this.#ends.get(id)
    if (before === undefined) return 'lost'
    return before.kind === end.kind && before.key === end.key ? 'again' : 'ended'
  }

  /**
   * Its worker ends a lease. `taken`: the run has ended as it says, unless it had been withdrawn. `again`: it has said
   * so before. Whatever the answer, nobody has the lease any more.
   */
  end(id: LeaseId, end: LeaseEnd): 'taken' | 'again' | Refusal {
    const answer = this.wouldEnd(id, end)
    const open = this.#open.get(id)
    if (open === undefined) return answer
    if (answer === 'taken') this.#remember(id, end)
    this.#close(open)
    return answer
  }

  /** Whether the node has taken the run from its worker, who still has the lease. */
  isWithdrawn(id: LeaseId): boolean {
    return (this.#open.get(id)?.withdrawn ?? null) !== null
  }

  /** The node has settled a run, or it is another's by now. */
  withdraw(now: number, taskId: TaskId, epoch: number, why: string): void {
    const open = this.#byRun.get(keyOf(taskId, epoch))
    if (open !== undefined && open.withdrawn === null) this.#withdraw(now, open, why)
  }

  /** Whoever had these leases is gone, or gives them all back. */
  drop(now: number, owner: string, how: 'lost' | 'returned'): void {
    for (const open of this.#owners.get(owner)?.all ?? []) {
      const { lease, withdrawn } = open
      this.#close(open)
      if (withdrawn === null) this.#hooks.ended(lease, how, now - lease.since)
    }
  }

  /** Leases whose time is over are lost; runs that have taken too long have timed out. */
  expire(now: number): void {
    for (const open of this.#open.values()) {
      const { lease, withdrawn } = open
      if (withdrawn !== null) {
        if (now >= open.expiresAt) this.#close(open)
      } else if (now >= open.timeoutAt) {
        this.#withdraw(now, open, 'Timeout')
        this.#hooks.ended(lease, 'timeout', now - lease.since)
      } else if (now >= open.expiresAt) {
        open.isLost = true
        this.#withdraw(now, open, LEASE_LOST)
        this.#hooks.ended(lease, 'lost', now - lease.since)
      }
    }
    this.#dueAt = Infinity
    for (const open of this.#open.values()) this.#noteDue(open)
  }

  assertInvariants(): void {
    let owned = 0
    for (const [owner, { all, withdrawn }] of this.#owners) {
      assert(all.size > 0, 'no owner is kept without a lease', owner)
      const counted = [...all].filter(open => open.withdrawn !== null).length
      assert(counted === withdrawn, 'leases that were withdrawn are counted', owner)
      for (const { lease } of all) {
        assert(this.#open.get(lease.id)?.lease === lease, 'what an owner has is open', lease.id)
      }
      owned += all.size
    }
    assert(owned === this.#open.size, 'each lease has one owner')
    for (const [id, open] of this.#open) {
      assert(!this.#ends.has(id), 'what has ended is not open', id)
      assert(open.expiresAt >= this.#dueAt, 'no lease is due before the next look', id)
      const { taskId, epoch } = open.lease.run
      assert(this.#byRun.get(keyOf(taskId, epoch)) === open, 'a run has one lease', id)
    }
    assert(this.#byRun.size === this.#open.size, 'a lease is of one run')
  }

  #withdraw(now: number, open: Open, why: string): void {
    open.withdrawn = why
    open.owned.withdrawn++
    open.timeoutAt = Infinity
    open.expiresAt = now + this.#graceMs
    this.#noteDue(open)
    this.#hooks.withdrawn(open.lease, why)
  }

  #close(open: Open): void {
    const { lease, owned, withdrawn } = open
    const { id, owner, run } = lease
    this.#open.delete(id)
    const key = keyOf(run.taskId, run.epoch)
    if (this.#byRun.get(key) === open) this.#byRun.delete(key)
    owned.all.delete(open)
    if (withdrawn !== null) owned.withdrawn--
    if (owned.all.size === 0) this.#owners.delete(owner)
    this.#hooks.closed(lease)
  }

  #noteDue({ expiresAt, timeoutAt }: Open): void {
    this.#dueAt = Math.min(this.#dueAt, expiresAt, timeoutAt)
  }

  #remember(id: LeaseId, end: LeaseEnd): void {
    this.#ends.set(id, end)
    if (this.#ends.size <= ENDS_MAX) return
    const [oldest] = this.#ends.keys()
    this.#ends.delete(oldest!)
  }
}

/** What was withdrawn can only be given back. */
function mayEnd({ withdrawn, isLost }: Open, { kind }: LeaseEnd): boolean {
  return withdrawn === null || (kind === 'release' && !isLost)
}

function keyOf(taskId: TaskId, epoch: number): string {
  return `${taskId} ${epoch}`
}
