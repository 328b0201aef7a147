/**
 * Tasks that an agent has claimed: each is held by a connection of its own to the node, and so for as long as this
 * process lives. A model never has to beat; if the process dies, others get its tasks in the same second.
 */
import type { Client } from '../api/client.ts'
import type { LeasedTask, WorkerLine } from '../node/api/node-api.ts'
import { InvalidOptionError } from '../shared/errors.ts'

/** Guess: an agent that has more at a time has forgotten some. */
const CLAIMS_MAX = 16
/** How long the node may take to say the name of a worker, before the wait for a task begins. */
const NAME_MS = 5000

/** One claim: by its lease. */
type Claim = Readonly<{ client: Client; worker: string; stop: AbortController }>

export class Claims {
  readonly #open = new Map<string, Claim>()
  /** Why tasks are not wanted any more, of claims that are still open. */
  readonly #cancelled = new Map<string, string>()
  /** Calls that wait for a task: each has a connection, too. */
  #waiting = 0
  #isClosed = false

  /**
   * Waits for a task of one of these types; null: none came in time.
   *
   * @throws InvalidOptionError NodeClosedError NoNodeError, or the signal's reason
   */
  async claim(
    client: Client,
    types: readonly string[],
    waitMs: number,
    signal: AbortSignal
  ): Promise<LeasedTask | null> {
    if (this.#open.size + this.#waiting >= CLAIMS_MAX) {
      throw new InvalidOptionError(
        `${CLAIMS_MAX} claims are open or wait for a task: finish some of them first`
      )
    }
    this.#waiting++
    const stop = new AbortController()
    const lines = client.workers.connect({ types: [...types], slots: 1, name: 'mcp' }, stop.signal)
    const reader = new Reader(lines)
    const giveUp = AbortSignal.any([signal, AbortSignal.timeout(waitMs + NAME_MS)])
    let worker: string | null = null
    try {
      worker = await within(reader.worker, giveUp)
      const late = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
      const task = worker === null ? null : await within(reader.task, late)
      signal.throwIfAborted()
      if (worker === null || task === null || this.#isClosed) return null
      // One task is what was asked for. If that cannot be said, the task is given back.
      await client.workers.drain(worker)
      this.#open.set(task.lease, { client, worker, stop })
      reader.onCancel = (lease, reason) => this.#cancelled.set(lease, reason)
      reader.onEnd = () => this.#forget(task.lease)
      return task
    } finally {
      this.#waiting--
      if (worker !== null && ![...this.#open.values()].some(claim => claim.worker === worker)) {
        // What came in this very moment is given back.
        await client.workers.disconnect(worker).catch(() => {})
      }
      if (![...this.#open.values()].some(claim => claim.stop === stop)) stop.abort()
    }
  }

  /** Why the task of a claim is not wanted any more; null: it is. */
  cancelled(lease: string): string | null {
    return this.#cancelled.get(lease) ?? null
  }

  /** Gives back all that has not been finished. */
  async close(): Promise<void> {
    this.#isClosed = true
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(
      open.map(async ({ client, worker, stop }) => {
        await client.workers.disconnect(worker).catch(() => {})
        stop.abort()
      })
    )
  }

  #forget(lease: string): void {
    this.#open.delete(lease)
    this.#cancelled.delete(lease)
  }
}

/** Reads what a node says to a worker, to its end. */
class Reader {
  readonly worker: Promise<string>
  readonly task: Promise<LeasedTask>
  onCancel: (lease: string, reason: string) => void = () => {}
  onEnd: () => void = () => {}

  constructor(lines: AsyncIterable<WorkerLine>) {
    const worker = Promise.withResolvers<string>()
    const task = Promise.withResolvers<LeasedTask>()
    this.worker = worker.promise
    this.task = task.promise
    // Nobody may be waiting for them any more.
    this.worker.catch(() => {})
    this.task.catch(() => {})
    const fail = (error: unknown): void => {
      worker.reject(error)
      task.reject(error)
    }
    void (async () => {
      try {
        for await (const line of lines) {
          if ('worker' in line) worker.resolve(line.worker)
          else if ('lease' in line) task.resolve(line)
          else if ('cancel' in line) this.onCancel(line.cancel, line.reason)
        }
        fail(new InvalidOptionError('the node takes no workers now: it is leaving'))
      } catch (error) {
        fail(error)
      } finally {
        this.onEnd()
      }
    })()
  }
}

/** Null if the signal is aborted first. */
function within<T>(value: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>()
  const end = (): void => resolve(null)
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  return Promise.race([value, promise]).finally(() => signal.removeEventListener('abort', end))
}
