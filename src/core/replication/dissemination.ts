/**
 * Which nodes are told of this boot's writes, and when, once they are on disk.
 *
 * There are two roads. Straight, at once, to the nodes that wait for them: the ack partner, if a caller here waits for
 * a copy, and the node that submitted a task which has settled here. And by gossip to all members. A message to all
 * costs every node the same whether it tells of one write or of fifty, so what nobody waits for is gathered for a
 * moment first; work that others could do is gathered for a shorter moment; and what all members have to have heard of
 * is not gathered at all.
 *
 * Every boot has one member as its ack partner: it flushes that boot's writes and acknowledges them at once, so that
 * the boot can promise two copies. It is on another computer, if one is linked. The next in line acknowledges with its
 * next tick, should the first be slow, or a caller want two copies elsewhere. All others do with their next heartbeat,
 * which names what is on their disks anyway: with seven nodes, acknowledgements of their own were a sixth of the CPU
 * time of tasks that come one after the other.
 */
import { assert } from '../base/assert.ts'
import { areApart, computerOf } from '../base/computers.ts'
import { nodeOf, type BootId, type NodeId } from '../base/ids.ts'
import { hlcMs } from '../base/hlc.ts'
import { reach } from '../base/version-vector.ts'
import { rendezvousWeight } from '../base/rendezvous.ts'
import type { Context } from '../context.ts'
import type { Flush } from '../effect.ts'
import { isAway } from './disks.ts'
import type { Member } from '../membership/members.ts'
import { KEEPS_APART } from '../message.ts'
import type { TaskSpec } from '../task/spec.ts'
import {
  isFinal,
  isSettled,
  isStarted,
  waitsForAll,
  type Dot,
  type TaskRecord
} from '../task/record.ts'

/** More writes than this at a time are left to gossip: to merge them takes longer than the detour. */
const STRAIGHT_WRITES_MAX = 32
/** Gathered writes after which all are told without waiting longer. */
const GATHERED_WRITES_MAX = 256
/** Timers ring early by up to 1.4 ms, measured: then it is time all the same. */
const EARLY_MS = 2
/** Age from which a task is taken to be known to all. Guess: nodes of any version have told of it by then. */
const KNOWN_AFTER_MS = 300

export class Dissemination {
  readonly #context: Context
  /** Up to which of our writes all members have been told by gossip. */
  #told = 0
  #toldAt = Number.NEGATIVE_INFINITY
  /** When all are to be told of the writes after that; never, if there are none. */
  #dueAt = Number.POSITIVE_INFINITY
  /** For when a step has been asked for, to do so. */
  #wakeAt = Number.POSITIVE_INFINITY
  /** Node -> up to which of our writes it has been sent, on its present link, all that it was not known to have. */
  readonly #sent = new Map<NodeId, number>()

  constructor(context: Context) {
    this.#context = context
  }

