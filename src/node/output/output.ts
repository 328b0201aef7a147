/**
 * What is heard of the cluster: what its tasks say and how far they are, wherever they run, and what happens here.
 */
import type { TaskId } from '../../core/base/ids.ts'
import { Following, type FollowingParts } from './following.ts'
import type { LogEntry, LogsOptions, NodeEvent, OutputApi } from '../api/node-api.ts'
import type { Listeners } from '../events/listeners.ts'
import type { ProgressBoard } from './progress-board.ts'

export type OutputParts = Readonly<{
  progress: Pick<ProgressBoard, 'refresh'>
  listeners: Listeners
  /** Throws if there is no such task, or the node is going. */
  assertReadable: (id: TaskId) => void
}>

export class Output implements OutputApi {
  readonly #following: Following
  readonly #parts: OutputParts

  constructor(following: FollowingParts, parts: OutputParts) {
    this.#following = new Following(following)
    this.#parts = parts
  }

  logs(id: TaskId, { follow = false, signal }: LogsOptions = {}): AsyncIterable<LogEntry> {
    this.#parts.assertReadable(id)
    return this.#following.read(id, follow, signal ?? new AbortController().signal)
  }

  refreshProgress(): Promise<void> {
    return this.#parts.progress.refresh()
  }

  history(id: TaskId): NodeEvent[] {
    return this.#parts.listeners.about(id)
  }

  onEvent(listener: (event: NodeEvent) => void, since?: string): () => void {
    return this.#parts.listeners.add(listener, since)
  }
}
