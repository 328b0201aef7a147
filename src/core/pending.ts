/**
 * What the core waits for, as data: what is to be done, and what has to happen first.
 *
 * A machine that kept the rest of its work as callbacks could not be printed, compared, or asked what it waits for. So
 * a part keeps a `Pending` beside the number of the flush, the write or the blob that has to come first. Once that is
 * there, it hands the `Pending` to `release` (core.ts): one switch carries out all of them.
 */
import type { Hlc } from './base/hlc.ts'
import type { BootId, NodeId, TaskId } from './base/ids.ts'
import type { Input } from './input.ts'
import type { BlobHash, BlobRef } from './task/content.ts'
import type { Dot, Outcome } from './task/record.ts'

type Submission = Extract<Input, { kind: 'submit' }>
type Save = Extract<Input, { kind: 'checkpoint' }>

/**
 * How many other nodes have something on disk; `short` if fewer than were asked for, or none on another computer
 * although one is linked.
 */
export type Copies = Readonly<{ copies: number; short: boolean }>

/** What is to be done once something has happened. */
export type Pending =
  /** A submission is to be taken in: the others are asked whether its key has been used. */
  | Readonly<{ kind: 'submit'; input: Submission }>
  /** The task of a submission is to be created, once its payload is elsewhere, too. */
  | Readonly<{ kind: 'create'; input: Submission }>
  /** The caller of a submission is to be answered, whose task was created here `at` that time. */
  | Readonly<{ kind: 'accept'; input: Submission; taskId: TaskId; at: Hlc; payload: Placed }>
  /** The caller of a submission is to be answered, whose key named a task already; these writes created that. */
  | Readonly<{
      kind: 'recognise'
      input: Submission
      taskId: TaskId
      created: readonly Dot[]
      deadline: number
    }>
  /** A claim of this node is to be acted upon: it took the task over, or created it under a key. */
  | Readonly<{ kind: 'claim'; taskId: TaskId; epoch: number }>
  /** A task that would run here is to have all that it reads. */
  | Readonly<{ kind: 'stage'; taskId: TaskId }>
  /** The handler of a task is to be called. */
  | Start
  /** The task of a run that has ended is to settle, or to be tried again, once the result is elsewhere, too. */
  | Readonly<{ kind: 'settle'; input: Extract<Input, { kind: 'completion' }> }>
  /** What a run has saved is to be written down, once the blob is elsewhere, too: it is the `sequence`th of that run. */
  | Readonly<{ kind: 'save'; input: Save; sequence: number }>
  /** A run is to be told that what it has saved stands. `isShort`: the blob is on too few disks. */
  | Readonly<{ kind: 'saved'; request: number; taskId: TaskId; isShort: boolean }>
  /**
   * An outcome is to be reported. `blob`: the result, if that has to be elsewhere as well, and may not be. `since`: when
   * the wait began, in ms.
   */
  | Readonly<{
      kind: 'report'
      taskId: TaskId
      outcome: Outcome
      blob: BlobRef | null
      since: number
    }>
  /** Tasks are to be sent to the node that has been granted them, in answer to its `request`; 0: it did not ask. */
  | Readonly<{ kind: 'grant'; to: NodeId; request: number; taskIds: readonly TaskId[] }>
  /** A caller is to be told that what was loaded out of a file is on disk. */
  | Readonly<{ kind: 'load'; request: number }>
  /** A member that leaves is to be told that this disk knows it. */
  | Readonly<{ kind: 'farewell'; to: NodeId; boot: BootId }>
  /** A member is to be told that what it gave this node is on its disk. */
  | Readonly<{ kind: 'taken'; from: NodeId }>
  /** A member that looks for tasks is to be answered. */
  | Readonly<{ kind: 'answer'; to: NodeId; taskIds: readonly TaskId[] }>
  /** A caller here looks for a task. */
  | Readonly<{ kind: 'find'; taskId: TaskId }>
  /** What depends on a task that is pruned here is to be looked at afresh. */
  | Readonly<{ kind: 'recall'; taskId: TaskId }>
  /** What was submitted under a key is to be taken in. `isForgotten`: it has been used, as a member has said. */
  | Readonly<{ kind: 'key'; taskId: TaskId; isForgotten: boolean }>

/** Where the payload of a submission is: on another node, too, or in the record; and whether on too few. */
export type Placed = Readonly<{ isThere: boolean; short: boolean }>

/** A start that has been written down. */
type Start = Readonly<{
  kind: 'start'
  taskId: TaskId
  epoch: number
  /** Our write that says so; 0 if it has not been begun. */
  seq: number
  /** Whether it is not called before another node knows of it, however long that takes. */
  mustBeKnown: boolean
}>

export type PendingOf<K extends Pending['kind']> = Extract<Pending, { kind: K }>

/** Waits for our own disk. */
export type OnceFlushed = PendingOf<
  'recognise' | 'grant' | 'load' | 'farewell' | 'taken' | 'answer'
>
/** Waits until others have a write on disk. */
export type OnceCopied = PendingOf<'accept' | 'start' | 'report' | 'saved'>
/** Waits until others have a blob on disk. */
export type OncePlaced = PendingOf<'create' | 'settle' | 'report' | 'save'>
/** Waits for what members say. */
export type OnceAnswered = PendingOf<'recall' | 'key'>

/** What was waited for is there, or has been waited for long enough. */
export type Due = OnceFlushed | OnceAnswered | ((OnceCopied | OncePlaced) & Copies)
export type Release = (due: Due) => void

/** What has to happen first. A deadline is in ms, by the clock of `step`. */
export type Condition =
  /** This flush, or a later one, has landed. */
  | Readonly<{ on: 'flush'; flush: number }>
  /** `acks` others have one of these writes on disk. Null: one, if there is any other member. */
  | Readonly<{ on: 'copies'; writes: readonly Dot[]; acks: number | null; deadline: number }>
  /** `wanted` others have a blob on disk. */
  | Readonly<{ on: 'blob copies'; hash: BlobHash; wanted: number; deadline: number }>
  /** These blobs are on our own disk. They are on their way, or are asked for once more at that time. */
  | Readonly<{ on: 'blobs'; hashes: readonly BlobHash[]; retryAt: number | null }>
  /** All members that can be asked have confirmed that no other node may run it. Null: for as long as it takes. */
  | Readonly<{ on: 'confirmation'; deadline: number | null }>
  /** All members that can be asked have answered. Null: none has been asked yet. */
  | Readonly<{ on: 'answers'; of: readonly NodeId[] | null }>
  /** A member can be talked to. */
  | Readonly<{ on: 'member' }>
  /** A slot is free. */
  | Readonly<{ on: 'slot' }>

/** One thing that is waited for. */
export type Waiting = Readonly<{ pending: Pending; until: Condition }>

/** A part that keeps something pending. */
export type Waits = Readonly<{ pending(): Iterable<Waiting> }>

/** The tasks that it is about. */
export function tasksOf(pending: Pending): readonly TaskId[] {
  switch (pending.kind) {
    case 'submit':
    case 'create':
      return pending.input.id === null ? [] : [pending.input.id]
    case 'settle':
    case 'save':
      return [pending.input.taskId]
    case 'grant':
    case 'answer':
      return pending.taskIds
    case 'load':
    case 'farewell':
    case 'taken':
      return []
    case 'accept':
    case 'recognise':
    case 'claim':
    case 'stage':
    case 'start':
    case 'report':
    case 'saved':
    case 'find':
    case 'recall':
    case 'key':
      return [pending.taskId]
  }
}
