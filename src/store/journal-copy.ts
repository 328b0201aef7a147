/**
 * A journal on a full disk, to be read: LevelDB writes as it opens, so what is small of it is copied to where there is
 * room. What is large is only pointed at: LevelDB never writes into a file of that kind that is there.
 */
import { constants, copyFile, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'

/** The journal as LevelDB opens it: text to bytes. */
export type JournalDatabase = ClassicLevel<string, Uint8Array>

export type JournalCopy = Readonly<{
  /** Open. Nothing that is written there counts. */
  database: JournalDatabase
  /** Closes it, and removes its folder. */
  remove(): Promise<void>
}>

/** Of its own for each process. */
const NOT_COPIED = new Set(['LOCK', 'LOG', 'LOG.old'])
const LARGE = /\.(ldb|sst)$/

/** Opens a copy of the journal in this folder; null if there is no room for one anywhere. */
export async function copyJournal(location: string): Promise<JournalCopy | null> {
  // On many computers the first is on the same disk, and the second, of Linux, is memory.
  for (const place of [tmpdir(), '/dev/shm']) {
    const copy = await copyTo(place, location).catch(() => null)
    if (copy !== null) return copy
  }
  return null
}

async function copyTo(place: string, location: string): Promise<JournalCopy> {
  const folder = await mkdtemp(join(place, 'hearsay-journal-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    for (const name of await readdir(location)) {
      const [from, to] = [join(location, name), join(folder, name)]
      if (NOT_COPIED.has(name)) continue
      if (LARGE.test(name)) await symlink(from, to)
      else await copyFile(from, to, constants.COPYFILE_FICLONE)
    }
    const database: JournalDatabase = new ClassicLevel(folder, {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
      createIfMissing: false
    })
    await database.open()
    const close = async (): Promise<void> => {
      await database.close()
      await remove()
    }
    return { database, remove: close }
  } catch (error) {
    await remove()
    throw error
  }
}
