/**
 * Blobs on their way between this node's disk and the rest of the world. What is to be fetched or dropped is decided by
 * the core, but for readers, who fetch what they read.
 */
import type { NodeId } from '../../core/base/ids.ts'
import type { BlobHash, BlobRef } from '../../core/task/content.ts'
import { DiskFullError } from '../../shared/errors.ts'
import type { BlobFolder, Blobs, Transport } from '../../ports/ports.ts'

/** What comes of blobs, for the core and for people. */
export interface BlobWatcher {
  /** The blob has come onto the disk. */
  kept(ref: BlobRef): void
  /** A task or a peer needed it, and it is not on the disk. */
  missing(hash: BlobHash): void
  /** The disk refuses to take one; or, with null, it has taken one again. */
  disk(failure: DiskFullError | null): void
}

/** How a fetch ended: the blob is here, no peer had it, or the disk has no room for it. */
export type Fetched = 'kept' | 'nobody' | 'no-room'

export class BlobTraffic implements BlobFolder {
  readonly #transport: Transport
  readonly #blobs: Blobs
  readonly #watcher: BlobWatcher
  readonly #fetching = new Map<BlobHash, Promise<Fetched>>()
  /** How many blobs have come onto the disk. */
  #arrivals = 0
  /** Blobs that are being written. Until it is done, none is dropped: it might be the same one. */
  #writing = 0
  readonly #toDrop = new Set<BlobHash>()

  constructor(
    { transport, blobs }: Readonly<{ transport: Transport; blobs: Blobs }>,
    watcher: BlobWatcher
  ) {
    this.#transport = transport
    this.#blobs = blobs
    this.#watcher = watcher
  }

  /** Asks one node after the other. Never rejects. */
  fetch(ref: BlobRef, from: readonly NodeId[]): Promise<Fetched> {
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
   * @returns null if no node that can be asked has it, or there is no room for it
   */
  async read(
    ref: BlobRef,
    sources: () => readonly NodeId[]
  ): Promise<AsyncIterable<Uint8Array> | null> {
    const here = await this.local(ref.hash)
    if (here !== null) return here
    return (await this.fetch(ref, sources())) === 'kept' ? this.local(ref.hash) : null
  }

  /** The bytes of a blob that is here; null if it is not. */
  local(hash: BlobHash): Promise<AsyncIterable<Uint8Array> | null> {
    return this.#looked(hash, () => this.#blobs.read(hash))
  }

  async isSound(hash: BlobHash): Promise<boolean> {
    return (
      (await this.#looked(hash, async () => (await this.#blobs.isSound(hash)) || null)) ?? false
    )
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

  /** The size of a blob in bytes; null if it is not here. */
  size(hash: BlobHash): Promise<number | null> {
    return this.#blobs.size(hash)
  }

  pathOf(hash: BlobHash): string {
    return this.#blobs.pathOf(hash)
  }

  newPath(): string {
    return this.#blobs.newPath()
  }

  async #fetch(ref: BlobRef, from: readonly NodeId[]): Promise<Fetched> {
    for (const peer of from) {
      let failure: DiskFullError | null = null
      const keep = async (chunks: AsyncIterable<Uint8Array>): Promise<boolean> => {
        try {
          return await this.#blobs.keep(ref, chunks)
        } catch (error) {
          if (error instanceof DiskFullError) failure = error
          throw error
        }
      }
      if (await this.#transport.fetchBlob(peer, ref, keep)) {
        this.#kept(ref)
        return 'kept'
      }
      if (failure !== null) {
        this.#watcher.disk(failure)
        return 'no-room'
      }
    }
    return 'nobody'
  }

  /** Looks for a blob. That it is not there is told, unless it may have come since. */
  async #looked<T>(hash: BlobHash, look: () => Promise<T | null>): Promise<T | null> {
    const before = this.#arrivals
    const found = await look()
    if (found === null && this.#arrivals === before) this.#watcher.missing(hash)
    return found
  }

  async #write(write: () => Promise<BlobRef>): Promise<BlobRef> {
    this.#writing++
    try {
      const ref = await write()
      this.#toDrop.delete(ref.hash)
      this.#kept(ref)
      return ref
    } catch (error) {
      if (error instanceof DiskFullError) this.#watcher.disk(error)
      throw error
    } finally {
      this.#writing--
      this.#dropWhatMay()
    }
  }

  #kept(ref: BlobRef): void {
    this.#arrivals++
    this.#watcher.kept(ref)
    this.#watcher.disk(null)
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
