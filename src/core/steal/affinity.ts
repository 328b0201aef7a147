/**
 * Where a task would rather run: on a node with the labels that it prefers, if one of them is idle.
 *
 * A node says once a second how busy it is, so what was given to it since counts as well. A task whose favourites are
 * all busy stays in the common queue: a preference is no reason to wait.
 */
import type { Hlc } from '../base/hlc.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import { canRun, demandOf, poolsOf } from '../claim/claim.ts'
import type { BusyPool } from '../claim/pools.ts'
import type { Entry } from '../log/entry.ts'
import type { Member } from '../membership/members.ts'
import { unmet } from '../task/labels.ts'

/** Where a task could go, and how many more tasks fit in there. */
type Place = Readonly<{ member: Member; pool: BusyPool; room: number }>

export class Affinity {
  /** Node and pool -> how many tasks it was given since the heartbeat of that time. */
  readonly #given = new Map<string, { at: Hlc; count: number }>()

  /** A member with an idle pool that has what the task prefers, if there is one. It then counts as given to that. */
  place({ id, record }: Entry, members: readonly Member[]): Member | undefined {
    const { spec } = record
    const demand = demandOf(spec)
    const [best] = members
      .filter(({ heartbeat }) => !heartbeat.draining && heartbeat.paused === undefined)
      .flatMap(member =>
        poolsOf(member.heartbeat)
          .filter(
            pool => canRun(pool, demand) && unmet(spec.labels.prefer, pool.labels) === undefined
          )
          .map((pool): Place => ({ member, pool, room: this.#room(member, pool) }))
      )
      .filter(({ room }) => room > 0)
      .sort(
        (x, y) =>
          y.room - x.room ||
          rendezvousWeight(id, y.member.node) - rendezvousWeight(id, x.member.node)
      )
    if (best === undefined) return undefined
    const { member, pool } = best
    const { at } = member.heartbeat
    this.#given.set(placeOf(member, pool), { at, count: this.#givenTo(member, pool) + 1 })
    return member
  }

  #room(member: Member, pool: BusyPool): number {
    return pool.slots - pool.running - pool.queued - this.#givenTo(member, pool)
  }

  #givenTo(member: Member, pool: BusyPool): number {
    const given = this.#given.get(placeOf(member, pool))
    return given !== undefined && given.at === member.heartbeat.at ? given.count : 0
  }
}

function placeOf({ node }: Member, { name }: BusyPool): string {
  return `${node} ${name}`
}
