/**
 * Everything that the core may ask for. One door out: the list that `Core.step` returns, to be performed in order.
 */
import type { Hlc } from './base/hlc.ts'
import type { BootId, NodeId, TaskId } from './base/ids.ts'
import type { Dot, TaskRecord } from './task/record.ts'
import type {
  Departure,
  Expected,
  Message,
  Replaced,
  Span,
  SyncRequest,
  VersionVector
} from './message.ts'
import type { BlobHash, BlobRef, Content } from './task/content.ts'

/** A task as it lies on disk: its state, and which writes of which boots changed it. */
export type StoredTask = Readonly<{ record: TaskRecord; writes: readonly Dot[] }>

/** Writes that were passed without having been read, by the version of hearsay that could not read them. */
export type UnreadableSpan = Span & Readonly<{ by: string }>

/** What is worth knowing of a member after a restart: where it was, whether it left, how long it works alone. */
export type MemberRecord = Readonly<{
  boot: BootId
  name: string
  addresses: readonly string[]
  departure: Departure | null
  stopAfterIsolatedMs: number | null
  /** Whether the boot has spoken to this node itself. @default it has: nothing else was kept once */
  proven?: boolean
}>

/** What an earlier boot had on disk. */
export type Restored = Readonly<{
  tasks: Iterable<StoredTask>
  vector: VersionVector
  members: Iterable<MemberRecord>
  /** @default nobody is expected */
  roster?: Iterable<Expected>
  /** Forgotten writes beyond the vector. @default none */
  forgotten?: readonly Span[]
  /** Writes that the vector passes and that could not be read. @default none */
  unreadable?: readonly UnreadableSpan[]
  /** Keys whose tasks were pruned early, by the id that they lead to: until when they count, in ms. @default none */
  spent?: Iterable<readonly [TaskId, number]>
  /** Blobs on disk. @default none */
  blobs?: Iterable<BlobRef>
  /** Where the floor of room was. @default nowhere */
  floor?: Hlc
}>

/** One flush: all or nothing, and synced before it counts. */
export type Flush = Readonly<{
  flush: number
  tasks: readonly StoredTask[]
  /** Tasks that are no more. */
  removed: readonly TaskId[]
  /** Version vector entries that moved: what the replica has merged once `tasks` are in. */
  vector: ReadonlyMap<BootId, number>
  /** What is known of pruned writes beyond the vector, of the boots of which that has changed. */
  forgotten: ReadonlyMap<BootId, readonly Span[]>
  /**
   * What could not be read of the writes that the vector passes, of the boots of which that has changed.
   *
   * @default none
   */
  unreadable?: ReadonlyMap<BootId, readonly UnreadableSpan[]>
  members: readonly MemberRecord[]
  roster: readonly Expected[]
  /** Nodes and instances of which nothing is kept any more. @default none */
  dropped?: Readonly<{ members: readonly NodeId[]; roster: readonly string[] }>
  /** What has changed of keys whose tasks were pruned early: until when they count, in ms; 0: no longer. */
  spent: ReadonlyMap<TaskId, number>
  /** Where the floor of room is, if it has been raised. @default as before */
  floor?: Hlc
}>

/** A task to be run here. */
export type Run = Readonly<{
  taskId: TaskId
  epoch: number
  attempt: number
  type: string
  payload: Content
  timeoutMs: number | null
  /** The trace that the task belongs to, as W3C Trace Context writes it; null: none. */
  traceparent: string | null
  /** Results of the tasks it depends on, by id. */
  dependencies: ReadonlyMap<TaskId, Content>
  /** What the attempt before it saved last. @default nothing */
  checkpoint?: BlobRef
  /** The pool that it has a slot in, and which one, counted from 0. */
  pool: string
  slot: number
  /** Whether that is a pool of a process outside this one, which runs it. @default false */
  isExternal?: boolean
}>

export type TaskEventName =
  | 'submitted'
  | 'queued'
  | 'started'
  | 'stolen'
  | 'completed'
  | 'failed'
  | 'cancelled'

/**
 * `cluster:*`: some members have gone silent, or none are any more; `node:starved`: this process stood still for longer
 * than heartbeats may be missing, so no member could be heard. The node is this one.
 */
export type MemberEventName =
  | 'node:joined'
  | 'node:left'
  | 'node:crashed'
  | 'node:suspect'
  | 'node:unreachable'
  | 'node:refuted'
  | 'node:draining'
  | 'node:undrained'
  | 'node:starved'
  | 'node:duplicate-identity'
  | 'node:clock-skew'
  | 'cluster:partitioned'
  | 'cluster:healed'

