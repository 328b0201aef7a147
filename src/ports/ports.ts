/**
 * What the node needs from the world, in its own words. Each port has one implementation under real conditions and one
 * or more in tests; test/contract holds the suite that all of them pass.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Flush, MemberRecord, Run, StoredTask, UnreadableSpan } from '../core/effect.ts'
import type { BootId, NodeId, TaskId } from '../core/base/ids.ts'
import type { RunResult } from '../core/input.ts'
import type {
  Expected,
  Message,
  Span,
  SyncRequest,
  VersionVector,
  OutputAnswer,
  OutputRequest,
  OutputStream,
  TimelineAnswer,
  TimelineRequest
} from '../core/message.ts'
import type { BlobHash, BlobRef } from '../core/task/content.ts'
import type { Snapshot } from '../core/replication/snapshot.ts'
import type { ExternalRunner } from './external.ts'
import type { Handler } from './handler.ts'

/**
 * Time in one turn of the event loop after which the rest of the work waits for the next one. Guess: some hundred
 * steps, and on a computer that gives a node a twentieth of a core still five turns a second. To read messages, and to
 * act on them, each.
 */
export const PORTION_MS: number = 10

/** Where a transport delivers. Called synchronously, one call at a time. */
export interface Receiver {
  message(from: NodeId, message: Message): void
  link(peer: NodeId, up: boolean): void
  syncEnded(peer: NodeId, whole: boolean): void
  /** Our own listening addresses changed. */
  addresses(addresses: readonly string[]): void
  /** The answer to a peer's sync request. Pulled one batch at a time, as fast as the peer reads. */
  answerSync(from: NodeId, request: SyncRequest): Iterable<Message>
  /** The bytes of a blob that a peer asks for, or null if it is not here. */
  readBlob(hash: BlobHash): Promise<AsyncIterable<Uint8Array> | null>
  /** What a peer asks about the output of runs. Pulled as fast as the peer reads. */
  answerOutput(request: OutputRequest): AsyncIterable<OutputAnswer>
  /** What a peer asks about when tasks ran here. */
  answerTimeline(request: TimelineRequest): Iterable<TimelineAnswer>
}

/** Takes the bytes of a blob as they come. Resolves to whether they were the right ones. */
export type KeepBlob = (chunks: AsyncIterable<Uint8Array>) => Promise<boolean>

/** A peer as the network sees it, member or not. */
export type PeerView = Readonly<{
  id: NodeId
  /** Known from mDNS, a static address, memory, or another peer. */
  addresses: readonly string[]
  connected: boolean
}>

/** An address of the settings at which nobody answers, and for how long. */
export type UnansweredPeer = Readonly<{ address: string; silentMs: number }>

export type NetCounters = Readonly<{
  /** Messages that were refused because they were malformed or exceeded a bound, by direction of the cause. */
  refused: number
  /** Messages that could not be handed to a peer (no link, peer too slow). */
  dropped: number
  bytesSent: number
  bytesReceived: number
  /** Of these, in either direction: answers to those who catch up. */
  syncBytes: number
}>

/** Reaches the other nodes of the cluster. Delivers nothing before `start` and nothing after `stop` has resolved. */
export interface Transport {
  readonly id: NodeId
  start(receiver: Receiver): Promise<void>
  /** To one peer, in order, or not at all. Never blocks; a peer that does not read loses messages, not our memory. */
  send(to: NodeId, message: Message): void
  /**
   * To all members, by gossip.
   *
   * @param isFullMesh whether all of them are linked, so that nobody needs to hand it on: then it may go straight to
   *   each, which costs a fraction. @default false
   */
  publish(message: Message, isFullMesh?: boolean): void
  /** Asks one peer; its batches arrive through `message`, then `syncEnded`, always, once. */
  sync(peer: NodeId, request: SyncRequest): void
  /**
   * Resolves to whether a peer is certainly not at these addresses any more: each of them refuses connections, or
   * answers as another node. Silence is no proof.
   */
  probe(peer: NodeId, addresses: readonly string[]): Promise<boolean>
  /**
   * Resolves to whether another process certainly answers at one of these addresses in the name of this node: with its
   * key.
   */
  meets(addresses: readonly string[]): Promise<boolean>
  /**
   * Asks one peer for a blob. Resolves to whether `keep` has taken it; never rejects. Bytes that are not the right ones
   * count as refused.
   */
  fetchBlob(peer: NodeId, ref: BlobRef, keep: KeepBlob): Promise<boolean>
  /**
   * Asks one peer about the output of runs. Comes to an end after `end` has been yielded.
   *
   * @throws while it is read, if the peer cannot be reached, goes away, hangs, or says what is malformed
   */
  askOutput(peer: NodeId, request: OutputRequest, signal: AbortSignal): AsyncIterable<OutputAnswer>
  /**
   * Asks one peer when tasks ran there. Comes to an end after `end` has been yielded.
   *
   * @throws while it is read, if the peer cannot be reached, knows no such question, hangs, or says what is malformed
   */
  askTimeline(
    peer: NodeId,
    request: TimelineRequest,
    signal: AbortSignal
  ): AsyncIterable<TimelineAnswer>
  peers(): readonly PeerView[]
  /** Addresses that the settings name and at which no node of the cluster has answered for some seconds. */
  unanswered(): readonly UnansweredPeer[]
  counters(): NetCounters
  stop(): Promise<void>
}

