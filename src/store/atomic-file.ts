/**
 * Writes a small file so that a reader, also one after a power cut, finds either the old content or the new one: the
 * new content goes to a file beside it, which takes the name only when it is on disk.
 */
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

export async function writeAtomically(path: string, content: string, mode = 0o600): Promise<void> {
  const beside = `${path}.new`
  await rm(beside, { force: true })
  const file = await open(beside, 'wx', mode)
  try {
    await file.writeFile(content)
    await file.sync()
  } catch (error) {
    // On a full disk, also a part of a file is in the way.
    await rm(beside, { force: true }).catch(() => {})
    throw error
  } finally {
    await file.close()
  }
  await rename(beside, path)
  await syncFolder(dirname(path))
}

/** Names in a folder are on disk only when the folder itself is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
