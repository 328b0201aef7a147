/**
 * What runs of this node save for the attempt after them: on its way into the core, until that has answered.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { Effect } from '../../core/effect.ts'
import type { Input } from '../../core/input.ts'
import type { BlobRef } from '../../core/task/content.ts'

export class Saves {
  readonly #feed: (input: Input) => void
  readonly #open = new Map<number, (isTaken: boolean) => void>()
  #requests = 0

  constructor(feed: (input: Input) => void) {
    this.#feed = feed
  }

  /**
   * Resolves to whether it stands, where the next attempt finds it; false: the task is not that run's any more. The blob
   * is on this node's disk.
   */
  save(taskId: TaskId, epoch: number, blob: BlobRef): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const request = ++this.#requests
    this.#open.set(request, resolve)
    this.#feed({ kind: 'checkpoint', request, taskId, epoch, blob })
    return promise
  }

  answered({ request, isTaken }: Extract<Effect, { kind: 'saved' }>): void {
    this.#open.get(request)?.(isTaken)
    this.#open.delete(request)
  }

  /** The node closes: nothing more is answered. */
  close(): void {
    for (const resolve of this.#open.values()) resolve(false)
    this.#open.clear()
  }
}