/** What a journal held when it was opened. */
export type Replay = Readonly<{
  tasks: Iterable<StoredTask>
  /** Empty if anything was damaged: what it covers would count as pruned. */
  vector: ReadonlyMap<BootId, number>
  /** Forgotten writes beyond the vector. */
  forgotten: readonly Span[]
  /** Writes that the vector passes and that could not be read. */
  unreadable: readonly UnreadableSpan[]
  members: readonly MemberRecord[]
  roster: readonly Expected[]
  /** Keys whose tasks were forgotten early: until when they count, in ms. */
  spent: ReadonlyMap<TaskId, number>
  /** Where the floor of room was. @default nowhere */
  floor?: number
  /** How many values could not be read and were given up. */
  damaged: number
}>

/** Keeps the replica on disk. */
export interface Journal {
  replay(): Promise<Replay>
  /** Resolves when the whole flush is on disk and synced; rejects if none of it counts. */
  write(flush: Flush): Promise<void>
  /** Why nothing can be written from the start: the disk is full. Null once it can. @default null */
  readonly failure?: Error | null
  /** Tries again whether it can. Rejects if not. @default there is nothing to try */
  revive?(): Promise<void>
  close(): Promise<void>
}

/** Where blobs lie on disk. */
export interface BlobFolder {
  /** Where a blob is, if it is there. */
  pathOf(hash: BlobHash): string
  /** Where a new one may be written before its hash is known. The caller removes the file, unless it is adopted. */
  newPath(): string
  /** Moves a file that is whole and synced to where it belongs. @throws DiskFullError */
  adopt(path: string, ref: BlobRef): Promise<void>
  /** Whether a blob is there, with the bytes that it should have. A damaged one is removed. */
  isSound(hash: BlobHash): Promise<boolean>
  /** Writes a new one. @throws TooLargeError DiskFullError */
  put(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef>
}

/** Keeps blobs on disk. A blob is there as a whole or not at all, also after a power cut. */
export interface Blobs extends BlobFolder {
  /**
   * Writes one that comes from elsewhere. Resolves to whether it was the right one; otherwise nothing is kept.
   *
   * @throws DiskFullError
   */
  keep(ref: BlobRef, chunks: AsyncIterable<Uint8Array>): Promise<boolean>
  /**
   * Null if it is not there, or damaged: then it is removed. One that is dropped meanwhile is still read to its end.
   */
  read(hash: BlobHash): Promise<AsyncIterable<Uint8Array> | null>
  /** In bytes; null if it is not there. */
  size(hash: BlobHash): Promise<number | null>
  drop(hash: BlobHash): Promise<void>
}

/** The bytes of a blob, or null if no node that can be asked has it. */
export type ReadBlob = (ref: BlobRef) => Promise<AsyncIterable<Uint8Array> | null>

/** Takes the bytes of a blob onto the disk. */
export type WriteBlob = (chunks: AsyncIterable<Uint8Array>) => Promise<BlobRef>

/** Reads and writes state files of one cluster. */
export interface StateFiles {
  /** The text of a file, piece by piece, made as it is read. */
  text(snapshot: Snapshot, savedAt: string, readBlob: ReadBlob): AsyncIterable<string>
  /**
   * @param rekey it may be from under another key
   * @throws ForeignStateFileError if any of it is not as it should be; DiskFullError
   */
  parse(
    pieces: AsyncIterable<string> | Iterable<string>,
    writeBlob: WriteBlob,
    rekey: boolean
  ): Promise<LoadedReplica>
  /** Replaces a file, or leaves it as it was. @throws InvalidOptionError */
  write(file: string, pieces: AsyncIterable<string>): Promise<SavedState>
  /** @throws InvalidOptionError */
  read(file: string): AsyncIterable<string>
}

/** What was written to a file. */
export type SavedState = Readonly<{
  tasks: number
  /** Large payloads and results that no node had. */
  missing: number
}>

/** What was in a file. */
export type LoadedReplica = Readonly<{
  vector: VersionVector
  tasks: readonly StoredTask[]
  /** Forgotten writes beyond the vector. */
  forgotten: readonly Span[]
  /** Writes that the vector passes and that could not be read where the file was written. */
  unreadable: readonly Span[]
}>

export type RunEnded = (taskId: TaskId, epoch: number, run: RunResult, durationMs: number) => void

export type RunProgress = (
  taskId: TaskId,
  epoch: number,
  fraction: number,
  message: string | null
) => void

/** Output as it came: one line, several, or a part of one. */
export type RunOutput = (
  taskId: TaskId,
  epoch: number,
  stream: OutputStream,
  bytes: Uint8Array
) => void

/**
 * Keeps what a run has saved, a blob on this node's disk, for the next attempt. Resolves to whether it stands; false: the
 * task is not that run's any more.
 */
export type SaveRun = (taskId: TaskId, epoch: number, blob: BlobRef) => Promise<boolean>

/** What came of loading the handlers anew: types of tasks, sorted. */
export type ReloadedHandlers = Readonly<{
  /** All that the node handles now. */
  handlers: readonly string[]
  added: readonly string[]
  removed: readonly string[]
}>

/** Runs user code. */
export interface Runner {
  /**
   * Has a type handled by a function, on the node's own thread. The schema, or else the one that the function carries
   * as its property `schema`, is what payloads have to keep to.
   *
   * @throws InvalidOptionError
   */
  registerFunction(type: string, handler: Handler, schema?: StandardSchemaV1 | null): void
  /**
   * Has a type handled by a module, in worker threads: by what it exports for that type, or else by its default export.
   *
   * @throws InvalidOptionError HandlersFileError
   */
  registerModule(type: string, file: string): Promise<void>
  /**
   * Loads all handlers that come from files anew, and takes them in place of those that it has: all, or none. Runs that
   * have begun go on with what they have.
   *
   * @param files handlers files. @default those of the last time
   * @throws HandlersFileError InvalidOptionError and nothing has changed
   */
  reload(files?: readonly string[]): Promise<ReloadedHandlers>
  /**
   * Why the handler that it has for a type would refuse this payload, JSON text; resolves to null if it would not. Null
   * at once if that handler takes anything, or there is none.
   */
  refusalOf(type: string, payload: string): Promise<string | null> | null
  /** Types that it has handlers for, sorted. */
  readonly handlers: readonly string[]
  /** Called when `handlers` are others than before, without a registration: reloaded, or not to be loaded any more. */
  onHandlersChanged(changed: () => void): void
  /** Runs of workers outside this process. */
  readonly external: ExternalRunner
  /**
   * Where large payloads are found and large results are left. Without it, there are none.
   *
   * @param save where runs save where they stand. @default nowhere: it is refused
   */
  useBlobs(blobs: BlobFolder, save?: SaveRun): void
  /** Called once for each run that ends by itself, fails or times out; never for an aborted one. */
  onEnded(ended: RunEnded): void
  /** Called with progress of runs, 20 times a second and run at most. */
  onProgress(progress: RunProgress): void
  /** Called with what runs say: 1 MiB a second of a handler, 4 MiB a second of a command at most. */
  onOutput(output: RunOutput): void
  start(run: Run): void
  /**
   * Signals the handler, ends its thread if it does not obey, reports nothing. Resolves when the run is over: what a
   * command says until then is still told. No-op for an unknown run.
   */
  abort(taskId: TaskId, epoch: number): Promise<void>
  /** Aborts what runs and frees everything. */
  stop(): Promise<void>
}

/** The time, for the shell. */
export interface Clock {
  /** Milliseconds since 1970 by a clock that nobody sets: for how long things last. Never steps back. */
  now(): number
  /** How far the computer's clock is ahead of that, in ms. Changes when that clock is set. */
  aheadMs(): number
  /** Calls back about every `ms` until the returned function is called. */
  every(ms: number, callback: () => void): () => void
}
