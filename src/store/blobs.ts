/**
 * Blobs on disk: each is a file named by the SHA-256 of its bytes, so a file that is there is the right one.
 *
 *     blobs/new/<uuid>     being written
 *     blobs/ab/<abcd...>   whole, and on disk
 *
 * A blob is written and hashed piece by piece under a name of its own, and moved to its place only when all of it is
 * synced. So whatever a crash leaves behind lies in `new`, which is emptied at the next start.
 */
import { createHash, randomUUID, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TASK_LIMITS } from '../core/options.ts'
import type { BlobHash, BlobRef } from '../core/task/content.ts'
import { TooLargeError } from '../errors.ts'
import type { Blobs } from '../node/ports.ts'
import { syncFolder } from './atomic-file.ts'
import { isMissing } from './folder.ts'

const HASH = /^[0-9a-f]{64}$/
/** Guess: large enough that a read costs little, small enough that fifty readers cost little. */
const CHUNK_BYTES = 131_072

export class BlobFiles implements Blobs {
  readonly #folder: string
  /** Moves and removals of one blob happen one after the other. */
  readonly #changing = new Map<BlobHash, Promise<void>>()

  /** @param folder the node's data folder */
  constructor(folder: string) {
    this.#folder = join(folder, 'blobs')
  }

  /** Makes the folder if it is missing, and removes what was never finished. Returns what is there. */
  async open(): Promise<BlobRef[]> {
    await rm(this.#new, { recursive: true, force: true })
    await mkdir(this.#new, { recursive: true, mode: 0o700 })
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
      const ref = await write(path, chunks)
      await this.adopt(path, ref)
      return ref
    } finally {
      await rm(path, { force: true })
    }
  }

  async keep(ref: BlobRef, chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
    const path = this.newPath()
    try {
      const { hash, bytes } = await write(path, chunks)
      if (hash !== ref.hash || bytes !== ref.bytes) return false
      await this.adopt(path, ref)
      return true
    } finally {
      await rm(path, { force: true })
    }
  }

  adopt(path: string, { hash }: BlobRef): Promise<void> {
    return this.#change(hash, async () => {
      const target = this.pathOf(hash)
      const folder = dirname(target)
      if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined)
        await syncFolder(this.#folder)
      await rename(path, target)
      await syncFolder(folder)
    })
  }

  async read(hash: BlobHash): Promise<AsyncIterable<Uint8Array> | null> {
    try {
      const file = await open(this.pathOf(hash))
      return createReadStream('', { fd: file, highWaterMark: CHUNK_BYTES })
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
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

async function write(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
): Promise<BlobRef> {
  const file = await open(path, 'wx', 0o600)
  try {
    const hash = createHash('sha256')
    const bytes = await copy(chunks, file, hash)
    await file.sync()
    return { hash: hash.digest('hex'), bytes }
  } finally {
    await file.close()
  }
}

async function copy(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  file: FileHandle,
  hash: Hash
): Promise<number> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > TASK_LIMITS.blobBytesMax) {
      throw new TooLargeError(
        `a payload or result may have at most ${TASK_LIMITS.blobBytesMax} bytes as JSON: put the data where the handler can fetch it, and pass its place`
      )
    }
    hash.update(chunk)
    await file.writeFile(chunk)
  }
  return bytes
}
