/**
 * Payloads and results between programs and blobs: what is small stays text, what is large becomes a blob, and is read
 * back wherever it is.
 */
import type { CoreView } from '../../core/view.ts'
import { TASK_LIMITS } from '../../core/options.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import { isBlob, type BlobRef, type Content } from '../../core/task/content.ts'
import { BlobUnavailableError, InvalidOptionError, TaskFailedError } from '../../shared/errors.ts'
import type { BlobTraffic } from '../runtime/blob-traffic.ts'
import { parse } from '../queries/views.ts'

export class Payloads {
  readonly #traffic: BlobTraffic
  readonly #core: CoreView

  constructor(traffic: BlobTraffic, core: CoreView) {
    this.#traffic = traffic
    this.#core = core
  }

  /** Whether the content fits into a record as it is. */
  isFit(content: Content): boolean {
    return isBlob(content) || Buffer.byteLength(content) <= TASK_LIMITS.inlineBytesMax
  }

  /** Writes JSON text of any size. @throws TooLargeError */
  write(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef> {
    return this.#traffic.put(chunks)
  }

  /**
   * The payload that was written here before, as it fits into a record.
   *
   * @throws InvalidOptionError if it was not
   */
  async written(ref: BlobRef): Promise<Content> {
    const { hash, bytes } = ref
    if ((await this.#traffic.size(hash)) !== bytes) {
      throw new InvalidOptionError(
        `this node has no payload ${hash} of ${bytes} bytes: write it once more, and submit it right after`
      )
    }
    return bytes <= TASK_LIMITS.inlineBytesMax ? this.text(ref) : { hash, bytes }
  }

  /** Brings a blob to this node's disk. @throws BlobUnavailableError */
  async fetch(ref: BlobRef): Promise<void> {
    for await (const _ of await this.read(ref)) return
  }

  /** @throws BlobUnavailableError */
  async read(ref: BlobRef): Promise<AsyncIterable<Uint8Array>> {
    const chunks = await this.#traffic.read(ref, () => this.#core.blobSources(ref.hash))
    if (chunks !== null) return chunks
    throw new BlobUnavailableError(
      `no node that can be asked has the blob ${ref.hash} of ${ref.bytes} bytes: ask again when more nodes are connected`
    )
  }

  /**
   * What the handler of a settled task returned.
   *
   * @throws TaskFailedError BlobUnavailableError
   */
  async resultOf({ spec, outcome }: TaskRecord): Promise<unknown> {
    const { status, reason, result, error } = outcome!
    if (status !== 'completed') {
      const name = error?.name ?? 'TaskFailedError'
      throw new TaskFailedError(spec.id, status, reason ?? '', name, error?.message ?? status)
    }
    return isBlob(result) ? JSON.parse(await this.text(result)) : parse(result)
  }

  /** @throws BlobUnavailableError */
  async text(ref: BlobRef): Promise<string> {
    const bytes = Buffer.allocUnsafe(ref.bytes)
    let length = 0
    for await (const chunk of await this.read(ref)) {
      bytes.set(chunk, length)
      length += chunk.length
    }
    return bytes.toString('utf8', 0, length)
  }
}
