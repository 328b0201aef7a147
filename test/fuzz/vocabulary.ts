/**
 * Words that mean something in a cluster at one moment: its nodes, boots, tasks, times; the same at the ends of their
 * ranges; and, by the name of a field, values that it has had in real messages. A message made of random values is
 * refused or ignored, so a fuzzer that knows no words never gets past the door.
 */
import { bootId, taskId, type BootId, type TaskId } from '../../src/core/base/ids.ts'
import type { Random } from '../../src/sim/world/random.ts'

/** What the cluster is made of right now. */
export type Present = Readonly<{
  nowMs: number
  /** Boots that run. */
  live: readonly BootId[]
  /** Earlier boots of these nodes, and what vectors name. */
  past: readonly BootId[]
  /** Boots of which everything has been forgotten, as some nodes know. */
  closed: readonly BootId[]
  /** Nodes that have the key and are none of ours. */
  strangers: readonly BootId[]
  names: readonly string[]
  tasks: readonly TaskId[]
}>

/** Ends of ranges: of bytes, of what 32 bits hold, of times, of what a number holds exactly; and what is no count. */
const EDGES: readonly number[] = [
  [0, 1, 2, 3, 24, 25, 127, 128, 255, 256, 65_535, 65_536],
  [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 86_400_000, 315_360_000_000],
  [8.64e15, 8.64e15 + 1, 9e15, 2 ** 53 - 2, 2 ** 53 - 1],
  [-1, 0.5, 1e300, Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY]
].flat()
/** From a step of a clock to a century, in ms. */
const DISTANCES: readonly number[] = [1, 5000, 60_000, 3_600_000, 86_400_000, 31_536_000_000, 3e12]
const TEXTS: readonly string[] = [
  '',
  ' ',
  '0',
  'null',
  '__proto__',
  'constructor',
  'toString',
  '../..',
  'a/b',
  '\u0000',
  '\ud83d\ude00'.repeat(32),
  '\u202e\u2028\ufeff',
  '/ip4/0.0.0.0/tcp/0',
  'x'.repeat(128),
  'x'.repeat(512),
  'x'.repeat(8192)
]
/** Years beyond all clocks: the last boot that a name has room for. */
const LAST_START = 'zzzzzzzzzz-zzzzzz'
const SEEN_MAX = 24
const BOOT = /^[^/]+\/[0-9a-z]{10}-[0-9a-z]{6}$/
const TASK = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const HASH = /^[0-9a-f]{64}$/

export class Vocabulary {
  readonly #random: Random
  readonly #present: () => Present
  readonly #seen = new Map<string, unknown[]>()
  #invented = 0

  /** @param present is asked again for each word */
  constructor(random: Random, present: () => Present) {
    this.#random = random
    this.#present = present
  }

  /** Takes note of everything that a message says, by the names of its fields. */
  note(value: unknown, field = ''): void {
    if (value === null || value === undefined || value instanceof Uint8Array) return
    if (value instanceof Map) {
      this.#keep(field, value)
      return
    }
    if (Array.isArray(value)) {
      if (value.length > 0) this.#keep(field, value)
      const some = value.slice(0, 2)
      for (const item of some) this.note(item, `${field}[]`)
      return
    }
    this.#keep(field, value)
    if (typeof value !== 'object') return
    for (const [key, inner] of Object.entries(value)) this.note(inner, key)
  }

  /** A value that a field of this name has had; undefined if there was none. */
  seen(field: string): unknown {
    const values = this.#seen.get(field)
    return values === undefined ? undefined : this.#random.pick(values)
  }

  number(): number {
    const random = this.#random
    if (random.chance(0.6)) return random.pick(EDGES)
    const ms = this.#present().nowMs + random.pick(DISTANCES) * random.pick([1, -1])
    return random.chance(0.5) ? ms : ms * 1000
  }

  boot(): BootId {
    const { live, past, strangers } = this.#present()
    const random = this.#random
    const dice = random.next()
    if (dice < 0.3 && live.length > 0) return random.pick(live)
    if (dice < 0.5 && past.length > 0) return random.pick(past)
    if (dice < 0.65 && strangers.length > 0) return random.pick(strangers)
    if (dice < 0.85) return this.strangeBoot()
    return this.newBoot()
  }

  /** Who has said all that it will ever say; null if there is nobody. */
  closedBoot(): BootId | null {
    const { closed } = this.#present()
    return closed.length > 0 ? this.#random.pick(closed) : null
  }

  /** A boot of a node that there is, at a time at which it did not start. */
  strangeBoot(): BootId {
    const { live, past, nowMs } = this.#present()
    const random = this.#random
    const [node = 'nobody'] = random
      .pick(live.length > 0 && random.chance(0.7) ? live : [...past, 'nobody/'])
      .split('/')
    if (random.chance(0.4)) return `${node}/${LAST_START}`
    const start = Math.max(0, nowMs + random.pick(DISTANCES) * random.pick([1, -1]))
    // Put together by hand: nobody who makes one would make it of such a time.
    return `${node}/${(start * 1000).toString(36).padStart(10, '0')}-00000z`
  }

  /** A boot of a node that there has never been. */
  newBoot(): BootId {
    const started = (this.#present().nowMs - 1000) * 1000
    return bootId(`v${++this.#invented}`, started, 1)
  }

  task(): TaskId {
    const { tasks, nowMs } = this.#present()
    const random = this.#random
    if (tasks.length > 0 && random.chance(0.7)) return random.pick(tasks)
    return taskId(nowMs, this.boot(), random.pick([1, 2, 7, 2 ** 41]))
  }

  name(): string {
    const { names } = this.#present()
    return this.#random.chance(0.7) ? this.#random.pick(names) : `x/${++this.#invented}`
  }

  hash(): string {
    return (++this.#invented).toString(16).padStart(64, '0')
  }

  /** Something else in the place of a text. */
  text(before: string, field: string): string {
    const random = this.#random
    if (BOOT.test(before)) return this.boot()
    if (TASK.test(before)) return this.task()
    if (HASH.test(before)) return this.hash()
    if (random.chance(0.5)) {
      const seen = this.seen(field)
      if (typeof seen === 'string' && seen !== before) return seen
    }
    return field === 'name' ? this.name() : random.pick(TEXTS)
  }

  /** Another one of its kind, for a list that may hold nothing twice. */
  another(before: string): string {
    if (BOOT.test(before)) return this.newBoot()
    if (TASK.test(before)) return taskId(this.#present().nowMs, this.newBoot(), 1)
    if (HASH.test(before)) return this.hash()
    return `${before.slice(0, 40)}${++this.#invented}`
  }

  #keep(field: string, value: unknown): void {
    const values = this.#seen.get(field)
    if (values === undefined) this.#seen.set(field, [value])
    else if (values.length < SEEN_MAX) values.push(value)
    else values[this.#random.whole(0, SEEN_MAX - 1)] = value
  }
}
