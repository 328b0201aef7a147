/**
 * What nodes say to each other. Heartbeats and log batches are gossiped; the rest goes straight to one peer.
 *
 * What each may be is in message-shapes.ts: whatever exceeds that is refused before the core sees it.
 */
import type { Hlc } from './base/hlc.ts'
import type { BootId, NodeId, TaskId } from './base/ids.ts'
import type { Other } from './base/shape.ts'
import type { BlobHash, BlobRef } from './task/content.ts'
import type { Labels } from './task/labels.ts'
import type { Dot, TaskRecord } from './task/record.ts'

/**
 * What this version knows of the protocol, as every heartbeat says. It is raised with an addition that an older node
 * would misunderstand, so that such a thing is only sent to members that know it ("Versions mix" in README.md):
 *
 *     0   said nothing of revisions
 *     1   says its revision, waits for late news as long as all later versions may take, names what it could not read,
 *         and passes on what it does not know
 *     2   keeps copies of what is written, and blobs, on another computer than where they are
 *     3   knows checkpoints, and keeps their blobs
 */
export const REVISION = 3

/** From this revision on a second copy is kept on another computer, if one is there. */
export const KEEPS_APART = 2
/** From this revision on the blob of a checkpoint is kept like any other. */
export const KEEPS_CHECKPOINTS = 3

/**
 * Kinds by which members say that they are there, and how far they are. They are cheap, and a node that reads them late
 * takes others for gone. So they may overtake all others, as if those had been slower on their way. A goodbye may not:
 * it is about all that was said before. What has been pruned is told before an acknowledgement that would have it
 * started (replication/group-commit.ts), and must not be overtaken by that.
 */
export const PROMPT_KINDS: ReadonlySet<string> = new Set<Message['kind']>([
  'heartbeat',
  'ack',
  'pruned',
  'who',
  'introduction',
  'replaced'
])

/**
 * Why a node begins nothing and hands nothing on: nothing could be recorded, too few others are seen, or it has stood
 * still and has yet to hear what became of its tasks meanwhile.
 */
export const PAUSES = ['disk', 'alone', 'waking'] as const
export type Pause = (typeof PAUSES)[number]

/** Per boot, up to which of its writes a replica has everything, on disk. */
export type VersionVector = ReadonlyMap<BootId, number>

/** The name of the pool of all types that no other pool names. */
export const DEFAULT_POOL = 'default'

/**
 * A pool beside the default one: slots that share task types and labels. Its labels are its own; those of its node count
 * for it as well.
 */
export type NamedPool = Readonly<{
  name: string
  slots: number
  /** Sorted. */
  types: readonly string[]
  labels: Labels
  /** Whether its tasks are run by a process of its own, which comes and goes. */
  external: boolean
}>

/** The same, and how busy it is: tasks that run, and tasks that are ready and go to this pool before any other. */
export type PoolState = NamedPool & Readonly<{ running: number; queued: number }>

/** Who I am, what I can run, how busy I am, and how much of the log I have. Also the first thing said on a new link. */
export type Heartbeat = Readonly<{
  kind: 'heartbeat'
  boot: BootId
  /** `computer/instance`. */
  name: string
  /** Version of the program, for people. */
  version: string
  /** Revision of the protocol: up to which addition the sender knows it. 0: of a version that did not say. */
  revision: number
  at: Hlc
  /** The sender's own clock, which stamps hide: they are pushed forward by whatever is seen from others. */
  clockMs: number
  /**
   * How many tasks the default pool runs at once; 0 if it runs none. An older version knows no other pool, so all that
   * stands beside `pools` is said of this one.
   */
  slots: number
  running: number
  /** Tasks that it holds, ready to run and not started: all that no other pool runs first. */
  queued: number
  draining: boolean
  /** Why it begins nothing. @default it does */
  paused?: Pause | Other
  /** How late its event loop was of late, in ms: what stands still for long may be taken for gone. */
  loopLagMs: number
  /** Task types that the default pool has handlers for, sorted. */
  handlers: readonly string[]
  labels: Readonly<Record<string, string>>
  /** All other pools, by name. @default none */
  pools?: readonly PoolState[]
  /** Multiaddrs that it listens on. */
  addresses: readonly string[]
  vector: VersionVector
  /** Writes of the boots in `vector` that it passes although its sender could not read them. @default none */
  unreadable?: readonly Span[]
  /** After this time without a quorum it ends what it runs, so that others may run it; null: it never does. */
  stopAfterIsolatedMs: number | null
  /** All that the sender knows of who is expected and who has left: a node that hears it knows as much. */
  roster: readonly Expected[]
  departures: readonly Departure[]
  /** Nothing new that the sender takes depends on what settled before this; null: of a version that did not say. */
  floor: Hlc | null
  /** How many settled tasks it is to keep. */
  settledMax: number
  /** How many it keeps that could go. */
  settledKept: number
  /** Its disk has writes that its vector does not carry, for a journal was damaged. @default no */
  loose?: boolean
  /**
   * Boots that the sender has met lately; on a new link, all that it can talk to. A member that does not know one asks
   * for it.
   */
  met: readonly BootId[]
}>

