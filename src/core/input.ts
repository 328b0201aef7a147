/**
 * Everything that can happen to the core. One door in: `Core.step(now, input)`.
 */
import type { BootId, NodeId, TaskId } from './base/ids.ts'
import type { Message, NamedPool, News } from './message.ts'
import type { BlobHash, BlobRef, Content } from './task/content.ts'
import type { Labels } from './task/labels.ts'
import type { TaskDraft } from './task/spec.ts'
import type { TaskError } from './task/record.ts'

/** How a run of a handler ended. `reason` says which kind of failure it was. */
export type RunResult =
  | Readonly<{ status: 'completed'; result: Content }>
  | Readonly<{
      status: 'failed'
      error: TaskError
      /** What the run has to say for itself all the same, as JSON. @default nothing */
      result?: string
      /** It came too early: to be tried again after this many ms, which uses no retry. @default it did not */
      retryAfterMs?: number
      reason:
        | 'HandlerError'
        | 'NonRetryable'
        | 'Timeout'
        | 'TooLarge'
        | 'PayloadRejected'
        | 'ResultRejected'
    }>
  /**
   * It did not end: the process outside this node that ran it is gone (`isLost`), or has given it back; or none had
   * taken it (`isUntaken`).
   */
  | Readonly<{ status: 'returned'; isLost: boolean; isUntaken?: true }>

export type Input =
  /**
   * A caller wants a task run; answered with `accepted`. `acks` null: one other member if there is one, 5 s at most. A
   * payload that is a blob is on this node's disk.
   */
  | Readonly<{
      kind: 'submit'
      request: number
      /** What the task's idempotency key stands for; null if it has none. */
      id: TaskId | null
      draft: TaskDraft
      acks: number | null
    }>
  /** A caller wants a task cancelled, in whatever state it is and wherever it is held. */
  | Readonly<{ kind: 'cancel'; taskId: TaskId }>
  /** A caller here asks for a task that is not known: all others are asked, then `found` says that they were. */
  | Readonly<{ kind: 'find'; taskId: TaskId }>
  /**
   * What this node can run from now on: the default pool, and all others. A pool that is not named any more is gone; its
   * tasks that run keep their slots until they end. No slots: a pool runs nothing.
   */
  | Readonly<{
      kind: 'worker'
      slots: number
      handlers: readonly string[]
      /** @default none */
      pools?: readonly NamedPool[]
    }>
  /** What this node says of itself from now on, for tasks to choose by. */
  | Readonly<{ kind: 'labels'; labels: Labels }>
  /** The handler of a started task has ended. A result that is a blob is on this node's disk. */
  | Readonly<{
      kind: 'completion'
      taskId: TaskId
      epoch: number
      run: RunResult
      durationMs: number
      /** The last lines that it said. @default none */
      tail?: string | null
    }>
  /**
   * A run saves where it stands, for the next attempt; answered with `saved`. The blob is on this node's disk.
   */
  | Readonly<{
      kind: 'checkpoint'
      request: number
      taskId: TaskId
      epoch: number
      blob: BlobRef
    }>
  /** A run that was aborted is over: the last lines that it said. */
  | Readonly<{ kind: 'tail'; taskId: TaskId; epoch: number; tail: string }>
  | Readonly<{ kind: 'message'; from: NodeId; message: Message }>
  /** News out of a file instead of from a peer; answered with `loaded` when they are on disk. */
  | Readonly<{ kind: 'load'; request: number; news: News }>
  /** An authenticated link to a peer came up, or the last one went down. */
  | Readonly<{ kind: 'link'; peer: NodeId; up: boolean }>
  /** The answer to a `sync` effect has ended: whole, or broken off. */
  | Readonly<{ kind: 'sync-ended'; peer: NodeId; whole: boolean }>
  /**
   * A probe has ended. `refused`: every address refuses a connection, or belongs to another node by now, and at one of
   * them the member was when it was last linked.
   */
  | Readonly<{ kind: 'probed'; boot: BootId; refused: boolean }>
  /** A `meet` effect has ended. `another`: another process than this one answers there by this node's identity. */
  | Readonly<{ kind: 'met'; another: boolean }>
  /** A blob is on this node's disk: it was fetched, by a `fetch-blob` effect or for a reader. */
  | Readonly<{ kind: 'blob-kept'; ref: BlobRef }>
  /** A `fetch-blob` effect came to nothing: nobody had it, or this node's disk had no room for it. */
  | Readonly<{ kind: 'blob-failed'; hash: BlobHash; why: 'nobody' | 'no-room' }>
  /** A blob turns out not to be on this node's disk: its file is damaged, or has gone. */
  | Readonly<{ kind: 'blob-missing'; hash: BlobHash }>
  /** The `persist` effect of this number is on disk. */
  | Readonly<{ kind: 'persisted'; flush: number }>
  /** The disk refuses to be written to, or works again. Meanwhile nothing new is begun: it could not be recorded. */
  | Readonly<{ kind: 'disk'; works: boolean }>
  /** Our own addresses, as others reach us. */
  | Readonly<{ kind: 'addresses'; addresses: readonly string[] }>
  /** A caller here waits for the outcome of this task, which has not been reported yet. */
  | Readonly<{ kind: 'watch'; taskId: TaskId }>
  /** Time has passed. Due when `Rest` says so, a few times a second or once; late or lost ticks only delay things. */
  | Readonly<{
      kind: 'tick'
      /** How late the event loop was of late, in ms, for others to see. @default 0 */
      loopLagMs?: number
    }>
  /** How far our wall clock is ahead of the `now` of a step from now on, in ms. @default 0 at the first step */
  | Readonly<{ kind: 'clock'; aheadMs: number }>
  /** What had happened by the time of a `turn` effect has been taken in. */
  | Readonly<{ kind: 'turn' }>
  /** The time that a `wake` effect asked for has passed. */
  | Readonly<{ kind: 'wake' }>
  /** Instances that this node is told to expect. */
  | Readonly<{ kind: 'expect'; names: readonly string[] }>
  /** A node is to take nothing more and to hand on what is queued. Another one is told. */
  | Readonly<{ kind: 'drain'; node: NodeId }>
  /** That a node was told to drain is taken back. */
  | Readonly<{ kind: 'undrain'; node: NodeId }>
  /** A member counts no more, nor is an instance of that name expected. `node` null: it was never seen. */
  | Readonly<{ kind: 'forget'; name: string; node: NodeId | null }>
  /**
   * Stop on purpose: take nothing more, hand on what is queued, let what runs finish, say goodbye. With `abort`, what
   * still runs is handed on too.
   */
  | Readonly<{ kind: 'leave'; abort: boolean }>
