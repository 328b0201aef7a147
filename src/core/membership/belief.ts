/**
 * What is believed of what is said, before any of it is acted upon: the one door for messages, whether they come from a
 * peer or out of a file.
 *
 * Numbers have a range (base/ids.ts, base/hlc.ts), and a message that leaves it is not heard. Of what a member says of
 * others, what this node knows better does not count: how much it has written itself, which boots still write, and what
 * time it is. README.md has the table of who is believed in what.
 */
import { STAMP_MAX, THIRD_PARTY_AHEAD_US, type Hlc } from '../base/hlc.ts'
import { SEQ_MAX, startTimeOf, type BootId } from '../base/ids.ts'
import { RETIRED } from '../base/version-vector.ts'
import type { Context } from '../context.ts'
import {
  UNREADABLE,
  type Change,
  type Heartbeat,
  type Message,
  type VersionVector
} from '../message.ts'
import type { TaskRecord } from '../task/record.ts'
import { DOT } from '../task/shapes.ts'
import { MESSAGE_SHAPES } from '../message-shapes.ts'

export class Belief {
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  /**
   * The latest time that is believed when others say it. Our own clock may have stopped since this boot, but not have
   * been set back before its start: that is later than every start before.
   */
  horizon(): Hlc {
    const { self, wallMs } = this.#context
    return Math.min(Math.max(wallMs * 1000, startTimeOf(self)) + THIRD_PARTY_AHEAD_US, STAMP_MAX)
  }

  /** The first step: now it is known what time it is, and what on disk was believed of others in vain. */
  reconsider(): void {
    const { members, keyTombstones } = this.#context
    members.reconsider()
    members.roster.reconsider(members.horizon)
    keyTombstones.reconsider(members.horizon / 1000)
  }

  /** What counts of a message; null if nothing does. What does not is counted. */
  admit(message: Message): Message | null {
    if (!isInRange(message)) {
      this.#context.counters.disbelieved++
      return null
    }
    const { kind } = message
    if (kind === 'heartbeat') return this.#heartbeat(message)
    if (kind === 'introduction') {
      return { ...message, heartbeat: this.#heartbeat(message.heartbeat) }
    }
    if (kind === 'ack') return { ...message, vector: this.vector(message.vector) }
    if (kind === 'forgotten') {
      return { ...message, boots: this.#those(message.boots, boot => this.#mayBeClosed(boot)) }
    }
    return message
  }

  /** The entries of a vector that may be so; the vector itself if all may. */
  vector(said: VersionVector): VersionVector {
    let isWhole = true
    for (const [boot, upTo] of said) isWhole &&= this.#mayHave(boot, upTo)
    if (isWhole) return said
    this.#context.counters.disbelieved++
    return new Map([...said].filter(([boot, upTo]) => this.#mayHave(boot, upTo)))
  }

  #heartbeat(said: Heartbeat): Heartbeat {
    const horizon = this.horizon()
    const vector = this.vector(said.vector)
    const roster = this.#those(said.roster, ({ at }) => at <= horizon)
    const isWhole = vector === said.vector && roster === said.roster
    return isWhole ? said : { ...said, vector, roster }
  }

  /** Whether any member may have this much of a boot. */
  #mayHave(boot: BootId, upTo: number): boolean {
    if (upTo === RETIRED) return this.#mayBeClosed(boot)
    const { log, self } = this.#context
    if (boot === self) return upTo < log.nextSeq
    return upTo >= 1 && upTo <= SEQ_MAX && !log.origins.isOwn(boot)
  }

  /** No peer can say that a boot is retired which writes, or will: that boot would be deaf and mute for good. */
  #mayBeClosed(boot: BootId): boolean {
    const { log, members, now } = this.#context
    if (log.origins.isClosed(boot)) return true
    if (log.origins.isOwn(boot) || members.isHeard(boot, now)) return false
    return members.isSucceeded(boot) || startTimeOf(boot) <= this.horizon()
  }

  /** Those of which it holds; the list itself if it holds of all. */
  #those<T>(all: readonly T[], holds: (one: T) => boolean): readonly T[] {
    if (all.every(holds)) return all
    this.#context.counters.disbelieved++
    return all.filter(holds)
  }
}

/**
 * Whether a message is such as a node could have sent. The wire reads no other; but files and tests hand them in, too.
 * Of records only their creations are looked at, which lead into the logs of origins: the rest was checked when they
 * were read.
 */
function isInRange(message: Message): boolean {
  const { kind } = message
  if (kind === 'batch') {
    // Only a reader knows of what could not be read.
    const writes = message.writes.map(place => (place === UNREADABLE ? -1 : place))
    if (MESSAGE_SHAPES.batch.fault({ ...message, writes }) !== null) return false
    return message.records.every(isCreated) && (message.changes ?? []).every(hasCreation)
  }
  if (MESSAGE_SHAPES[kind].fault(message) !== null) return false
  if (kind === 'grant') return [...message.records, ...message.dependencies].every(isCreated)
  return kind !== 'found' || message.records.every(isCreated)
}

function isCreated({ created }: TaskRecord): boolean {
  return created.length > 0 && created.every(dot => DOT.fault(dot) === null)
}

function hasCreation({ task }: Change): boolean {
  return DOT.fault(task) === null
}