/** The time of a departure that holds for all that its boot ever says: it has left. On every disk and wire so far. */
export const LEFT_AT: Hlc = Number.MAX_SAFE_INTEGER

/** Longest stall of an event loop that is told: a computer that slept for longer has slept for this. */
export const LOOP_LAG_MS_MAX: number = 2 ** 32 - 1

/** An instance (`computer/instance`) that is expected, or since `at` not any more. The later word counts. */
export type Expected = Readonly<{ name: string; at: Hlc; expected: boolean }>

/**
 * A node is no member any more: it said goodbye, was replaced, or was forgotten. That holds for what it said up to
 * `at`, by its own clock, in this boot or an earlier one; a node that speaks later is back.
 */
export type Departure = Readonly<{
  boot: BootId
  at: Hlc
  forgotten: boolean
  /**
   * Its last write, if it said goodbye: what it handed on is in there, so a node that lacks it takes note later. Else
   * 0.
   */
  upTo: number
}>

/** What has become of a task, for a reader that knows what the task is. `task` is the write that created it. */
export type Change = Readonly<{ task: Dot } & Omit<TaskRecord, 'spec' | 'created'>>

/** In place of the position of a task in a batch: it has since been pruned. */
export const PRUNED = -1
/** In place of the position of a task in a batch: what was written could not be read here. Never sent. */
export const UNREADABLE = -2

/**
 * The writes `after + 1 .. after + writes.length` of one origin. `writes[i]` is the position of the task that the write
 * changed in the list of all `records`, then all `changes`; or `PRUNED`, which a reader has to have been told before
 * (`Forgotten`); or `UNREADABLE`. A record or change is as new as each write that changed its task, or newer.
 */
export type Batch = Readonly<{
  kind: 'batch'
  origin: BootId
  after: number
  records: readonly TaskRecord[]
  /** Only gossip has them. @default none */
  changes?: readonly Change[]
  writes: readonly number[]
}>

/** "On my disk, I have the log up to here." Sent when a peer's own writes have been persisted. */
export type Ack = Readonly<{
  kind: 'ack'
  boot: BootId
  vector: VersionVector
  /** Writes of the boots in `vector` that it passes although its sender could not read them. @default none */
  unreadable?: readonly Span[]
}>

/** A node asks a holder for work for one of its pools. What it says of handlers and labels is said of that pool. */
export type StealRequest = Readonly<{
  kind: 'steal'
  request: number
  boot: BootId
  want: number
  handlers: readonly string[]
  labels: Labels
  /** @default the default one */
  pool?: string
}>

/**
 * The answer: tasks whose claim now names the asker (possibly none), and with them the outcomes of their dependencies
 * as far as the granter does not know the asker to have them.
 */
export type Grant = Readonly<{
  kind: 'grant'
  request: number
  boot: BootId
  records: readonly TaskRecord[]
  dependencies: readonly TaskRecord[]
}>

/** "Callers here ask for these tasks, and I do not know them." */
export type Find = Readonly<{ kind: 'find'; boot: BootId; ids: readonly TaskId[] }>

/** The answer for these tasks: those that are on my disk, and which of them have settled and been pruned. */
export type Found = Readonly<{
  kind: 'found'
  boot: BootId
  ids: readonly TaskId[]
  records: readonly TaskRecord[]
  forgotten: readonly TaskId[]
}>

