/**
 * Who can keep blobs now, as this node sees its members.
 */
import { computerOf } from '../base/computers.ts'
import type { NodeId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import type { Member } from '../membership/member.ts'
import { KEEPS_APART, KEEPS_CHECKPOINTS } from '../message.ts'
import { isAway } from '../replication/replication.ts'
import type { BlobHash } from '../task/content.ts'
import { lineFor, type Keeper } from './holders.ts'

export class Keepers {
  readonly #context: Context
  /** This node is to keep nothing that others can keep. */
  isDraining = false

  constructor(context: Context) {
    this.#context = context
  }

  /** Whoever can keep blobs now. */
  all(): Keeper[] {
    const { node, computer } = this.#context
    const keepers = this.#others(({ heartbeat }) => !heartbeat.draining)
    const self = { node, computer, keepsApart: true, keepsCheckpoints: true }
    return this.isDraining ? keepers : [...keepers, self]
  }

  /** Who can take a blob that is only here. A node that drains hands on what it has before it goes. */
  secondPlaces(): Keeper[] {
    const staying = this.all()
    const isAlone = staying.every(({ node }) => node === this.#context.node)
    return isAlone ? this.#others(() => true) : staying
  }

  /** Who on another computer than this is the first in line for a blob; nobody, if one there is known to have it. */
  firstAway(
    hash: BlobHash,
    keepers: readonly Keeper[],
    isKeptBy: (node: NodeId) => boolean
  ): NodeId[] {
    const away = keepers.map(({ node }) => node).filter(node => this.isAway(node))
    return away.some(isKeptBy) ? [] : lineFor(hash, away).slice(0, 1)
  }

  isAway(node: NodeId): boolean {
    const member = this.#context.members.get(node)
    return member !== undefined && isAway(member, this.#context.computer)
  }

  #others(may: (member: Member) => boolean): Keeper[] {
    const { members, now } = this.#context
    return members
      .linkedOrHeard(now)
      .filter(may)
      .map(({ node, heartbeat: { name } }): Keeper => {
        const keepsApart = members.understands(node, KEEPS_APART)
        const keepsCheckpoints = members.understands(node, KEEPS_CHECKPOINTS)
        return { node, computer: computerOf(name), keepsApart, keepsCheckpoints }
      })
  }
}
