/**
 * What a task is: the part that never changes after submission.
 *
 * Payloads and results are JSON text, or blobs of it. The core never looks inside them.
 */
import type { Hlc } from '../base/hlc.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import type { Content } from './content.ts'
import type { LabelRules } from './labels.ts'

/** How long to wait before a failed attempt is followed by another: longer each time, and a little differently. */
export type Backoff = Readonly<{
  /** Before the second attempt. */
  delayMs: number
  /** How much longer each further wait is than the one before it. */
  factor: number
  /** No wait is longer. */
  maxDelayMs: number
  /** By what part a wait may be shorter or longer, 0 to 1, so that tasks that failed together part. */
  jitter: number
}>

export const DEPENDENCY_FAILURE_RULES = ['cancel', 'run'] as const
export const DELIVERIES = ['at-least-once', 'at-most-once'] as const

/** What a caller asks for: checked and complete. */
export type TaskDraft = Readonly<{
  type: string
  payload: Content
  /** 1 to 10, 10 first. */
  priority: number
  dependsOn: readonly TaskId[]
  /** What becomes of the task if one of these dependencies does not complete. */
  onDependencyFailure: (typeof DEPENDENCY_FAILURE_RULES)[number]
  /** Further attempts after a failed one. */
  maxRetries: number
  /** Number of starts that may end with the death of the holder. One more, and the task fails. */
  maxLost: number
  backoff: Backoff
  /** Bound on one attempt in ms, or null. */
  timeoutMs: number | null
  /** Bound from submission to settling in ms, or null. */
  deadlineMs: number | null
  /** It is not started before this time, in ms since 1970; null: at once. */
  notBefore: number | null
  labels: LabelRules
  /** Names the task: all submissions under the same key mean the same task. */
  idempotencyKey: string | null
  delivery: (typeof DELIVERIES)[number]
  /** The failed or cancelled task that this one is a copy of. */
  retryOf: TaskId | null
  tags: readonly string[]
  /** What its submitter calls it, such as its name in a file of tasks. Need not be unique: for people and filters only. */
  ref: string | null
  /** The trace that the submission belongs to, as W3C Trace Context writes it; null: none. Handed to each run. */
  traceparent: string | null
  /** How long it is kept after it has settled, in ms; null: as long as the cluster keeps such tasks. */
  retentionMs: number | null
}>

export type TaskSpec = TaskDraft &
  Readonly<{
    id: TaskId
    submittedAt: Hlc
    submittedBy: BootId
    /** What a later version has added, a character for each byte that came. */
    later?: string
  }>
