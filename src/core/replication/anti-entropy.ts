/**
 * Asks others for what this node lacks: a peer that has had something for longer than gossip takes, or that has said
 * something that connects to nothing here. One peer at a time, as its answer may be all there is.
 *
 * A peer that could not read the next write that is missing here cannot give it, nor what comes after it. If no other
 * is left that could, it is passed over. What could not be read here by another version of hearsay is asked for once
 * more, of every peer that has it.
 */
import { canGive, hasWrite } from '../base/coverage.ts'
import type { BootId, NodeId } from '../base/ids.ts'
import type { Context } from '../context.ts'
import { Lag } from './lag.ts'
import { VectorTurns } from './vector-turns.ts'
import type { Member } from '../membership/members.ts'
import { covers, missing, reachIn } from '../base/version-vector.ts'
import type { Forgotten, Span, SyncRequest, VersionVector } from '../message.ts'

/** Stretches of pruned writes that are kept: one for each of a million writes that are not. About 60 MB. */
const SPANS_MAX = 1_000_000

/** Writes that are passed over in one tick. Guess: some milliseconds' work, whatever a member says to be unreadable. */
const PASSED_MAX = 65_536

export class AntiEntropy {
  readonly #context: Context
  readonly #lag: Lag
  readonly #vectors = new VectorTurns()
  /** The peer that answers us. */
  #asked: NodeId | null = null
  /**
   * What the answer has named as pruned, as long as that is not all. Null: it has, or it is more than can be kept.
   */
  #parts: Span[] | null = []
  /** What a file that is being loaded has named as pruned. */
  #loaded: Span[] = []
  /** Peer that has been asked for what could not be read -> how many stretches of that it had. */
  readonly #askedAgain = new Map<NodeId, number>()

  constructor(context: Context) {
    this.#context = context
    this.#lag = new Lag(context.options.syncDelayMs)
  }

  /** Fetches what a member has had for a while and we still lack. */
  catchUp(): void {
    const { members, log, now } = this.#context
    const merged = log.origins.reach
    this.#passOver()
    for (const member of members.linked()) {
      if (this.#lag.isDue(now, member.node, this.#given(member), merged)) this.ask(member.node)
    }
    this.#askAgain()
  }

  /** What a member can give us of what we lack. */
  #given(member: Member): VersionVector {
    const { log } = this.#context
    const { stuck } = log.origins.unreadable
    if (member.unreadable.isEmpty && stuck.size === 0) return member.vector
    const lacking = [...missing(log.origins.reach, member.vector)]
    return new Map(
      lacking.filter(
        ([origin]) => !stuck.has(origin) && canGive(member, origin, log.merged(origin))
      )
    )
  }

  /** Asks once more for what could not be read here, where it can be had. */
  #askAgain(): void {
    const { members, log } = this.#context
    const again = log.origins.unreadable.again()
    if (again.length === 0) return
    for (const member of members.linked()) {
      const had = again.filter(({ origin, upTo: seq }) => hasWrite(member, { origin, seq })).length
      if (had === 0 || this.#asked !== null || this.#askedAgain.get(member.node) === had) continue
      this.#askedAgain.set(member.node, had)
      this.ask(member.node)
    }
  }

  /**
   * Passes over writes that no member that is there and has come that far could read, and whose author is not there:
   * none is left to show them. A node that comes back with them is asked.
   */
  #passOver(): void {
    const { members, log, now } = this.#context
    if (members.all().every(({ unreadable }) => unreadable.isEmpty)) return
    const everybody = members.recentlyHeard(now)
    const origins = new Set(everybody.flatMap(({ unreadable }) => [...unreadable.origins()]))
    let room = PASSED_MAX
    for (const origin of origins) {
      if (room === 0) return
      const seq = log.merged(origin) + 1
      const isThere = everybody.some(({ heartbeat }) => heartbeat.boot === origin)
      if (isThere || log.origins.isClosed(origin)) continue
      const there = everybody.filter(({ vector }) => covers(reachIn(vector), { origin, seq }))
      const ends = there.map(
        ({ unreadable }) => unreadable.of(origin).find(at => at.after < seq && seq <= at.upTo)?.upTo
      )
      const upTo = Math.min(seq + room - 1, ...ends.map(end => end ?? 0))
      if (there.length === 0 || upTo < seq) continue
      log.passOver({ origin, after: seq - 1, upTo })
      room -= upTo - seq + 1
    }
  }

  unlinked(peer: NodeId): void {
    this.#lag.forget(peer)
    this.#askedAgain.delete(peer)
  }

  /** Asks a peer for all that we lack, if none is being asked. */
  ask(peer: NodeId): void {
    if (this.#asked !== null) return
    const { self, log, emit } = this.#context
    this.#asked = peer
    this.#lag.forget(peer)
    const { origins, unreadable } = log
    const again = origins.unreadable.again()
    const vector = this.#vectors.some(origins.vector(), self)
    const named = unreadable.isEmpty ? [] : unreadable.all().filter(each => vector.has(each.origin))
    const request: SyncRequest = {
      kind: 'sync',
      boot: self,
      vector,
      ...(named.length === 0 ? {} : { unreadable: named }),
      ...(again.length === 0 ? {} : { again })
    }
    emit({ kind: 'sync', peer, request })
  }

  /**
   * A peer that we have asked names what it has pruned. Half of that would be worse than nothing: a task whose
   * completion is named, and whose creation is not. Returns all of it once it is there, and null before.
   */
  gathered(from: NodeId, { spans, boots, more }: Forgotten): Omit<Forgotten, 'kind'> | null {
    const { log, node } = this.#context
    if (from === node) return this.#loadedWhole(spans, boots, more)
    if (from !== this.#asked || this.#parts === null) return null
    if (log.origins.dotCloud.size + this.#parts.length + spans.length > SPANS_MAX) {
      // What it goes on with is a gap then.
      this.#parts = null
      return null
    }
    for (const span of spans) this.#parts.push(span)
    if (more) return null
    const whole = { spans: this.#parts, boots, more }
    // Of one moment, and so once in an answer: to look through all tasks for it takes a while.
    this.#parts = null
    return whole
  }

  /** A file says it all before anything else, part by part. */
  #loadedWhole(
    spans: readonly Span[],
    boots: readonly BootId[],
    more: boolean
  ): Omit<Forgotten, 'kind'> | null {
    for (const span of spans) this.#loaded.push(span)
    if (more) return null
    const whole = { spans: this.#loaded, boots, more }
    this.#loaded = []
    return whole
  }

  /** The answer has ended. @param whole whether nothing was left to say */
  ended(whole: boolean = true): void {
    if (!whole && this.#asked !== null) this.#askedAgain.delete(this.#asked)
    this.#asked = null
    this.#parts = []
  }
}
