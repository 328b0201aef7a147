/**
 * When this node was started last. A boot is newer than the one before it, or the others would not listen to it; and the
 * wall clock may have been set back in between. So the last start is remembered, and the next one is later.
 */
import { readFile } from 'node:fs/promises'
import { STAMP_MAX, type Hlc } from '../core/base/hlc.ts'
import { writeAtomically } from './atomic-file.ts'

/**
 * The start time of a new boot: now, or just after the last one if that seems to lie in the future. It is on disk when
 * this resolves. A damaged file counts as none, and so does a start that no boot can be named by.
 */
export async function nextStart(path: string, now: Hlc): Promise<Hlc> {
  const start = Math.max(now, (await lastStart(path)) + 1)
  await writeAtomically(path, `${start}\n`)
  return start
}

async function lastStart(path: string): Promise<Hlc> {
  try {
    const start = Number((await readFile(path, 'utf8')).trim())
    return Number.isSafeInteger(start) && start < STAMP_MAX ? start : 0
  } catch {
    return 0
  }
}
