/**
 * Who is told of this boot's writes, and when, once they are on disk.
 *
 * Two roads. Straight to those who wait for them, at once: the ack partner, if a caller here waits for its
 * acknowledgement, which makes two copies, and the node that submitted what has settled here. And to everybody, by
 * gossip. A message to all costs every node the same whether it tells of one write or of fifty, so what nobody waits
 * for is gathered for a moment first; work that others could do, for a shorter one; and what everybody has to have
 * heard of is not gathered at all.
 *
 * For every boot one member is its ack partner: it keeps that boot's writes and acknowledges them at once, so that the
 * boot can promise two copies. It is on another computer, if one is there. The others do so at their leisure. Asking
 * all of them would cost five disk writes and five messages for the one that counts.
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
import { isSettled, isStarted, waitsForAll, type Dot, type TaskRecord } from '../task/record.ts'

/**
 * More writes than this at a time reach their reader as soon by gossip: it is the work with them that takes the time.
 */
const DIRECT_WRITES_MAX = 32
/** Number of gathered writes that are worth a message of their own. */
const GATHERED_WRITES_MAX = 256

/** Guess: by then the news of a task have been gathered and told to all, in any version. */
const KNOWN_AFTER_MS = 300

export class Dissemination {
  readonly #context: Context
  /** All have been told of our writes up to this one. */
  #told = 0
  #toldAt = Number.NEGATIVE_INFINITY
  /** When a step that was asked for is due. */
  #wakeAt = Number.POSITIVE_INFINITY
  /** Up to which write our streams to nodes carry all that was not known to be there. */
  readonly #sent = new Map<NodeId, number>()
  /** Until when what has not been told may be gathered. */
  #dueAt = Number.POSITIVE_INFINITY

  constructor(context: Context) {
    this.#context = context
  }

  /**
   * The node that keeps what a boot writes: of all that can be talked to the first in line on another computer; of all,
   * if no other computer is there, or the boot is of a version that asks the first of all.
   */
  ackPartnerOf(origin: BootId): NodeId | undefined {
    const { node, computer, members } = this.#context
    const author = nodeOf(origin)
    const others = members.linked().filter(member => member.node !== author)
    if (author === node) {
      const apart = others.filter(member => isAway(member, computer))
      return firstFor(origin, nodesOf(apart.length > 0 ? apart : others))
    }
    const all = [node, ...nodesOf(others)]
    const home = computerOf(members.get(author)?.heartbeat.name ?? '')
    if (home === null || !members.understands(author, KEEPS_APART)) return firstFor(origin, all)
    const apart = nodesOf(others.filter(member => isAway(member, home)))
    if (areApart(computer, home)) apart.push(node)
    return firstFor(origin, apart.length > 0 ? apart : all)
  }

  /** A link has ended: what was on it may be lost. */
  unlinked(peer: NodeId): void {
    this.#sent.delete(peer)
  }

  /**
   * Our writes after `after` have come to disk with this flush.
   *
   * @param awaited whether a caller waits for a copy of them
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

  /** A caller here begins to wait for a copy of what may have been gathered. */
  hurry(): void {
    const partner = this.ackPartnerOf(this.#context.self)
    if (partner === undefined || !this.#tell(partner)) this.tellAll()
  }

  /** Tells all members what has been gathered, if it is time; otherwise asks to be called when it is. */
  tellInTime(): void {
    const { log, self, now, emit } = this.#context
    if (this.#dueAt === Number.POSITIVE_INFINITY) return
    const untold = (log.durableVector.get(self) ?? 0) - this.#told
    if (this.#dueAt <= now || untold >= GATHERED_WRITES_MAX) return this.tellAll()
    if (this.#wakeAt <= this.#dueAt) return
    this.#wakeAt = this.#dueAt
    emit({ kind: 'wake', afterMs: this.#dueAt - now })
  }

  /** The step that was asked for is here. */
  woken(): void {
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
   * Sends writes straight to one node. Ahead of gossip that is still on its way they would look like a gap. Returns
   * whether all of it was told.
   */
  #tell(to: NodeId): boolean {
    const { log, self, members, options, emit } = this.#context
    const member = members.get(to)
    if (member === undefined || !members.isLinked(to)) return false
    const after = Math.max(this.#sent.get(to) ?? 0, reach(member.vector, self))
    const upTo = log.durableVector.get(self) ?? 0
    if (upTo <= after) return true
    if (upTo - after > DIRECT_WRITES_MAX) return false
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
   * Whether all are likely to have heard of a task that another boot created: it came here, too, and not only a moment
   * ago. It may have come straight, before the news that go to all.
   */
  #isKnown(write: Dot, { submittedAt }: TaskSpec): boolean {
    const { log, wallMs } = this.#context
    return log.origins.hasMerged(write) && wallMs - hlcMs(submittedAt) >= KNOWN_AFTER_MS
  }

  /** By when others are to have news of the task. */
  #dueOf(record: TaskRecord): number {
    const { self, now, options } = this.#context
    const { claim, cancelRequest } = record
    if (isSettled(record)) return this.#lateAt
    if (cancelRequest?.by === self) return now
    if (claim.holder !== self) return this.#lateAt
    if (waitsForAll(record)) return now
    if (isStarted(record) || claim.cause === 'grant') return this.#lateAt
    return this.#toldAt + options.gatherWorkMs
  }

  /** By when others are to have news that they can do without. Where others have just been told some, these come late. */
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
