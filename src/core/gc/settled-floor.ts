/**
 * How many settled tasks are kept, and which of them go for lack of room: the same ones everywhere.
 *
 * Each node has a floor: a time. What settled before it goes, and no submission may depend on it any more. A node
 * raises its floor when it keeps too many, and follows members that have raised theirs further, so that all stand at
 * the same one in the end; it never lowers it. No node acts on a floor that a member has not reached yet, which might
 * still take a task that depends on what lies below it. Nor on one that was said of a moment of which not all writes
 * have come here: such a task may be among them.
 *
 * A member of the version before has no floor. It drops the oldest that it has, as soon as everybody has them, and is
 * not waited for: what depends on something that was dropped elsewhere takes the outcome along when it moves.
 */
import { assert } from '../base/assert.ts'
import type { BootId } from '../base/ids.ts'
import type { Hlc } from '../base/hlc.ts'
import type { Context } from '../context.ts'
import type { Retention } from './retention.ts'
import type { Member } from '../membership/members.ts'
import { isSettled, type TaskRecord } from '../task/record.ts'

/**
 * What a boot said of its floor. A floor counts once the writes of its boot up to `upTo` are there; the next one waits
 * for its turn.
 */
type Said = { floor: Hlc; next: Readonly<{ floor: Hlc; upTo: number }> | null }

const UNSAID: Said = { floor: 0, next: null }

/** Multiple of the setting at which submissions are held back: every node keeps twice as many then. */
const FULL = 2
/**
 * Multiple of the setting beyond which only the shorter time counts. Guess: half of what is left then is for what
 * settles meanwhile.
 */
const PRESSED = 1.5

export class SettledFloor {
  readonly #context: Context
  readonly #retention: Retention
  /** How many settled tasks are kept only because tasks that have not settled depend on them. */
  readonly #countNamed: () => number
  /** By others, and by this boot. */
  readonly #said = new Map<BootId, Said>()
  #own: Said = UNSAID
  #floor: Hlc = 0
  #isStored = true
  /** At the last tick, and how many make submissions wait. */
  #kept = 0
  #most = Infinity

  constructor(context: Context, retention: Retention, countNamed: () => number) {
    this.#context = context
    this.#retention = retention
    this.#countNamed = countNamed
  }

  /** Takes back where the floor of an earlier boot was. */
  restore(floor: Hlc): void {
    this.#floor = floor
  }

  /** Nothing new may depend on what settled before this. */
  get floor(): Hlc {
    return this.#floor
  }

  /** The floor that others are told, who go by what this boot has written until then: it is on disk. */
  get told(): Hlc {
    return this.#own.floor
  }

  /** Whether anything may have gone for lack of room, as far as others say. One of the version before does not say. */
  get hasDropped(): boolean {
    const { members } = this.#context
    return this.#floor > 0 || members.notEnded().some(({ heartbeat }) => heartbeat.floor !== 0)
  }

  /** Settled tasks here that could go, at the last tick. */
  get kept(): number {
    return this.#kept
  }

  /** More than this are far too many. */
  get most(): number {
    return this.#most
  }

  /** How many are kept: the least that any member says that is not gone. */
  get max(): number {
    const { members, options } = this.#context
    return members
      .notEnded()
      .reduce((least, { heartbeat }) => Math.min(least, heartbeat.settledMax), options.settledMax)
  }

  /**
   * Whether all keep far too many, and could let go of them. A member that is away keeps tasks from going; submissions
   * are not held back then, for that would be of no use.
   */
  get isFull(): boolean {
    const { members, now } = this.#context
    const most = this.#most
    if (this.#kept <= most || members.unlinked().length > 0 || !members.seesMajority(now)) {
      return false
    }
    return members.linked().every(({ heartbeat }) => heartbeat.settledKept > most)
  }

  /** Raises the floor if there are too many, and follows that of others. */
  tick(): void {
    const { members, isNew, now, wallMs, options } = this.#context
    const count = this.#retention.size
    const { max } = this
    this.#most = FULL * max
    // Named ones are counted only where it matters.
    this.#kept = count > this.#most ? count - this.#countNamed() : count
    const awaited = members.mayLive(now)
    this.#listen(awaited)
    let floor = this.#follow(awaited)
    // Whether our clock is right is not known before others have been heard.
    if (!isNew) {
      const ageMs = count > PRESSED * max ? options.roomPressedMs : options.roomMs
      floor = this.#retention.floorFor(max, (wallMs - ageMs) * 1000, floor)
    }
    if (floor > this.#floor) this.#isStored = false
    this.#floor = floor
    const { log, self } = this.#context
    const written = { floor, upTo: log.nextSeq - 1 }
    this.#own = heard(this.#own, written, log.durableVector.get(self) ?? 0)
  }

  /** The highest floor of all; one that lies in the future does not count. */
  #follow(awaited: readonly Member[]): Hlc {
    const { wallMs } = this.#context
    return awaited
      .map(({ heartbeat }) => heartbeat.floor ?? 0)
      .filter(floor => floor <= wallMs * 1000)
      .reduce((x, y) => Math.max(x, y), this.#floor)
  }

  /** The floor that all have reached, as far as it is known here: what settled before it may go. */
  agreed(): Hlc {
    const { members, now } = this.#context
    return members
      .mayLive(now)
      .filter(({ heartbeat }) => heartbeat.floor !== null)
      .reduce((least, { heartbeat }) => Math.min(least, this.#floorOf(heartbeat.boot)), this.#floor)
  }

  /** Whether nothing new may depend on this task. */
  isBelow(record: TaskRecord): boolean {
    return isSettled(record) && record.outcome!.at < this.#floor
  }

  /** Where the floor is, if it has to go to disk. */
  takeChanged(): Hlc | undefined {
    if (this.#isStored) return undefined
    this.#isStored = true
    return this.#floor
  }

  assertInvariants(): void {
    const { floor, next } = this.#own
    const isReached = floor <= this.#floor && (next?.floor ?? 0) <= this.#floor
    assert(isReached, 'others are told of no higher floor than this node has reached')
  }

  #floorOf(boot: BootId): Hlc {
    return this.#said.get(boot)?.floor ?? 0
  }

  #listen(awaited: readonly Member[]): void {
    const boots = new Set(awaited.map(({ heartbeat }) => heartbeat.boot))
    for (const boot of this.#said.keys()) if (!boots.has(boot)) this.#said.delete(boot)
    for (const { heartbeat, vector } of awaited) {
      const { boot, floor } = heartbeat
      const word = { floor: floor ?? 0, upTo: vector.get(boot) ?? 0 }
      const merged = this.#context.log.merged(boot)
      this.#said.set(boot, heard(this.#said.get(boot) ?? UNSAID, word, merged))
    }
  }
}

/** What counts after a word, once the writes of its boot up to `upTo` are there. */
function heard({ floor, next }: Said, word: NonNullable<Said['next']>, upTo: number): Said {
  const first = next ?? word
  return upTo < first.upTo
    ? { floor, next: first }
    : { floor: Math.max(floor, first.floor), next: null }
}
