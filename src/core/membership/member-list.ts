/**
 * All members that are remembered, in the order of their ids, and which of them have to go when there are too many.
 *
 * Anybody in the cluster can name nodes that nobody has ever met. So who can be talked to, who is only spoken of, and
 * who has left have bounds of their own: no node that is invented keeps out one that is there.
 */
import { assert } from '../base/assert.ts'
import { nodeOf, startTimeOf, type NodeId } from '../base/ids.ts'
import { compareText } from '../base/order.ts'
import type { Departure, Heartbeat } from '../message.ts'
import { isOut, newMember, type Member } from './member.ts'

/**
 * Members that have not left, and of them those to whom there never was a link: what is heard of them only could be
 * invented. Guess: twenty times, and five times, the design's fifty.
 */
export const MEMBERS_MAX = 1024
export const UNMET_MAX = 256
/** Members that have left, the last ones to start: beside them only those of whose writes some are still here. */
export const DEPARTED_MAX = 1024

export class MemberList {
  readonly #byNode = new Map<NodeId, Member>()
  /** The same members, in the order of their ids. */
  readonly #sorted: Member[] = []
  /** Members of which a disk has to keep something else than before. */
  readonly #changed = new Set<Member>()
  #dropped: NodeId[] = []

  /** All members, in the order of their ids. */
  get all(): readonly Member[] {
    return this.#sorted
  }

  get(node: NodeId): Member | undefined {
    return this.#byNode.get(node)
  }

  add(heartbeat: Heartbeat, isLinked: boolean): Member {
    const member = newMember(heartbeat)
    member.met = isLinked
    this.#byNode.set(member.node, member)
    this.#sorted.splice(this.#placeOf(member.node), 0, member)
    return member
  }

  /**
   * Whether one more counts, for whom one that is proven dead may have to go.
   *
   * @param isLinked whether there is a link to it
   */
  makeRoom(isLinked: boolean): boolean {
    let present = 0
    let unmet = 0
    for (const member of this.#sorted) {
      if (isOut(member)) continue
      present++
      if (!member.met) unmet++
    }
    if (!isLinked && unmet >= UNMET_MAX) return false
    if (present < MEMBERS_MAX) return true
    const dead = this.#sorted.find(member => member.crashed && !isOut(member))
    if (dead !== undefined) this.#drop(dead)
    return dead !== undefined
  }

  /**
   * Of the members that have left, those with the oldest boot go first: nodes that hear of the same departures then
   * keep the same ones.
   *
   * @param isSpare whether nothing here depends on it any more
   */
  boundDeparted(isSpare: (node: NodeId) => boolean): void {
    if (this.#sorted.length <= DEPARTED_MAX) return
    const out = this.#sorted.filter(isOut)
    if (out.length <= DEPARTED_MAX) return
    const spare = out
      .filter(({ node }) => isSpare(node))
      .sort((x, y) => compareAges(x.departure!, y.departure!))
    for (const member of spare.slice(0, out.length - DEPARTED_MAX)) this.#drop(member)
  }

  /** What a disk keeps of the member is another by now. */
  changed(member: Member): void {
    this.#changed.add(member)
  }

  /** Members whose record on disk is out of date. They then count as written. */
  takeChanged(): readonly Member[] {
    const changed = [...this.#changed]
    this.#changed.clear()
    return changed
  }

  /** Members of which a disk need keep nothing any more. They then count as removed. */
  takeDropped(): readonly NodeId[] {
    const dropped = this.#dropped.filter(node => !this.#byNode.has(node))
    this.#dropped = []
    return dropped
  }

  /** @param own this node */
  assertInvariants(own: NodeId, isLinked: (node: NodeId) => boolean): void {
    assert(this.#byNode.size === this.#sorted.length, 'members in their order are all members')
    for (const member of this.#changed) {
      const isKnown = this.get(member.node) === member
      assert(isKnown, 'a member that is to be written is known', member.node)
    }
    for (const [at, member] of this.#sorted.entries()) {
      const { node, heartbeat, departure, beside, met, crashed } = member
      assert(node !== own, 'no node is a member of its own', node)
      const isMet = met && !crashed
      assert(isMet || !isLinked(node), 'a member with a link was met, and has not crashed', node)
      const before = this.#sorted[at - 1]
      const isNext = before === undefined || compareText(before.node, node) < 0
      assert(isNext, 'members are in the order of their ids', node)
      assert(this.#byNode.get(node) === member, 'a member is kept under its node', node)
      const isOfNode = nodeOf(heartbeat.boot) === node
      assert(isOfNode && nodeOf(departure?.boot ?? node) === node, 'a member is one node', node)
      for (const [boot, other] of beside) {
        const isOther = other.heartbeat.boot === boot && boot !== heartbeat.boot
        assert(isOther, 'beside a boot there are others of its node', boot)
      }
    }
  }

  #drop(member: Member): void {
    this.#byNode.delete(member.node)
    this.#sorted.splice(this.#placeOf(member.node), 1)
    this.#changed.delete(member)
    this.#dropped.push(member.node)
  }

  /** Where a node stands in the order of ids, or would stand. */
  #placeOf(node: NodeId): number {
    let from = 0
    let to = this.#sorted.length
    while (from < to) {
      const middle = (from + to) >> 1
      if (compareText(this.#sorted[middle]!.node, node) < 0) from = middle + 1
      else to = middle
    }
    return from
  }
}

/** A departure that comes before another one is forgotten first: that of the boot that was started earlier. */
function compareAges(x: Departure, y: Departure): number {
  return startTimeOf(x.boot) - startTimeOf(y.boot) || compareText(x.boot, y.boot)
}
