/** Processes that a test has caused and cannot hold in its hand. */
import { existsSync, readFileSync } from 'node:fs'

/** A dead process that nobody has buried yet is not alive. */
export function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    // Behind the program's name, which is in brackets and may hold anything.
    return !existsSync('/proc') || !/\) Z [^)]*$/.test(readFileSync(`/proc/${id}/stat`, 'utf8'))
  } catch {
    return false
  }
}
