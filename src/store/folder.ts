/**
 * The data folder itself: made for its owner alone, and of a layout that this version understands.
 *
 *     schema      number of the layout
 *     pid         who uses the folder; only a hint, the lock is LevelDB's
 *     identity    the node's private key
 *     boot        when the node was started last
 *     peers.json  addresses to try at the next start
 *     journal/    LevelDB
 *     blobs/      payloads and results that are too large for the journal
 */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataFolderError } from '../shared/errors.ts'
import { makeFolder } from '../shared/xdg-paths.ts'
import { writeAtomically } from '../shared/atomic-file.ts'
import { isFull } from './full.ts'

/** Raise it with every change that an older or newer hearsay would misread. */
const SCHEMA = 2

/**
 * Makes the folder if it is missing, and looks whether its layout is one that we know. Changes nothing otherwise.
 *
 * @throws DataFolderError
 */
export async function prepareFolder(folder: string): Promise<void> {
  await makeFolder(folder)
  const text = await readIfThere(join(folder, 'schema'))
  if (text === null) return
  const schema = Number(text.trim())
  if (!Number.isInteger(schema) || schema < 1) {
    throw new DataFolderError(
      `the data folder ${folder} has an unreadable file "schema"; if it is hearsay's folder, restore the file or remove the folder`
    )
  }
  if (schema > SCHEMA) {
    throw new DataFolderError(
      `the data folder ${folder} was written by a newer hearsay (layout ${schema}, this one knows ${SCHEMA}); ` +
        'start the newer version, or choose another folder'
    )
  }
  if (schema < SCHEMA) {
    throw new DataFolderError(
      `the data folder ${folder} was written by an older hearsay (layout ${schema}, this one reads ${SCHEMA}); ` +
        'let the older version finish its tasks there, and choose another folder for this one'
    )
  }
}

/** The folder is ours now (locked): closes it to others, and says who uses it. */
export async function occupyFolder(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  if ((await readIfThere(join(folder, 'schema'))) === null) {
    await writeAtomically(join(folder, 'schema'), `${SCHEMA}\n`)
  }
  // Only a hint, for which a full disk is no reason to end.
  await writeFile(join(folder, 'pid'), `${process.pid}\n`).catch((error: unknown) => {
    if (!isFull(error)) throw error
  })
}

export async function vacateFolder(folder: string): Promise<void> {
  await rm(join(folder, 'pid'), { force: true })
}

/** The living process that said last that it uses the folder, or null. */
export async function occupant(folder: string): Promise<number | null> {
  const pid = Number(await readIfThere(join(folder, 'pid')))
  return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : null
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
