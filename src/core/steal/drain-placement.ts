/** Where else a task could run: for a holder that stops and hands on what it holds. */
import type { NodeId, TaskId } from '../base/ids.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import { canRun, canRunIn, demandOf, poolsOf } from '../claim/claim.ts'
import type { Demand } from '../claim/capability.ts'
import type { Entry } from '../log/entry.ts'
import type { Member } from '../membership/members.ts'

/**
 * Spreads tasks over the members that have a handler for them, by the room that each said it has and by what has been
 * given to it here since. A task that none of them can run goes to one that keeps it: better than with none.
 */
export class DrainPlacement {
  readonly #members: readonly Member[]
  readonly #given = new Map<NodeId, number>()

  constructor(members: readonly Member[]) {
    this.#members = members.filter(({ heartbeat }) => !heartbeat.draining)
  }

  /**
   * The best member for a task, or undefined if there is none. It then counts as given to it.
   *
   * @param mayKeep whether a member can take it at all. @default every one
   */
  place(
    { id, record }: Entry,
    mayKeep: (member: Member) => boolean = () => true
  ): Member | undefined {
    const demand = demandOf(record.spec)
    let best: Member | undefined
    for (const member of this.#members) {
      if (!mayKeep(member)) continue
      if (best === undefined || this.#before(id, demand, member, best)) best = member
    }
    if (best !== undefined) this.#given.set(best.node, (this.#given.get(best.node) ?? 0) + 1)
    return best
  }

  #before(taskId: TaskId, demand: Demand, x: Member, y: Member): boolean {
    const able = Number(isAble(x, demand)) - Number(isAble(y, demand))
    if (able !== 0) return able > 0
    const load = this.#load(x, demand) - this.#load(y, demand)
    return load !== 0
      ? load < 0
      : rendezvousWeight(taskId, x.node) > rendezvousWeight(taskId, y.node)
  }

  /** Tasks per slot, of the pools that can run the task; of all, if none can. */
  #load({ node, heartbeat }: Member, demand: Demand): number {
    const pools = poolsOf(heartbeat)
    const able = pools.filter(pool => canRun(pool, demand))
    let [tasks, slots] = [this.#given.get(node) ?? 0, 0]
    for (const pool of able.length > 0 ? able : pools) {
      tasks += pool.running + pool.queued
      slots += pool.slots
    }
    return tasks / Math.max(1, slots)
  }
}

function isAble({ heartbeat }: Member, demand: Demand): boolean {
  return canRunIn(poolsOf(heartbeat), demand)
}
