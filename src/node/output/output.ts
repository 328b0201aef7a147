/**
 * What the tasks of the cluster say and how far they are: one place to ask, wherever they run.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { Progress } from '../../core/message.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import { Following, type FollowingParts } from './following.ts'
import type { LogEntry, LogsOptions } from '../api/node-api.ts'
import { ProgressBoard } from './progress-board.ts'

export class Output {
  readonly #following: Following
  readonly #progress: ProgressBoard

  constructor(parts: FollowingParts) {
    this.#following = new Following(parts)
    this.#progress = new ProgressBoard(parts)
  }

  read(id: TaskId, { follow = false, signal }: LogsOptions): AsyncIterable<LogEntry> {
    return this.#following.read(id, follow, signal ?? new AbortController().signal)
  }

  /** Asks the nodes that run something how far it is. */
  refresh(): Promise<void> {
    return this.#progress.refresh()
  }

  of(record: TaskRecord): Progress | null {
    return this.#progress.of(record)
  }
}