  /**
   * The ack partner of a boot: the first in line of the nodes on another computer that can be talked to. Of all nodes,
   * if no other computer is there, or the boot is of a version that takes no account of computers.
   */
  ackPartnerOf(origin: BootId): NodeId | undefined {
    return firstFor(origin, this.#keepersFor(origin))
  }

  /**
   * Whether this node is the ack partner of a boot, or the next in line: one that is on another computer than the ack
   * partner, if there is one, for it may be the computer that has gone.
   */
  isInLineFor(origin: BootId): boolean {
    const { node, members } = this.#context
    const keepers = this.#keepersFor(origin)
    const first = firstFor(origin, keepers)
    if (first === node) return true
    const isElse = (other: NodeId): boolean => other !== first && other !== nodeOf(origin)
    const everybody = [node, ...nodesOf(members.linked())].filter(isElse)
    const others = [keepers.filter(isElse), everybody].find(list => list.length > 0) ?? []
    const apart = others.filter(other => areApart(this.#computerOf(other), this.#computerOf(first)))
    return firstFor(origin, apart.length > 0 ? apart : others) === node
  }

  #computerOf(node: NodeId | undefined): string | null {
    const { node: self, computer, members } = this.#context
    if (node === undefined || node === self) return node === self ? computer : null
    return computerOf(members.get(node)?.heartbeat.name ?? '')
  }

  /** Nodes that may be a boot's ack partner. */
  #keepersFor(origin: BootId): readonly NodeId[] {
    const { node, computer, members } = this.#context
    const author = nodeOf(origin)
    const others = members.linked().filter(member => member.node !== author)
    if (author === node) {
      const apart = others.filter(member => isAway(member, computer))
      return nodesOf(apart.length > 0 ? apart : others)
    }
    const all = [node, ...nodesOf(others)]
    const home = computerOf(members.get(author)?.heartbeat.name ?? '')
    if (home === null || !members.understands(author, KEEPS_APART)) return all
    const apart = nodesOf(others.filter(member => isAway(member, home)))
    if (areApart(computer, home)) apart.push(node)
    return apart.length > 0 ? apart : all
  }

  /** A link has ended: what was on it may be lost. */
  unlinked(peer: NodeId): void {
    this.#sent.delete(peer)
  }

  /**
   * Our writes after `after` have come to disk with this flush.
   *
   * @param awaited whether a caller here waits for a copy of them
   */
  flushed(after: number, { tasks }: Flush, awaited: boolean): void {
    const { self, log, members, now, options } = this.#context
    if ((log.durableVector.get(self) ?? 0) === after) return
    const own = tasks.map(({ record }) => record)
    const partner = awaited ? this.ackPartnerOf(self) : undefined
    const readers = new Set(own.filter(({ outcome }) => outcome?.by === self).map(submitterOf))
    const isTold = !awaited || (partner !== undefined && this.#tell(partner))
    const late = [...readers].filter(node => node !== partner && !this.#tell(node))
    const isAwaited = late.some(node => members.isLinked(node))
    const latest = isAwaited ? now + options.gatherMs : this.#lateAt
    const due = own.reduce((first, record) => Math.min(first, this.#dueOf(record)), latest)
    this.#dueAt = Math.min(this.#dueAt, isTold ? due : now)
  }

  /** A node waits for what is on our disk now. */
  answer(node: NodeId): void {
    const { now, options } = this.#context
    if (!this.#tell(node)) this.#dueAt = Math.min(this.#dueAt, now + options.gatherMs)
  }

  /** A caller here waits for a copy of writes that may still be gathered: the ack partner is told at once. */
  askForCopy(): void {
    const partner = this.ackPartnerOf(this.#context.self)
    if (partner === undefined || !this.#tell(partner)) this.tellAll()
  }

  /** Tells all members what has been gathered, if it is time; otherwise asks for a step when it is. */
  tellInTime(): void {
    const { log, self, now, emit } = this.#context
    if (this.#dueAt === Number.POSITIVE_INFINITY) return
    const untold = (log.durableVector.get(self) ?? 0) - this.#told
    if (this.#dueAt <= now || untold >= GATHERED_WRITES_MAX) return this.tellAll()
    if (this.#wakeAt <= this.#dueAt) return
    this.#wakeAt = this.#dueAt
    emit({ kind: 'wake', afterMs: this.#dueAt - now })
  }

  /**
   * A step that was asked for is here. What it was asked for may just have been told, with what was due earlier: then the
   * rest waits for its own. Two messages in a row may come in another order, and be taken for a gap.
   */
  woken(): void {
    const { now, options } = this.#context
    const toldMsAgo = now - this.#toldAt
    const isJustTold = toldMsAgo > 0 && toldMsAgo < options.gatherMs
    if (isJustTold && now < this.#wakeAt - EARLY_MS) return
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.tellAll()
  }

  /** Tells all members what is on our disk. */
  tellAll(): void {
    const { log, self, now, options, emit } = this.#context
    this.#dueAt = Number.POSITIVE_INFINITY
    for (;;) {
      const batch = log.range(self, this.#told, options.gossipBytesMax, (...of) =>
        this.#isKnown(...of)
      )
      if (batch === null) return
      emit({ kind: 'publish', message: batch })
      this.#told += batch.writes.length
      this.#toldAt = now
    }
  }

  assertInvariants(): void {
    const { log, self } = this.#context
    const upTo = reach(log.durableVector, self)
    assert(this.#told <= upTo, 'what all were told is on disk')
    for (const [node, sent] of this.#sent) assert(sent <= upTo, 'what was sent is on disk', node)
    const isWoken = this.#wakeAt <= this.#dueAt
    assert(isWoken, 'a step is asked for when something is due')
  }

  /**
   * Sends a node straight what it is not known to have of our writes. That includes writes that are on their way to it
   * by gossip: without them the later ones would look like a gap. Returns whether it has been sent all; where that is
   * too much, nothing is sent.
   */
  #tell(to: NodeId): boolean {
    const { log, self, members, options, emit } = this.#context
    const member = members.get(to)
    if (member === undefined || !members.isLinked(to)) return false
    const after = Math.max(this.#sent.get(to) ?? 0, reach(member.vector, self))
    const upTo = log.durableVector.get(self) ?? 0
    if (upTo <= after) return true
    if (upTo - after > STRAIGHT_WRITES_MAX) return false
    const batch = log.range(
      self,
      after,
      options.gossipBytesMax,
      (write, spec) => nodeOf(write.origin) === to || this.#isKnown(write, spec)
    )
    if (batch === null || after + batch.writes.length < upTo) return false
    emit({ kind: 'send', to, message: batch })
    this.#sent.set(to, upTo)
    return true
  }

  /**
   * Whether all members are likely to know a task that another boot created: its creation has been merged here, and is
   * not so fresh that it may have come straight, before all were told of it.
   */
  #isKnown(write: Dot, { submittedAt }: TaskSpec): boolean {
    const { log, wallMs } = this.#context
    return log.origins.hasMerged(write) && wallMs - hlcMs(submittedAt) >= KNOWN_AFTER_MS
  }

  /** When all members are to be told at the latest what has become of the task. */
  #dueOf(record: TaskRecord): number {
    const { self, now, options } = this.#context
    const { claim, cancelRequest, outcome } = record
    // Who claimed it anew has not heard that it is over, and may be about to start it.
    if (isFinal(record) && claim.epoch > outcome!.epoch && claim.holder !== self) return now
    if (isSettled(record)) return this.#lateAt
    // Whichever node holds it has to hear of that.
    if (cancelRequest?.by === self) return now
    if (claim.holder !== self) return this.#lateAt
    if (waitsForAll(record)) return now
    if (isStarted(record) || claim.cause === 'grant') return this.#lateAt
    // It is queued here, and other nodes may have a slot for it.
    return this.#toldAt + options.gatherWorkMs
  }

  /** When to tell what no node waits for: soon after a quiet time, and later where other news have just been told. */
  get #lateAt(): number {
    const { now, options } = this.#context
    const isBusy = now - this.#toldAt < options.gatherBusyMs
    return now + (isBusy ? options.gatherBusyMs : options.gatherMs)
  }
}

/** The node that submitted a task. */
function submitterOf({ spec }: TaskRecord): NodeId {
  return nodeOf(spec.submittedBy)
}

function nodesOf(members: readonly Member[]): NodeId[] {
  return members.map(({ node }) => node)
}

/** The first in line to keep what a boot writes. */
function firstFor(origin: BootId, nodes: readonly NodeId[]): NodeId | undefined {
  let first: NodeId | undefined
  let most = -1
  for (const node of nodes) {
    const own = rendezvousWeight(origin, node)
    if (own <= most) continue
    first = node
    most = own
  }
  return first
}
