/**
 * What a heartbeat says of others, as far as it fits into a message: all of it, as a rule.
 *
 * Four of its lists grow with the cluster and its past: boots that were met, members that have left, expected
 * instances, and the version vector, in which every start of a node has an entry until all that it wrote is pruned.
 * What is too much for one message is told in turn: each heartbeat carries a stretch of each list, and the next one
 * goes on where this one stopped. A member that listens adds up what it hears, so nothing is lost by it but time.
 *
 * What a node says of itself is not cut. It has its bound where it is set (NODE_LIMITS), and leaves room.
 */
import { Dots } from '../base/dots.ts'
import type { BootId } from '../base/ids.ts'
import { utf8Length } from '../base/utf8.ts'
import type { Departure, Expected, Heartbeat, Span } from '../message.ts'
import { HEARTBEAT_LIMITS } from '../options.ts'

/** Kind, numbers and flags, with their tags, and tags and lengths of boot, name and version. */
const HEAD_BYTES = 256
/** Tags and lengths, and numbers, beside the text of each item. */
const TEXT_BYTES = 4
const PAIR_BYTES = 10
const MET_BYTES = 4
const DEPARTURE_BYTES = 24
const EXPECTED_BYTES = 20
const ENTRY_BYTES = 18
/** Two numbers of any size, of what could not be read of a boot: it goes along with the entry of the boot. */
const STRETCH_BYTES = 14

/** A boot, up to where, and how many stretches of that could not be read. */
type Entry = readonly [BootId, number, number]

export class HeartbeatWindow {
  readonly #met = new Turns<BootId>(boot => MET_BYTES + utf8Length(boot))
  readonly #departures = new Turns<Departure>(({ boot }) => DEPARTURE_BYTES + utf8Length(boot))
  readonly #roster = new Turns<Expected>(({ name }) => EXPECTED_BYTES + utf8Length(name))
  readonly #vector = new Turns<Entry>(([boot, , stretches]) =>
    stretches === 0
      ? ENTRY_BYTES + utf8Length(boot)
      : 2 * (ENTRY_BYTES + utf8Length(boot)) + stretches * STRETCH_BYTES
  )

  /** The heartbeat, with as much of what it says of others as fits into `bytesMax`. */
  fit(heartbeat: Heartbeat, bytesMax: number): Heartbeat {
    const { met, departures, roster, vector, unreadable: all = [], ...itself } = heartbeat
    // What is not in the vector yet says nothing of it.
    const unreadable = all.filter(({ origin }) => vector.has(origin))
    const unread = new Dots(unreadable)
    const entries = Array.from(vector, ([boot, upTo]): Entry => [
      boot,
      upTo,
      unread.of(boot).length
    ])
    const { metMax, departuresMax, rosterMax, vectorEntriesMax } = HEARTBEAT_LIMITS
    // Those that are told of soonest first: of what is left each may take as much as all after it.
    const lists = [
      this.#met.of(met, metMax),
      this.#departures.of(departures, departuresMax),
      this.#roster.of(roster, rosterMax),
      this.#vector.of(entries, vectorEntriesMax)
    ] as const
    let room = bytesMax - bytesOfItself(heartbeat)
    const whole = lists.reduce((sum, { bytes }) => sum + bytes, 0)
    if (whole <= room && lists.every(({ isShort }) => isShort)) {
      if (unreadable.length === all.length) return heartbeat
      return { ...itself, met, departures, roster, vector, ...namedOf(unreadable) }
    }
    const left = [4, 3, 2, 1] as const
    const take = <T>(list: Listed<T>, place: 0 | 1 | 2 | 3): readonly T[] => {
      const { items, bytes } = list.take(room / left[place])
      room -= bytes
      return items
    }
    const others = {
      met: take(lists[0], 0),
      departures: take(lists[1], 1),
      roster: take(lists[2], 2)
    }
    const told = new Map(take(lists[3], 3).map(([boot, upTo]) => [boot, upTo]))
    const named = unreadable.filter(({ origin }) => told.has(origin))
    return {
      ...itself,
      ...others,
      vector: told,
      ...namedOf(named)
    }
  }
}

/** Absent if there are none. */
function namedOf(unreadable: readonly Span[]): Pick<Heartbeat, 'unreadable'> {
  return unreadable.length === 0 ? {} : { unreadable }
}

/** A list for one heartbeat. */
type Listed<T> = Readonly<{
  bytes: number
  isShort: boolean
  take(bytesMax: number): Readonly<{ items: readonly T[]; bytes: number }>
}>

/** One list, which is told in turn. */
class Turns<T> {
  readonly #bytesOf: (item: T) => number
  /** The item with which the next stretch begins, counted in the order of the list. */
  #next = 0

  constructor(bytesOf: (item: T) => number) {
    this.#bytesOf = bytesOf
  }

  of(list: readonly T[], countMax: number): Listed<T> {
    const sizes = list.map(this.#bytesOf)
    const bytes = sizes.reduce((sum, each) => sum + each, 0)
    const isShort = list.length <= countMax
    return {
      bytes,
      isShort,
      take: bytesMax => {
        if (isShort && bytes <= bytesMax) return { items: list, bytes }
        const items: T[] = []
        let taken = 0
        for (let looked = 0; looked < list.length && items.length < countMax; looked++) {
          const at = this.#next % list.length
          if (taken + sizes[at]! > bytesMax) {
            // What does not even fit by itself keeps nothing else from being told.
            if (items.length > 0) break
            this.#next = at + 1
            continue
          }
          taken += sizes[at]!
          items.push(list[at]!)
          this.#next = at + 1
        }
        return { items, bytes: taken }
      }
    }
  }
}

/** Never less than what a node says of itself takes on the wire. */
function bytesOfItself({
  boot,
  name,
  version,
  handlers,
  labels,
  addresses
}: Omit<Heartbeat, 'kind'>): number {
  let bytes = HEAD_BYTES
  for (const text of [boot, name, version, ...handlers, ...addresses]) {
    bytes += TEXT_BYTES + utf8Length(text)
  }
  for (const [key, value] of Object.entries(labels)) {
    bytes += PAIR_BYTES + utf8Length(key) + utf8Length(value)
  }
  return bytes
}
