/**
 * Where else a task could run: for a holder that stops and hands on what it holds.
 */
import type { NodeId } from '../base/ids.ts'
import { weight } from '../base/weight.ts'
import type { Member } from '../members/members.ts'

/**
 * Spreads tasks over the members that have a handler for them, by the room that each said it has and by what has been
 * given to it here since.
 */
export class Placement {
  readonly #members: readonly Member[]
  readonly #given = new Map<NodeId, number>()

  constructor(members: readonly Member[]) {
    this.#members = members
  }

  /** The best member for a task of this type, or undefined if there is none. It then counts as given to it. */
  place(taskId: string, type: string): Member | undefined {
    let best: Member | undefined
    for (const member of this.#members) {
      const { slots, draining, handlers } = member.heartbeat
      if (slots === 0 || draining || !handlers.includes(type)) continue
      if (best === undefined || this.#before(taskId, member, best)) best = member
    }
    if (best !== undefined) this.#given.set(best.node, (this.#given.get(best.node) ?? 0) + 1)
    return best
  }

  #before(taskId: string, x: Member, y: Member): boolean {
    const difference = this.#load(x) - this.#load(y)
    return difference !== 0 ? difference < 0 : weight(taskId, x.node) > weight(taskId, y.node)
  }

  /** Tasks per slot. */
  #load({ node, heartbeat }: Member): number {
    const { running, queued, slots } = heartbeat
    return (running + queued + (this.#given.get(node) ?? 0)) / slots
  }
}
