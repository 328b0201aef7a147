/**
 * What a worker outside the process of a node says and hears: a method per question of the local API.
 *
 * Each call on a lease throws LeaseLost if it is not the worker's any more, and LeaseEnded if it has ended in another
 * way: then there is nothing more to say of it.
 */
import type {
  BlobRef,
  ClaimOptions,
  LeasedTask,
  LeaseFailure,
  LeaseView,
  WorkerLine,
  WorkerOptions
} from '../../node/api/node-api.ts'
import { TASK_LIMITS } from '../../core/options.ts'
import type { Connection } from '../connection.ts'
import { EndStream } from './end-stream.ts'
import type { EndLine } from './lease-ends.ts'

export class WorkerClient {
  readonly #node: Connection
  /** Over which ends are told while a worker is connected; null: none is. */
  #ends: EndStream | null = null
  #sessions = 0
  /** The node is older, and takes each end as a request of its own. */
  #isOlder = false

  constructor(node: Connection) {
    this.#node = node
  }

  /**
   * Connects as a worker: first its name comes, then tasks, for as long as this is read. Leaving it is going without a
   * word: what the worker has counts as lost.
   *
   * @throws InvalidOptionError NodeClosedError NoNodeError, or the signal's reason
   */
  async *connect(options: WorkerOptions, signal?: AbortSignal): AsyncGenerator<WorkerLine> {
    this.#sessions++
    try {
      yield* this.#node.values<WorkerLine>('/v1/workers', { body: options, signal }, 'POST')
    } finally {
      this.#sessions--
      if (this.#sessions === 0) {
        this.#ends?.close()
        this.#ends = null
      }
    }
  }

  /** A worker gets nothing more. @throws UnknownWorkerError NoNodeError */
  async drain(worker: string): Promise<void> {
    await this.#node.value('POST', `/v1/workers/${encodeURIComponent(worker)}/drain`)
  }

  /** A worker goes, and what it has is given back. @throws UnknownWorkerError NoNodeError */
  async disconnect(worker: string): Promise<void> {
    await this.#node.value('DELETE', `/v1/workers/${encodeURIComponent(worker)}`)
  }

  /**
   * Asks for one task; null: none came in time.
   *
   * @throws InvalidOptionError NodeClosedError NoNodeError, or the signal's reason
   */
  async claim(options: ClaimOptions, signal?: AbortSignal): Promise<LeasedTask | null> {
    return this.#node.value('POST', '/v1/claims', { body: options, signal })
  }

  /** @param fraction 0 to 1 @throws LeaseLost LeaseEnded NoNodeError */
  async progress(lease: string, fraction: number, message?: string): Promise<LeaseView> {
    const said = message === undefined ? {} : { message }
    return this.#said(lease, 'progress', { fraction, ...said })
  }

  /** @throws LeaseLost LeaseEnded NoNodeError */
  async log(lease: string, lines: readonly string[]): Promise<LeaseView> {
    return this.#said(lease, 'logs', { lines })
  }

  /** @throws LeaseLost LeaseEnded NoNodeError */
  async extend(lease: string, leaseMs?: number): Promise<LeaseView> {
    return this.#said(lease, 'extend', leaseMs === undefined ? {} : { leaseMs })
  }

  /**
   * Saves where the run stands, for the next attempt: text of any size, as that is to read it.
   *
   * @throws LeaseLost LeaseEnded InvalidOptionError TooLargeError DiskFullError NoNodeError
   */
  async save(lease: string, text: string): Promise<LeaseView> {
    const path = `/v1/leases/${encodeURIComponent(lease)}/checkpoint`
    return this.#node.value('POST', path, { pieces: oncePiece(text) })
  }

  /**
   * The run has completed, with JSON text of any size.
   *
   * @throws LeaseLost LeaseEnded InvalidOptionError TooLargeError DiskFullError NoNodeError
   */
  async complete(lease: string, text: string): Promise<void> {
    if (Buffer.byteLength(text) <= TASK_LIMITS.inlineBytesMax) {
      return this.#end({ lease, complete: { result: JSON.parse(text) as unknown } })
    }
    return this.completeWith(lease, await this.store(oncePiece(text)))
  }

  /** Has the node keep JSON text of any size. @throws TooLargeError DiskFullError NoNodeError */
  async store(pieces: AsyncIterable<string>): Promise<BlobRef> {
    const { hash, bytes } = await this.#node.value<BlobRef>('PUT', '/v1/blobs', { pieces })
    return { hash, bytes }
  }

  /** The run has completed, with what the node keeps already. @throws LeaseLost LeaseEnded InvalidOptionError NoNodeError */
  async completeWith(lease: string, resultBlob: BlobRef): Promise<void> {
    return this.#end({ lease, complete: { resultBlob } })
  }

  /** @throws LeaseLost LeaseEnded InvalidOptionError NoNodeError */
  async fail(lease: string, failure: LeaseFailure): Promise<void> {
    return this.#end({ lease, fail: failure })
  }

  /** The run is given back. @throws LeaseLost LeaseEnded NoNodeError */
  async release(lease: string): Promise<void> {
    return this.#end({ lease, release: {} })
  }

  /** A payload that is too large to come with its task, as JSON text. @throws BlobUnavailableError NoNodeError */
  async blob({ hash, bytes }: BlobRef): Promise<string> {
    return this.#node.text(`/v1/blobs/${hash}`, { query: { bytes } })
  }

  async #end(end: EndLine): Promise<void> {
    if (this.#sessions > 0 && !this.#isOlder) {
      const ends = (this.#ends ??= new EndStream(this.#node))
      if ((await ends.tell(end)) === 'told') return
      this.#isOlder = ends.isUnknown
      if (this.#ends === ends) this.#ends = null
    }
    const { lease, ...how } = end
    const [[what, body]] = Object.entries(how) as [[string, unknown]]
    await this.#said(lease, what, body)
  }

  #said<T>(lease: string, what: string, body: unknown): Promise<T> {
    return this.#node.value('POST', `/v1/leases/${encodeURIComponent(lease)}/${what}`, { body })
  }
}

// oxlint-disable-next-line typescript/require-await -- other sources of a body are asynchronous
async function* oncePiece(text: string): AsyncGenerator<string> {
  yield text
}