/**
 * "I stop now, on purpose, and this is my last write." Said until it is answered: what is sent last is lost most
 * easily. A node that lacks some of that would take what has been handed on or settled since for left behind.
 */
export type Goodbye = Readonly<{ kind: 'goodbye'; boot: BootId; upTo: number }>

/** The answer, to the boot that said goodbye: "I know it, and tell others." */
export type Farewell = Readonly<{ kind: 'farewell'; boot: BootId }>

/**
 * "Send me what I lack." Answered on a stream of its own: what has been pruned, if that matters, then batches, then
 * the end.
 */
export type SyncRequest = Readonly<{
  kind: 'sync'
  boot: BootId
  vector: VersionVector
  /** Writes that `vector` passes although the asker could not read them. @default none */
  unreadable?: readonly Span[]
  /** Those of them that it may be able to read by now: to be sent again, first. @default none */
  again?: readonly Span[]
}>

/** "You work on these, and they have settled, and everybody but you has pruned them." */
export type Pruned = Readonly<{ kind: 'pruned'; ids: readonly TaskId[] }>

/** The writes `after + 1 .. upTo` of a boot. */
export type Span = Readonly<{ origin: BootId; after: number; upTo: number }>

/**
 * "The tasks that these writes changed are over and pruned, and so is everything of these boots and of all older ones
 * of their nodes." Part of an answer, before any batch: all such writes, and the boots that the asker does not know to
 * be retired. It counts together only: `more` says that others follow. Boots come with the last.
 */
export type Forgotten = Readonly<{
  kind: 'forgotten'
  spans: readonly Span[]
  boots: readonly BootId[]
  more: boolean
}>

/** "I have these blobs. Fetch them, keep them, and tell me when you do." */
export type Offer = Readonly<{ kind: 'offer'; boot: BootId; blobs: readonly BlobRef[] }>

/** "These blobs are on my disk." The answer to an offer. */
export type Kept = Readonly<{ kind: 'kept'; boot: BootId; hashes: readonly BlobHash[] }>

/** "Take nothing more, and hand on what is queued." From the node that was asked to pass it on. */
export type Drain = Readonly<{ kind: 'drain'; boot: BootId }>

/** "Take tasks again." What a node of before does not know: it goes on draining. */
export type Undrain = Readonly<{ kind: 'undrain'; boot: BootId }>

/** "These boots hold tasks, and I have never heard of them." */
export type Who = Readonly<{ kind: 'who'; boots: readonly BootId[] }>

/** The answer: what one of them said last. */
export type Introduction = Readonly<{ kind: 'introduction'; heartbeat: Heartbeat }>

export const REPLACED_WHYS = ['identity', 'name'] as const

/**
 * "A node that was here before you uses your identity (or your name), and lives. You have to stop." The node that hears
 * it finds out for itself whether that is so.
 */
export type Replaced = Readonly<{
  kind: 'replaced'
  boot: BootId
  why: (typeof REPLACED_WHYS)[number]
  /** Where that other one is. None if it is one of the same name: that is the sender. */
  addresses: readonly string[]
}>

/** "This is what that boot has counted until now", of some types of tasks. A higher `sequence` of a boot is newer. */
export type Counts = Readonly<{
  kind: 'counts'
  boot: BootId
  sequence: number
  types: readonly TypeCounts[]
}>

/** What an answer to a sync request is made of, or a file. */
export type News = Forgotten | Batch

export type Message =
  | Heartbeat
  | Batch
  | Ack
  | StealRequest
  | Grant
  | Find
  | Found
  | Goodbye
  | Farewell
  | SyncRequest
  | Pruned
  | Forgotten
  | Offer
  | Kept
  | Drain
  | Undrain
  | Who
  | Introduction
  | Replaced
  | Counts

export type { NodeId, TaskId }

/**
 * How long things took: `counts[i]` is that of bucket i (telemetry/histogram.ts); empty buckets at the end are left
 * out.
 */
export type Durations = Readonly<{ sumMs: number; counts: readonly number[] }>

