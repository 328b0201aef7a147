/** Points in time that were given here: without an offset they are of our time zone, which is not that of every node. */
import { parseTime } from '../../shared/times.ts'

/** The same in UTC. What is no point in time stays as it is, for the node to refuse by name. */
export function inUtc(text: string): string {
  const ms = parseTime(text)
  return ms === null ? text : new Date(ms).toISOString()
}
