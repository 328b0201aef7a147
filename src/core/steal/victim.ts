/**
 * The side of stealing that gives.
 *
 * A holder gives from the front of its queue, so that what is most urgent runs first wherever it runs. It never gives
 * more than a fair share of what is ready, so that the first thief to ask does not leave the others with nothing.
 */
import type { Entry } from '../log/entry.ts'
import { MessageSize } from '../log/log.ts'
import type { Can, ReadyQueue } from '../queue/ready-queue.ts'

/**
 * How many tasks a thief gets.
 *
 * @param ready how many tasks this holder has that the thief can run
 * @param sharers how many nodes could run them: this one, if it can, and every other that can
 */
export function share(ready: number, want: number, sharers: number): number {
  return Math.min(want, Math.ceil(ready / Math.max(1, sharers)))
}

/**
 * Takes up to `count` tasks that a thief can run off the front of the queue, in a message of about `bytesMax` at the
 * most. `give` moves one to its new holder, or returns false for a task that has to stay.
 */
export function giveAway(
  queue: ReadyQueue,
  can: Can,
  count: number,
  bytesMax: number,
  give: (entry: Entry) => boolean
): Entry[] {
  const size = new MessageSize()
  const given: Entry[] = []
  const staying: Entry[] = []
  while (given.length < count && size.bytes < bytesMax) {
    const entry = queue.peek(can)
    if (entry === undefined) break
    if (give(entry)) {
      given.push(entry)
      size.add(entry.record)
    } else staying.push(entry)
    queue.update(entry, false)
  }
  for (const entry of staying) queue.update(entry, true)
  return given
}
