/**
 * Runs outside this process: by workers that connect to the node, or ask it for one task at a time. One more kind of
 * run: the node holds the task, and the core hears of nothing but pools, and of how runs end.
 */
import type { TaskId } from '../core/base/ids.ts'
import type { Run } from '../core/effect.ts'
import type { Content } from '../core/task/content.ts'
import type { Labels } from '../core/task/labels.ts'
import type { Outcome } from '../core/task/record.ts'

/** Slots of a worker, or of all who ask for tasks of the same types. */
export type ExternalPool = Readonly<{
  name: string
  slots: number
  types: readonly string[]
  labels: Labels
}>

/** What a worker offers. Has been checked. */
export type WorkerOffer = Readonly<{
  /** What it is called, beside a part that makes its name its own. */
  name: string
  types: readonly string[]
  slots: number
  labels: Labels
  /** How long each lease lasts, in ms; null: as long as the worker is connected. */
  leaseMs: number | null
}>

/** What one that asks for a task offers. */
export type ClaimOffer = Readonly<{ types: readonly string[]; waitMs: number; leaseMs: number }>

/** A run that has been handed over. */
export type Handed = Readonly<{ lease: string; run: Run }>

/** What a connected worker hears. */
export type WorkerNews =
  | (Readonly<{ kind: 'run' }> & Handed)
  /** It is to stop, and to end the lease. */
  | Readonly<{ kind: 'cancel'; lease: string; reason: string }>
  /** It gets nothing more; its stream ends when it has ended what it has. */
  | Readonly<{ kind: 'drain' }>
  /** Nothing has happened for a while. */
  | Readonly<{ kind: 'ping' }>

/** How a lease stands, for its worker. */
export type LeaseStanding = Readonly<{
  leaseMs: number | null
  /** Why the worker is to stop, and to end the lease; null: it is to go on. */
  cancelled: string | null
  draining: boolean
}>

/** A failure in the words of a worker. */
export type WorkerFailure = Readonly<{
  name: string
  message: string
  /** Whether another attempt may succeed. */
  retryable: boolean
  /** It came too early: to be tried again after this, which uses no retry. Null: it did not. */
  retryAfterMs: number | null
}>

/** A worker that is connected. */
export interface WorkerSession {
  /** The name of its pool. */
  readonly worker: string
  /** What it is to hear next; null: nothing for now. A run is handed over when it is taken here. */
  next(): WorkerNews | null
  /** Whether it hears nothing more: it is gone, or gets nothing more and has ended what it had. */
  readonly isOver: boolean
  /** Has a function called whenever there may be something to take, or it may be over. There is one such function. */
  onNews(listener: () => void): void
  /** Nobody takes anything more: what it has is lost. */
  leave(): void
}

/** The node, as this part needs it. */
export type ExternalHost = Readonly<{
  /** One more pool. @throws InvalidOptionError if it cannot be one, or is one too many */
  addPool: (pool: ExternalPool) => void
  /** How many slots it has from now on; told before what has changed that. */
  resizePool: (name: string, slots: number) => void
  removePool: (name: string) => void
  /** How a run of this node ended, by what is written of its task; null: not under this epoch, as far as is known. */
  outcomeOf: (taskId: TaskId, epoch: number) => Outcome | null
  isDraining: () => boolean
}>

/** Runs of workers outside this process. */
export interface ExternalRunner {
  /** To be called before anything else. */
  serve(host: ExternalHost): void
  /**
   * A worker connects.
   *
   * @param gone aborted when its connection is closed: then what it has is lost
   * @throws InvalidOptionError
   */
  connect(offer: WorkerOffer, gone: AbortSignal): WorkerSession
  /**
   * Resolves to a run of one of these types; to null if none came in time, or nothing more comes here.
   *
   * @throws InvalidOptionError, or the signal's reason
   */
  claim(offer: ClaimOffer, gone: AbortSignal): Promise<Handed | null>
  /** A worker gets nothing more. @throws UnknownWorkerError */
  drain(worker: string): void
  /** No worker gets anything more. */
  drainAll(): void
  /** A worker goes, and gives back what it has. @throws UnknownWorkerError */
  disconnect(worker: string): void
  /** The run of a lease that is its worker's. @throws LeaseLost LeaseEnded */
  runOf(lease: string): Run
  /** The worker is there. @param leaseMs how long the lease is to last. @default as before @throws LeaseLost LeaseEnded */
  extend(lease: string, leaseMs?: number): LeaseStanding
  /** How far it is. @throws LeaseLost LeaseEnded */
  progress(lease: string, fraction: number, message: string | null): LeaseStanding
  /** What it has to say. @throws LeaseLost LeaseEnded */
  log(lease: string, lines: readonly string[]): LeaseStanding
  /**
   * The run has completed. A result that is a blob is on this node's disk. The same end twice is the same answer.
   *
   * @throws LeaseLost LeaseEnded
   */
  complete(lease: string, result: Content): void
  /** The run has failed. @throws LeaseLost LeaseEnded */
  fail(lease: string, failure: WorkerFailure): void
  /** The run is given back. @throws LeaseLost LeaseEnded */
  release(lease: string): void
}
