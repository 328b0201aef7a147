/**
 * Writes a file so that a reader, also one after a power cut, finds either the old content or the new one: the new
 * content goes to a file beside it, which takes the name only when it is on disk.
 */
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

type Writing = Readonly<{
  mode?: number
  /**
   * Where the content goes first, in the same folder. What is there is replaced, so that a crash leaves one such file at
   * most; whoever may write to one path twice at the same time needs another name for each.
   */
  beside?: string
}>

/** @param content the text, or its pieces, asked for as fast as the disk takes them */
export async function writeAtomically(
  path: string,
  content: string | AsyncIterable<string>,
  { mode = 0o600, beside = `${path}.new` }: Writing = {}
): Promise<void> {
  await rm(beside, { force: true })
  try {
    const file = await open(beside, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    // On a full disk, also a part of a file is in the way.
    await rm(beside, { force: true }).catch(() => {})
    throw error
  }
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
