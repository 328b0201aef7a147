/**
 * The LevelDB folder of the journal: opened, and mended if it is damaged.
 *
 * LevelDB is made to go on. Where its log is damaged in the middle it leaves out what it cannot read, takes the rest,
 * and says so in its own file `LOG` only; where its list of files has gone it begins a new one. To us that is the worst
 * of all: a version vector that was written later covers what was left out, and would call it pruned. So whatever
 * suggests that something is missing is noticed here, and the journal then believes the tasks but not the vector.
 *
 * On a full disk LevelDB cannot be opened at all, for it writes as it opens. What is there is read all the same, by the
 * way of a copy elsewhere (journal-copy.ts).
 *
 * What LevelDB refuses to open it can repair: it takes what it can read into new files and puts the others aside, into
 * `lost`. That a repair has begun is noted on disk, so that a node that is killed in the middle of it knows at the next
 * start.
 */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { makeFolder } from '../shared/xdg-paths.ts'
import { writeAtomically } from '../shared/atomic-file.ts'
import { isMissing } from './folder.ts'
import { isFull } from './full.ts'
import { copyJournal, type JournalCopy, type JournalDatabase } from './journal-copy.ts'

/** As LevelDB words it, in the file `LOG`. */
const LEFT_OUT = /: dropping \d+ bytes/
/** A file of the folder has gone, or ends too early. */
const FILE_DAMAGED = /No such file|Invalid argument|truncated|missing/

export class DatabaseFolder {
  readonly #own: JournalDatabase
  /** To be read from while the disk is full. */
  #copy: JournalCopy | null = null
  #failure: Error | null = null
  readonly #mark: string
  readonly #onDamaged: (what: string) => void
  #isIncomplete = false

  /**
   * @param folder the node's data folder
   * @param onDamaged hears what was found damaged
   */
  constructor(folder: string, onDamaged: (what: string) => void) {
    this.#own = new ClassicLevel(join(folder, 'journal'), {
      keyEncoding: 'utf8',
      valueEncoding: 'view'
    })
    this.#mark = join(folder, 'journal-damaged')
    this.#onDamaged = onDamaged
  }

  /** Something that was written may be missing, or be there in an older state. Until `trust` is called. */
  get isIncomplete(): boolean {
    return this.#isIncomplete
  }

  get database(): JournalDatabase {
    return this.#copy?.database ?? this.#own
  }

  /** Why nothing can be written yet: the disk is full. Null once it has been opened. */
  get failure(): Error | null {
    return this.#failure
  }

  /** @throws whatever LevelDB says of a folder that it can neither open nor repair */
  async open(): Promise<void> {
    try {
      await this.#open()
    } catch (error) {
      if (!isFull(error)) throw error
      // What is damaged could not be mended now, and a damaged journal is told from a whole one by what LevelDB writes.
      if ((await textOf(this.#mark)) !== '') throw error
      const copy = await copyJournal(this.#own.location)
      if (copy === null) throw error
      this.#copy = copy
      if (LEFT_OUT.test(await textOf(join(copy.database.location, 'LOG')))) {
        await this.forgetCopy()
        throw error
      }
      const { cause } = error as Error
      this.#failure = cause instanceof Error ? cause : (error as Error)
    }
  }

  /** Opens it anew, after a write that failed, or if it could not be opened before. */
  async openAgain(): Promise<void> {
    await this.forgetCopy()
    await this.#own.close()
    await this.#own.open()
    this.#failure = null
  }

  /** All that was in it has been read. */
  async forgetCopy(): Promise<void> {
    const copy = this.#copy
    this.#copy = null
    await copy?.remove()
  }

  async close(): Promise<void> {
    await this.forgetCopy()
    await this.#own.close()
  }

  async #open(): Promise<void> {
    const files = await filesOf(this.#own.location)
    const isOld = files.some(name => /\.(ldb|log)$/.test(name))
    if (isOld && !files.includes('CURRENT')) await this.mend('the file CURRENT is missing')
    else {
      try {
        await this.#own.open()
      } catch (error) {
        const { cause } = error as Error
        if (!isDamage(cause)) throw error
        await this.mend((cause as Error).message)
      }
    }
    if (files.includes('CURRENT') && !files.some(name => name.endsWith('.log'))) {
      await this.#distrust('its log is missing')
    }
    if (LEFT_OUT.test(await textOf(join(this.#own.location, 'LOG')))) {
      await this.#distrust('its log is damaged in the middle')
    }
    this.#isIncomplete ||= (await textOf(this.#mark)) !== ''
  }

  /** Closes the database if it is open, and opens it again with what of it can be read. */
  async mend(why: string): Promise<void> {
    await this.#distrust(why)
    await this.#own.close()
    await ClassicLevel.repair(this.#own.location)
    await this.#own.open()
  }

  /** Nothing that is missing counts as known any more. */
  async trust(): Promise<void> {
    this.#isIncomplete = false
    await rm(this.#mark, { force: true })
  }

  async #distrust(why: string): Promise<void> {
    await makeFolder(this.#own.location)
    await writeAtomically(this.#mark, `${why}\n`)
    this.#isIncomplete = true
    this.#onDamaged(why)
  }
}

/** Whether LevelDB found its files not as it left them; not: that the disk is full, or another process has them. */
export function isDamage(error: unknown): boolean {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException
  return code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && FILE_DAMAGED.test(message))
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Empty if there is none. */
async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}
