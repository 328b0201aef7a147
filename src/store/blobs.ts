/**
 * Blobs on disk: each is a file named by the SHA-256 of its bytes.
 *
 *     blobs/new/<uuid>     being written
 *     blobs/ab/<abcd...>   whole, and on disk
 *
 * A blob is written and hashed piece by piece under a name of its own, and moved to its place only when all of it is
 * synced. So whatever a crash leaves behind lies in `new`, which is emptied at the next start.
 *
 * Disks lose bits, and people edit files. So a blob is hashed once more before any of it is given out: a damaged one is
 * as good as none, and is removed, so that it can be fetched from a node that has it whole.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TASK_LIMITS } from '../core/options.ts'
import type { BlobHash, BlobRef } from '../core/task/content.ts'
import { DiskFullError, TooLargeError } from '../shared/errors.ts'
import { makeFolder } from '../shared/xdg-paths.ts'
import type { Blobs } from '../ports/ports.ts'
import { syncFolder } from '../shared/atomic-file.ts'
import { isMissing } from './folder.ts'

const HASH = /^[0-9a-f]{64}$/
/** Guess: large enough that a read costs little, small enough that fifty readers cost little. */
const CHUNK_BYTES = 131_072

export class BlobFiles implements Blobs {
  readonly #folder: string
  readonly #onDamaged: (hash: BlobHash) => void
  /** Moves and removals of one blob happen one after the other. */
  readonly #changing = new Map<BlobHash, Promise<void>>()

  /**
   * @param folder the node's data folder
   * @param onDamaged hears of each blob that was found damaged, and was removed
   */
  constructor(folder: string, onDamaged: (hash: BlobHash) => void = () => {}) {
    this.#folder = join(folder, 'blobs')
    this.#onDamaged = onDamaged
  }

  /** Makes the folder if it is missing, and removes what was never finished. Returns what is there. */
  async open(): Promise<BlobRef[]> {
    await makeFolder(this.#new)
    // The folder itself stays: a full disk may have no room for another.
    for (const name of await readdir(this.#new)) {
      await rm(join(this.#new, name), { recursive: true, force: true })
    }
    const refs: BlobRef[] = []
    for (const entry of await readdir(this.#folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !HASH.test(entry.name)) continue
      const { size } = await stat(join(entry.parentPath, entry.name))
      refs.push({ hash: entry.name, bytes: size })
    }
    return refs
  }

  pathOf(hash: BlobHash): string {
    return join(this.#folder, hash.slice(0, 2), hash)
  }

  newPath(): string {
    return join(this.#new, randomUUID())
  }

  async put(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef> {
    const path = this.newPath()
    try {
      const ref = await this.#write(path, chunks)
      await this.adopt(path, ref)
      return ref
    } finally {
      await rm(path, { force: true })
    }
  }

  async keep(ref: BlobRef, chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
    const path = this.newPath()
    try {
      const { hash, bytes } = await this.#write(path, chunks)
      if (hash !== ref.hash || bytes !== ref.bytes) return false
      await this.adopt(path, ref)
      return true
    } finally {
      await rm(path, { force: true })
    }
  }

  adopt(path: string, { hash }: BlobRef): Promise<void> {
    const move = async (): Promise<void> => {
      const target = this.pathOf(hash)
      const folder = dirname(target)
      if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined)
        await syncFolder(this.#folder)
      await rename(path, target)
      await syncFolder(folder)
    }
    return this.#change(hash, () => this.#onDisk(move))
  }

  async read(hash: BlobHash): Promise<AsyncIterable<Uint8Array> | null> {
    const file = await this.#openSound(hash)
    return file?.createReadStream({ start: 0, highWaterMark: CHUNK_BYTES }) ?? null
  }

  async isSound(hash: BlobHash): Promise<boolean> {
    const file = await this.#openSound(hash)
    await file?.close()
    return file !== null
  }

  async size(hash: BlobHash): Promise<number | null> {
    try {
      return (await stat(this.pathOf(hash))).size
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  drop(hash: BlobHash): Promise<void> {
    return this.#change(hash, () => rm(this.pathOf(hash), { force: true }))
  }

  get #new(): string {
    return join(this.#folder, 'new')
  }

  async #openSound(hash: BlobHash): Promise<FileHandle | null> {
    const file = await openIfThere(this.pathOf(hash))
    if (file === null || (await hasHash(file, hash))) return file
    await file.close()
    await this.#change(hash, () => this.#removeDamaged(hash))
    return null
  }

  /** By now there may be another file in its place. */
  async #removeDamaged(hash: BlobHash): Promise<void> {
    const file = await openIfThere(this.pathOf(hash))
    if (file === null) return
    const isSound = await hasHash(file, hash)
    await file.close()
    if (isSound) return
    await rm(this.pathOf(hash), { force: true })
    this.#onDamaged(hash)
  }

  async #write(
    path: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  ): Promise<BlobRef> {
    const file = await this.#onDisk(() => open(path, 'wx', 0o600))
    try {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of chunks) {
        bytes += chunk.length
        assertFits(bytes)
        hash.update(chunk)
        await this.#onDisk(() => file.writeFile(chunk))
      }
      await this.#onDisk(() => file.sync())
      return { hash: hash.digest('hex'), bytes }
    } finally {
      await file.close()
    }
  }

  /** @throws DiskFullError */
  async #onDisk<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      throw new DiskFullError(
        `the disk refuses to take a large payload or result (${(error as Error).message}): make room in ${this.#folder}`,
        { cause: error }
      )
    }
  }

  #change(hash: BlobHash, change: () => Promise<void>): Promise<void> {
    const before = this.#changing.get(hash) ?? Promise.resolve()
    const changed = before.then(change, change)
    this.#changing.set(hash, changed)
    const forget = (): void => {
      if (this.#changing.get(hash) === changed) this.#changing.delete(hash)
    }
    changed.then(forget, forget)
    return changed
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** What cannot be read is not what it should be, either. */
async function hasHash(file: FileHandle, hash: BlobHash): Promise<boolean> {
  const digest = createHash('sha256')
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  try {
    for (let at = 0; ;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return digest.digest('hex') === hash
      digest.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  } catch {
    return false
  }
}

function assertFits(bytes: number): void {
  if (bytes <= TASK_LIMITS.blobBytesMax) return
  throw new TooLargeError(
    `a payload or result may have at most ${TASK_LIMITS.blobBytesMax} bytes as JSON: put the data where the handler can fetch it, and pass its place`
  )
}
