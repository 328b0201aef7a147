/**
 * Blobs on their way between this node's disk and the rest of the world. What is to be fetched or dropped is decided by the
 * core, but for readers, who fetch what they read.
 */
import type { NodeId } from '../core/base/ids.ts'
import type { BlobHash, BlobRef } from '../core/task/content.ts'
import type { BlobFolder, Blobs, Transport } from './ports.ts'

export class BlobTraffic implements BlobFolder {
  readonly #transport: Transport
  readonly #blobs: Blobs
  readonly #onKept: (ref: BlobRef) => void
  readonly #fetching = new Map<BlobHash, Promise<boolean>>()
  /** Blobs that are being written. Until it is done, none is dropped: it might be the same one. */
  #writing = 0
  readonly #toDrop = new Set<BlobHash>()

  /** @param onKept told of each blob that has come onto the disk */
  constructor(
    { transport, blobs }: Readonly<{ transport: Transport; blobs: Blobs }>,
    onKept: (ref: BlobRef) => void
  ) {
    this.#transport = transport
    this.#blobs = blobs
    this.#onKept = onKept
  }

  /** Asks one node after the other. Resolves to whether the blob is here now; never rejects. */
  fetch(ref: BlobRef, from: readonly NodeId[]): Promise<boolean> {
    const under = this.#fetching.get(ref.hash)
    if (under !== undefined) return under
    const fetching = this.#fetch(ref, from)
    this.#fetching.set(ref.hash, fetching)
    void fetching.then(() => this.#fetching.delete(ref.hash))
    return fetching
  }

  drop(hash: BlobHash): void {
    this.#toDrop.add(hash)
    this.#dropWhatMay()
  }

  /**
   * The bytes of a blob, fetched first if it is not here.
   *
   * @returns null if no node that can be asked has it
   */
  async read(
    ref: BlobRef,
    sources: () => readonly NodeId[]
  ): Promise<AsyncIterable<Uint8Array> | null> {
    const here = await this.#blobs.read(ref.hash)
    if (here !== null) return here
    return (await this.fetch(ref, sources())) ? this.#blobs.read(ref.hash) : null
  }

  put(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef> {
    return this.#write(() => this.#blobs.put(chunks))
  }

  async adopt(path: string, ref: BlobRef): Promise<void> {
    await this.#write(async () => {
      await this.#blobs.adopt(path, ref)
      return ref
    })
  }

  /** In bytes; null if it is not here. */
  size(hash: BlobHash): Promise<number | null> {
    return this.#blobs.size(hash)
  }

  pathOf(hash: BlobHash): string {
    return this.#blobs.pathOf(hash)
  }

  newPath(): string {
    return this.#blobs.newPath()
  }

  async #fetch(ref: BlobRef, from: readonly NodeId[]): Promise<boolean> {
    for (const peer of from) {
      if (await this.#transport.fetchBlob(peer, ref, chunks => this.#blobs.keep(ref, chunks))) {
        this.#onKept(ref)
        return true
      }
    }
    return false
  }

  async #write(write: () => Promise<BlobRef>): Promise<BlobRef> {
    this.#writing++
    try {
      const ref = await write()
      this.#toDrop.delete(ref.hash)
      this.#onKept(ref)
      return ref
    } finally {
      this.#writing--
      this.#dropWhatMay()
    }
  }

  #dropWhatMay(): void {
    if (this.#writing > 0) return
    for (const hash of this.#toDrop) {
      // What cannot be removed is found at the next start, and dropped then.
      this.#blobs.drop(hash).catch(() => {})
    }
    this.#toDrop.clear()
  }
}
