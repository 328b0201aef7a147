/** Whether there is something on our stdin that nobody has asked us to read. */
import { fstatSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'

/**
 * True for a pipe, of which nobody can tell what is in it without taking it out, and for a file with bytes that have not
 * been read.
 */
export function mayBeUnread(stdin: Readable): boolean {
  const { fd } = stdin as { fd?: unknown }
  if (typeof fd !== 'number') return false
  try {
    const about = fstatSync(fd)
    return about.isFIFO() || (about.isFile() && about.size > positionOf(fd))
  } catch {
    return false
  }
}

/** How far a file has been read; 0 where the system does not tell. */
function positionOf(fd: number): number {
  try {
    const about = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
    return Number(/^pos:\s*(\d+)$/m.exec(about)?.[1] ?? 0)
  } catch {
    return 0
  }
}
