/** Why a task does not run, as `hearsay why --json` shows it. */
import type { TaskId } from '../../core/base/ids.ts'
import type { TaskState } from '../../shared/names.ts'

/** Why a task does not run, or how it ended: for the task, and for each node. */
export type WhyView = {
  v: 1
  id: TaskId
  state: TaskState
  /** Null if it runs or has completed. */
  reason: string | null
  words: string
  type: string
  ref: string | null
  tags: string[]
  idempotencyKey: string | null
  /** The tasks that it depends on and that have not settled, with what keeps each of them. */
  dependencies: OpenDependency[]
  nodes: { node: string; reason: string; words: string }[]
}

/** A task that another one waits for. All but its id is null if nothing is known here of it. */
export type OpenDependency = {
  id: TaskId
  type: string | null
  ref: string | null
  state: TaskState | null
  reason: string | null
}
