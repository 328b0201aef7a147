/**
 * What a task is: the part that never changes after submission.
 *
 * Payloads and results are JSON text, or blobs of it. The core never looks inside them.
 */
import type { Hlc } from '../base/hlc.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import type { Content } from './content.ts'

/** What a caller asks for: checked and complete. */
export type TaskDraft = Readonly<{
  type: string
  payload: Content
  /** 1 to 10, 10 first. */
  priority: number
  dependsOn: readonly TaskId[]
  tags: readonly string[]
  /** Bound on one attempt in ms, or null. */
  timeoutMs: number | null
  /** How long it is kept after it has settled, in ms; null: as long as the cluster keeps such tasks. */
  retentionMs: number | null
}>

export type TaskSpec = TaskDraft &
  Readonly<{
    id: TaskId
    submittedAt: Hlc
    submittedBy: BootId
  }>
