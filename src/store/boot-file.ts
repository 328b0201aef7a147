/**
 * When this node was started last. A boot is newer than the one before it, or the others would not listen to it; and
 * the wall clock may have been set back in between. So the last start is remembered, and the next one is later.
 */
import { readFile } from 'node:fs/promises'
import { STAMP_MAX, type Hlc } from '../core/base/hlc.ts'
import { writeAtomically } from '../shared/atomic-file.ts'
import { isFull } from './full.ts'

export class BootFile {
  readonly #path: string
  /** Not on disk yet. */
  #pending: Hlc | null = null

  constructor(path: string) {
    this.#path = path
  }

  /**
   * The start time of a new boot: now, or just after the last one if that seems to lie in the future. It is on disk
   * when this resolves, unless the disk is full. A damaged file counts as none, and so does a start that no boot can be
   * named by.
   */
  async next(now: Hlc): Promise<Hlc> {
    const start = Math.max(now, (await this.#last()) + 1)
    this.#pending = start
    await this.flush().catch((error: unknown) => {
      if (!isFull(error)) throw error
    })
    return start
  }

  /** Writes what a full disk has not taken before. To be called before anything else of this boot is on disk. */
  async flush(): Promise<void> {
    if (this.#pending === null) return
    await writeAtomically(this.#path, `${this.#pending}\n`)
    this.#pending = null
  }

  async #last(): Promise<Hlc> {
    try {
      const start = Number((await readFile(this.#path, 'utf8')).trim())
      return Number.isSafeInteger(start) && start < STAMP_MAX ? start : 0
    } catch {
      return 0
    }
  }
}
