/** What stands at a place in the log of one origin when news of it are merged. */
import { UNREADABLE, type Batch } from '../message.ts'
import type { Dot } from '../task/record.ts'
import type { Entry } from './entry.ts'

/**
 * It could not be read; or, if there is a write that created the task, that one could not, and it says no more by
 * itself.
 */
export type Unread = Readonly<{ task: Dot | null }>
export const UNREAD: Unread = { task: null }

/** A task; null: one that has settled and been pruned. */
export type Place = Entry | Unread | null

export function isUnread(place: Place): place is Unread {
  return place !== null && 'task' in place
}

/**
 * How many stretches of unreadable writes a batch has beyond `upTo`.
 *
 * @param changes of each change, whether it cannot be read
 */
export function runsOf(
  { after, records, writes }: Batch,
  changes: readonly boolean[],
  upTo: number
): number {
  let runs = 0
  let isWithin = false
  for (let i = Math.max(0, upTo - after); i < writes.length; i++) {
    const write = writes[i]!
    const isUnread = write === UNREADABLE || changes[write - records.length] === true
    if (isUnread && !isWithin) runs++
    isWithin = isUnread
  }
  return runs
}

/** Writes that follow one another and are about one thing, as far as they may be taken together. */
export function* runsIn<T>(
  places: readonly T[],
  isJoined: (place: T) => boolean
): Generator<{ place: T; length: number }> {
  for (let from = 0; from < places.length;) {
    const place = places[from]!
    let to = from + 1
    while (isJoined(place) && to < places.length && places[to] === place) to++
    yield { place, length: to - from }
    from = to
  }
}