/** What became of the tasks of one type at one node, and how long their runs took. */
export type TypeCounts = Readonly<{
  type: string
  completed: number
  failed: number
  cancelled: number
  /** Attempts that were followed by another one of the same holder: they failed, or asked for another time. */
  retried: number
  /** Runs of the handler that ended, however. */
  runs: Durations
}>

/** How many buckets there are. Wide enough for 24.8 days: see telemetry/histogram.ts. */
export const HISTOGRAM_BUCKETS = 125

/** Where a run says something: as programs do, or through its context. */
export const OUTPUT_STREAMS = ['stdout', 'stderr', 'log'] as const
export type OutputStream = (typeof OUTPUT_STREAMS)[number]

/** Output as it came: one line, several, or a part of one. As a rule it is UTF-8, cut between characters. */
export type Piece = Readonly<{
  /** Bytes that the attempt had said before. */
  position: number
  /** When it was said, or began to be, in ms since 1970, by the clock of the node that ran it. */
  at: number
  stream: OutputStream
  bytes: Uint8Array
}>

/** How far a run is, 0 to 1. */
export type Progress = Readonly<{ fraction: number; message: string | null }>

/** A run whose output a node has. */
export type AttemptInfo = Readonly<{
  taskId: TaskId
  epoch: number
  attempt: number
  ended: boolean
  progress: Progress | null
}>

/**
 * What nodes tell each other of the output and the progress of runs is not part of the log of tasks: a node whose
 * caller wants to see it asks the node that ran the task.
 */
export type OutputRequest =
  /** All that run at the moment. */
  | Readonly<{ kind: 'running' }>
  /** Those of one task. */
  | Readonly<{ kind: 'attempts'; taskId: TaskId }>
  /** What one of them has said, from a position on. `follow`: and what it will say, until it ends. */
  | Readonly<{ kind: 'read'; taskId: TaskId; epoch: number; position: number; follow: boolean }>

/** One part of an answer. An answer without `end` was broken off. */
export type OutputAnswer =
  | Readonly<{ kind: 'attempt'; info: AttemptInfo }>
  /** If it does not begin where the last one ended, what is between is no longer kept. */
  | Readonly<{ kind: 'piece'; piece: Piece }>
  /** Nothing new, but the node is there. */
  | Readonly<{ kind: 'quiet' }>
  | Readonly<{ kind: 'end' }>

export const OUTPUT_LIMITS = {
  /** Bound on one piece. */
  pieceBytesMax: 16_384,
  progressMessageBytesMax: 1024
} as const

/** How a task came to the node that holds it. `handed-on`: by one that drained. */
export const VIAS = ['submitted', 'placed', 'stolen', 'handed-on', 'reclaimed', 'retried'] as const
/** How a task came to the node that holds it. */
export type Via = (typeof VIAS)[number]

/**
 * How a run ended. `postponed`: it is to be tried again later; `aborted`: it was no longer the node's to run;
 * `returned`: a worker has given it back.
 */
export const SPAN_OUTCOMES = [
  'completed',
  'failed',
  'cancelled',
  'postponed',
  'aborted',
  'returned'
] as const
/** How a run ended. */
export type SpanOutcome = (typeof SPAN_OUTCOMES)[number]

/** When a node ran a task, in ms since 1970 by its clock. */
export type RunSpan = Readonly<{
  taskId: TaskId
  type: string
  epoch: number
  attempt: number
  pool: string
  /** Counted from 0. */
  slot: number
  fromMs: number
  /** Null if it runs, as is its outcome. */
  toMs: number | null
  outcome: SpanOutcome | null
  via: Via
}>

/** What a node ran at some time between these. */
export type TimelineRequest = Readonly<{ kind: 'between'; fromMs: number; toMs: number }>

/** One part of an answer. An answer without `end` was broken off. */
export type TimelineAnswer =
  | Readonly<{ kind: 'spans'; spans: readonly RunSpan[] }>
  /** Of what ended before that time, something is no longer kept; null: nothing has been let go of. */
  | Readonly<{ kind: 'end'; reachesToMs: number | null }>

export const TIMELINE_LIMITS = {
  /** Runs that have ended and are kept. Guess: an hour of a busy node, in a megabyte. */
  spansKept: 4096,
  /** In one answer, those that run included: the newest. */
  spansMax: 8192,
  /** In one part of an answer. */
  spansPerPart: 128
} as const
