/**
 * How much of what a gone boot left is taken at a time: as slots for it come free.
 *
 * A node that takes more than it can run makes all others write and wait for it, and if the gone one was only late, all
 * of that was for nothing, and makes the next one late. So what never started stays where it is until a node has room
 * for it. What takes no slot (it waits for others or for its time, or no node can run it) goes in portions that are
 * confirmed one after the other.
 */
import type { NodeId } from '../base/ids.ts'
import { canRun, demandOf, type Demand } from './capability.ts'
import type { Entry } from '../log/entry.ts'
import type { Estate, Left, LineUp } from './estate.ts'
import { canRunIn } from './pools.ts'
import type { PoolRoom } from './pool-room.ts'
import type { Candidate } from './reclaim-order.ts'

/**
 * Tasks that are looked at in one step. Measured with six nodes on a busy computer: 20 to 30 us each, so some 15 ms.
 */
const LOOKS_MAX = 500
/** Tasks that take no slot and whose claims are being confirmed at a time. Guess: as many as a thief takes at most. */
export const KEPT_MAX = 256
/**
 * Tasks to have at hand at least, running, ready or waiting for confirmation: a crash with a handful of tasks is
 * repaired in one round.
 */
const AT_HAND_MIN = 16

/** For how many more tasks there is room: to be run, and to be kept. */
export type Room = { readonly run: PoolRoom; keep: number }

/** How much room a pool of a member has, by its heartbeat. */
export type MemberRoom = Readonly<{ node: NodeId; pool: string; room: number }>

/**
 * How many tasks to have at hand while a gone boot's are left: twice what a thief wants, for a reclaim has to be
 * confirmed, which takes about twice as long as a grant.
 *
 * @param wanted by a thief
 * @param most that any node takes ahead
 */
export function toHave(slots: number, wanted: number, most: number): number {
  return Math.max(slots, Math.min(Math.max(2 * wanted, AT_HAND_MIN), most))
}

export class Portions {
  readonly #stepInMs: number
  /** Node and pool -> since when it has had room by its heartbeats. */
  readonly #roomSince = new Map<string, number>()

  constructor(stepInMs: number) {
    this.#stepInMs = stepInMs
  }

  /** What members say of their room. */
  note(now: number, rooms: readonly MemberRoom[]): void {
    const free = new Set(
      rooms.filter(({ room }) => room > 0).map(({ node, pool }) => placeOf(node, pool))
    )
    for (const place of this.#roomSince.keys()) if (!free.has(place)) this.#roomSince.delete(place)
    for (const place of free) if (!this.#roomSince.has(place)) this.#roomSince.set(place, now)
  }

  /** Since when a node has had room for what asks for this, by its heartbeats; null: it has none. */
  #freeSince({ node, pools }: Candidate, demand: Demand): number | null {
    const since = pools
      .filter(pool => canRun(pool, demand))
      .flatMap(({ name }) => this.#roomSince.get(placeOf(node, name)) ?? [])
    return since.length === 0 ? null : Math.min(...since)
  }

  /**
   * What this node takes now. `room` has as much less afterwards.
   *
   * @param noticedAt when the boot was found to be gone
   */
  take(now: number, estate: Estate, lineUp: LineUp, room: Room, noticedAt: number): Entry[] {
    const taken = new Set<Entry>()
    estate.lineUp(lineUp)
    for (const node of estate.takers) estate.tookAt.set(node, now)
    estate.takers.clear()
    const hasRoom = (demand: Demand): boolean => room.run.has(demand)
    for (let looks = LOOKS_MAX; looks > 0 && (room.keep > 0 || !room.run.isEmpty);) {
      const toRun = estate.nextToRun(hasRoom)
      const toKeep = toRun === undefined && room.keep > 0 ? estate.nextToKeep() : undefined
      if (toRun !== undefined) room.run.take(demandOf(toRun.record.spec))
      else if (toKeep !== undefined) room.keep--
      else if (estate.look(lineUp)) looks--
      else break
      const entry = toRun ?? toKeep
      if (entry !== undefined) taken.add(entry)
    }
    const isSpare = estate.isTaken && !room.run.isEmpty
    estate.spareSince = isSpare ? (estate.spareSince ?? now) : null
    this.#stepIn(now, estate, lineUp, room, noticedAt, taken)
    return [...taken]
  }

  /** What others should have taken by now, who have room for it; or have none, while this node idles. */
  #stepIn(
    now: number,
    estate: Estate,
    { self, others }: LineUp,
    room: Room,
    noticedAt: number,
    taken: Set<Entry>
  ): void {
    if (now - noticedAt < this.#stepInMs) return
    const candidates = new Map(others.map(other => [other.node, other]))
    estate.overdue(LOOKS_MAX, ({ entry, rank, first }: Left) => {
      const demand = demandOf(entry.record.spec)
      const isToRun = estate.canStart(entry, self)
      const hasRoom = isToRun ? room.run.has(demand) : room.keep > 0
      if (!hasRoom || taken.has(entry)) return false
      let since = Math.max(noticedAt, estate.tookAt.get(first) ?? noticedAt)
      const candidate = candidates.get(first)!
      if (canRunIn(candidate.pools, demand)) {
        const free = this.#freeSince(candidate, demand) ?? (isToRun ? estate.spareSince : null)
        if (free === null) return false
        since = Math.max(since, free)
      }
      if (now - since < rank * this.#stepInMs) return false
      if (isToRun) room.run.take(demand)
      else room.keep--
      taken.add(entry)
      return true
    })
  }
}

function placeOf(node: NodeId, pool: string): string {
  return `${node} ${pool}`
}