/** What has become of a task. */
export type TaskEvent = Readonly<{
  name:
    | 'task:submitted'
    | 'task:queued'
    | 'task:started'
    | 'task:retrying'
    | 'task:stolen'
    | 'task:reclaimed'
  taskId: TaskId
  /** Who submitted it, holds it, or runs it. */
  by: BootId
  /** Null if it is not known. */
  attempt: number | null
  /** Who held it before, where that is another one and known. */
  from?: BootId | null
}>

/** Something an observer may want to know. Nothing depends on it being heard. */
export type CoreEvent =
  | TaskEvent
  | Readonly<{ name: 'task:deduplicated' | 'task:pruned'; taskId: TaskId }>
  | Readonly<{ name: MemberEventName; node: NodeId; nodeName: string }>

export type Effect =
  | Readonly<{ kind: 'send'; to: NodeId; message: Message }>
  /** To all members, by gossip: may be lost, repeated, late. */
  | Readonly<{ kind: 'publish'; message: Message }>
  /** Answered by `persisted` with the same number. There is never more than one under way. */
  | Readonly<{ kind: 'persist'; flush: Flush }>
  /**
   * Step again with `turn` when all that happens at this moment has been taken in: what it changes goes to disk at
   * once.
   */
  | Readonly<{ kind: 'turn' }>
  /** Step again with `wake` after `afterMs`. */
  | Readonly<{ kind: 'wake'; afterMs: number }>
  /** Ask a peer for what we lack; its batches come in as messages, then `sync-ended`. One at a time. */
  | Readonly<{ kind: 'sync'; peer: NodeId; request: SyncRequest }>
  /** Find out after a delay whether a boot is dead; answered by `probed`. At most one for each peer at a time. */
  | Readonly<{
      kind: 'probe'
      peer: NodeId
      boot: BootId
      addresses: readonly string[]
      afterMs: number
    }>
  /**
   * Find out whether another process uses our own identity, at one of these addresses; answered by `met`. One at a
   * time.
   */
  | Readonly<{ kind: 'meet'; addresses: readonly string[] }>
  /**
   * Get a blob onto this node's disk, from the first of these that has it. Answered by `blob-kept` or `blob-failed`.
   */
  | Readonly<{ kind: 'fetch-blob'; ref: BlobRef; from: readonly NodeId[] }>
  /** Nobody needs it here any more. */
  | Readonly<{ kind: 'drop-blob'; hash: BlobHash }>
  /** Call the handler. Blobs that the run names are on this node's disk. */
  | Readonly<{ kind: 'start'; run: Run }>
  /** Superseded or no longer wanted: stop it and report nothing. */
  | Readonly<{ kind: 'abort'; taskId: TaskId; epoch: number }>
  /** The id of a task that is submitted is known. It is on no disk yet; what is submitted here later may depend on it. */
  | Readonly<{ kind: 'created'; request: number; taskId: TaskId }>
  /** The task stands. `acks` other members have it on disk; `short` if that is fewer than asked for. */
  | Readonly<{
      kind: 'accepted'
      request: number
      taskId: TaskId
      acks: number
      short: boolean
      /** Whether it is another submission under the same key that stands, and whether it asks for something else. */
      deduplicated: 'no' | 'same' | 'different' | 'forgotten'
    }>
  /** No task was created: what it was to depend on has settled, and has been pruned or may be at any moment. */
  | Readonly<{ kind: 'refused'; request: number; dependency: TaskId }>
  /**
   * A task that was asked for is known by now, or nobody knows it; `isForgotten`: because it has settled and been
   * pruned.
   */
  | Readonly<{ kind: 'found'; taskId: TaskId; isForgotten: boolean }>
  /**
   * What a run has saved stands, on as many disks as an outcome is told from (`short`: on fewer, for it has waited for
   * long enough); or the task is not its own any more, and nothing has been taken.
   */
  | Readonly<{ kind: 'saved'; request: number; isTaken: boolean; short: boolean }>
  /** What was loaded is on disk. */
  | Readonly<{ kind: 'loaded'; request: number }>
  /** The outcome of a task is on disk here and elsewhere: waiters may be told. */
  | Readonly<{ kind: 'settled'; taskId: TaskId }>
  | Readonly<{ kind: 'notify'; event: CoreEvent }>
  /** A node that was here before uses the same identity, or name, and lives: stop at once, without a goodbye. */
  | Readonly<{ kind: 'give-way'; why: Replaced['why'] }>
  /** All that `leave` asked for is done: close. */
  | Readonly<{ kind: 'left' }>
