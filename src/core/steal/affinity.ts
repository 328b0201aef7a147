/**
 * Where a task would rather run: on a node with the labels that it prefers, if one of them is idle.
 *
 * A node says once a second how busy it is, so what was given to it since counts as well. A task whose favourites are
 * all busy stays in the common queue: a preference is no reason to wait.
 */
import type { Hlc } from '../base/hlc.ts'
import type { NodeId } from '../base/ids.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import { canRun, demandOf } from '../claim/claim.ts'
import type { Entry } from '../log/entry.ts'
import type { Member } from '../membership/members.ts'
import { unmet } from '../task/labels.ts'

export class Affinity {
  /** Node -> how many tasks it was given since the heartbeat of that time. */
  readonly #given = new Map<NodeId, { at: Hlc; count: number }>()

  /** A member that is idle and has what the task prefers, if there is one. It then counts as given to it. */
  place({ id, record }: Entry, members: readonly Member[]): Member | undefined {
    const { spec } = record
    const demand = demandOf(spec)
    const [best] = members
      .filter(
        ({ heartbeat }) =>
          !heartbeat.draining &&
          heartbeat.paused === undefined &&
          canRun(heartbeat, demand) &&
          unmet(spec.labels.prefer, heartbeat.labels) === undefined
      )
      .filter(member => this.#room(member) > 0)
      .sort(
        (x, y) =>
          this.#room(y) - this.#room(x) ||
          rendezvousWeight(id, y.node) - rendezvousWeight(id, x.node)
      )
    if (best === undefined) return undefined
    const { at } = best.heartbeat
    this.#given.set(best.node, { at, count: this.#givenTo(best) + 1 })
    return best
  }

  #room(member: Member): number {
    const { slots, running, queued } = member.heartbeat
    return slots - running - queued - this.#givenTo(member)
  }

  #givenTo({ node, heartbeat }: Member): number {
    const given = this.#given.get(node)
    return given !== undefined && given.at === heartbeat.at ? given.count : 0
  }
}
