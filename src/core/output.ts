/**
 * What nodes tell each other of the output and the progress of runs: not part of the log of tasks, but asked for, by
 * whoever wants to see it, from the node that ran the task.
 */
import type { TaskId } from './base/ids.ts'

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
  /** In one piece. */
  pieceBytesMax: 16_384,
  progressMessageBytesMax: 1024
} as const
