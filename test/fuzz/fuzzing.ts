/**
 * One seed: a cluster at honest, extreme work, into which mutated messages are put while nodes crash, leave and start
 * again with what is on their disks. After each round the nodes have to work together, at once and once all have
 * started anew.
 *
 * Everything comes from the seed, so a seed that fails fails again. The messages of a run can also be given: then
 * nothing is made up, and what is left out is left out. That is how a long list becomes a short one (shrinking.ts).
 */
import type { NodeId } from '../../src/core/base/ids.ts'
import type { News } from '../../src/core/message.ts'
import { Random } from '../../src/sim/world/random.ts'
import { simulatedKeyedId } from '../../src/sim/world/keys.ts'
import type { Injection } from './injection.ts'
import { Injector } from './injector.ts'
import { Vocabulary } from './vocabulary.ts'
import { command, endlessDraft, extremeDraft, type Circumstances } from './workload.ts'
import { checkWorking } from './working.ts'
import { STRANGER, World } from './world.ts'

export type Report = Readonly<{
  seed: number
  /** What went wrong; null if nothing did. */
  failure: string | null
  /** The same without what differs from run to run. */
  symptom: string | null
  injections: readonly Injection[]
  /** Kind -> how many messages of it were taken by the codec; and how many were refused. */
  taken: ReadonlyMap<string, number>
  refused: number
  steps: number
}>

export type FuzzOptions = Readonly<{
  /** @default made up */
  given?: readonly Injection[]
}>

const ROUNDS = 2
const NODES = 3
/** Number of nodes of a large cluster: more than the most that may create a task under one key. */
const CROWD = 26
/** Every how many seeds the cluster is that large. */
const CROWD_EVERY = 25
/** Every how many seeds members may be told lies that they have to believe. */
const LIES_EVERY = 3
/** Every how many seeds some tasks are kept to the end. */
const KEPT_EVERY = 2
const BUSY_MS = 4000
const DOWN_MS_MAX = 1500
const INJECTIONS = 80
const SUBMISSIONS = 15
const COMMANDS = 6
const KEYS = 2

/** Runs one seed. Throws nothing: whatever goes wrong is in the report. */
export function fuzz(seed: number, { given }: FuzzOptions = {}): Report {
  return new Fuzzing(seed, given ?? null).run()
}

class Fuzzing {
  readonly #seed: number
  readonly #given: readonly Injection[] | null
  /** Of the honest work. What it throws does not depend on whether messages are made up or given. */
  readonly #random: Random
  /** Of the messages that are made up. */
  readonly #dice: Random
  readonly #world: World
  readonly #injector: Injector
  readonly #words: Vocabulary
  readonly #mayLie: boolean
  readonly #count: number
  readonly #injections: Injection[] = []
  readonly #asked = new Map<NodeId, number>()
  #round = 0
  #beganAt = 0
  #requests = 0

  constructor(seed: number, given: readonly Injection[] | null) {
    this.#seed = seed
    this.#given = given
    this.#random = new Random(seed)
    this.#mayLie = seed % LIES_EVERY === 0
    this.#count = seed % CROWD_EVERY === 0 ? CROWD : NODES
    this.#dice = new Random(seed ^ 0x5eed)
    this.#world = new World(seed, this.#count, this.#mayLie, {
      said: message => this.#injector.said(message),
      told: (by, message) => this.#injector.told(by, message),
      asked: by => this.#answers(by)
    })
    this.#words = new Vocabulary(this.#dice, () => this.#world.present())
    this.#injector = new Injector(this.#world, this.#dice, this.#words, this.#mayLie)
  }

  run(): Report {
    let failure: string | null = null
    let symptom: string | null = null
    try {
      for (; this.#round < ROUNDS; this.#round++) this.#runRound()
    } catch (error) {
      const { message, stack = '', name } = error as Error
      failure = name === 'Error' && !stack.includes('/src/core/') ? message : stack
      symptom = symptomOf(message)
    }
    const { taken, refused } = this.#injector
    const injections = this.#injections
    const steps = this.#world.steps
    return { seed: this.#seed, failure, symptom, injections, taken, refused, steps }
  }

  #runRound(): void {
    const world = this.#world
    this.#beganAt = world.eventQueue.now
    this.#asked.clear()
    world.startAll()
    world.arrive()
    this.#planWork()
    this.#planRestarts()
    if (this.#given === null) this.#planInjections()
    else this.#planGiven(this.#given)
    world.until(this.#beganAt + BUSY_MS)
    world.vanish()
    // Whoever has left or crashed is back; who was told to drain drains until it starts anew.
    for (const place of this.#places()) if (this.#isDraining(place)) world.crash(place)
    world.startAll()
    if (!this.#mayLie) this.#check()
    this.#startAnew()
    this.#check()
  }

  #places(): number[] {
    return Array.from({ length: this.#count }, (_, place) => place)
  }

  #isDraining(place: number): boolean {
    return this.#world.at(place)?.core.view.self().draining === true
  }

  /** All go at once, and come back with what is on their disks, or with what is left of it. */
  #startAnew(): void {
    const world = this.#world
    for (const place of this.#places()) world.crash(place)
    world.until(world.eventQueue.now + 50)
    const damaged = this.#random.pick(this.#places())
    if (this.#random.chance(0.3)) world.disk(damaged).damage(this.#random, this.#words)
    world.startAll()
  }

  #check(): void {
    checkWorking(this.#world, this.#requests + 1)
    this.#requests += 2 * this.#count
  }

  #after(ms: number, run: () => void): void {
    this.#world.eventQueue.after(ms, run)
  }

  #planWork(): void {
    const random = this.#random
    const soon = (): number => random.whole(0, BUSY_MS - 500)
    for (let n = 0; n < SUBMISSIONS; n++) this.#after(soon(), () => this.#submit())
    for (let n = 0; n < COMMANDS; n++) this.#after(soon(), () => this.#command())
    for (let n = 0; n < KEYS; n++) {
      const key = `key ${this.#round} ${n}`
      this.#after(soon(), () => this.#submitUnder(key))
    }
    if (this.#round === 0) this.#after(300, () => this.#submitEndless())
  }

  #planRestarts(): void {
    const random = this.#random
    const place = random.whole(0, this.#count - 1)
    const at = random.whole(300, BUSY_MS / 2)
    this.#after(at, () => this.#world.crash(place))
    this.#after(at + random.whole(100, DOWN_MS_MAX), () => this.#world.start(place))
    if (!random.chance(0.3)) return
    const leaver = random.whole(0, this.#count - 1)
    this.#after(random.whole(BUSY_MS / 2, BUSY_MS), () => {
      const kind = random.chance(0.7) ? 'leave' : 'drain'
      const node = this.#world.at(leaver)
      if (kind === 'leave') node?.feed({ kind, abort: random.chance(0.5) })
      else node?.feed({ kind, node: node.id })
    })
  }

  #submit(): void {
    const node = this.#open()
    if (node === undefined) return
    const random = this.#random
    const payload = node.content(JSON.stringify('x'.repeat(random.pick([1, 100, 8000]))))
    if (payload === null) return
    const draft = extremeDraft(random, this.#world.tasks, payload, this.#circumstances())
    node.feed({
      kind: 'submit',
      request: ++this.#requests,
      id: null,
      draft,
      acks: random.pick([null, 0, 1])
    })
  }

  #circumstances(): Circumstances {
    return { nowMs: this.#world.nowMs, isKept: this.#seed % KEPT_EVERY === 0 }
  }

  /** On all nodes in the same instant. */
  #submitUnder(idempotencyKey: string): void {
    const draft = {
      ...extremeDraft(this.#random, [], 'null', this.#circumstances()),
      idempotencyKey
    }
    const id = simulatedKeyedId(idempotencyKey)
    for (const node of this.#world.alive()) {
      if (node.core.view.self().draining) continue
      node.feed({ kind: 'submit', request: ++this.#requests, id, draft, acks: null })
    }
  }

  #submitEndless(): void {
    const draft = endlessDraft()
    this.#open()?.feed({ kind: 'submit', request: ++this.#requests, id: null, draft, acks: 0 })
  }

  #command(): void {
    const node = this.#open()
    node?.feed(command(this.#random, this.#world.tasks, this.#world.names))
  }

  /** One that takes submissions. */
  #open(): ReturnType<World['at']> {
    const open = this.#world.alive().filter(({ core }) => !core.view.self().draining)
    return open.length > 0 ? this.#random.pick(open) : undefined
  }

  #planInjections(): void {
    const dice = this.#dice
    for (const place of this.#places()) {
      this.#after(100, () => {
        const node = this.#world.at(place)
        const message = this.#injector.greeting()
        if (node === undefined) return
        this.#inject({ ...this.#when(), to: node.id, kind: 'message', from: STRANGER, message })
      })
    }
    for (let n = 0; n < INJECTIONS; n++) {
      this.#after(dice.whole(200, BUSY_MS), () => {
        const alive = this.#world.alive()
        if (alive.length === 0) return
        const injection = this.#injector.next(dice.pick(alive), this.#when())
        if (injection !== null) this.#inject(injection)
      })
    }
  }

  #planGiven(given: readonly Injection[]): void {
    for (const injection of given) {
      if (injection.round !== this.#round || injection.kind === 'answer') continue
      this.#after(injection.at, () => this.#inject(injection))
    }
  }

  #when(): Pick<Injection, 'round' | 'at'> {
    return { round: this.#round, at: this.#world.eventQueue.now - this.#beganAt }
  }

  #inject(injection: Injection): void {
    const node = this.#world.alive().find(({ id }) => id === injection.to)
    if (node === undefined) return
    this.#injections.push(injection)
    switch (injection.kind) {
      case 'message':
        return node.feed({ kind: 'message', from: injection.from, message: injection.message })
      case 'sync':
        return this.#world.ask(node.id, injection.message)
      case 'load':
        return node.feed({ kind: 'load', request: ++this.#requests, news: injection.message })
      case 'answer':
        return
    }
  }

  #answers(by: NodeId): readonly News[] {
    const nth = this.#asked.get(by) ?? 0
    this.#asked.set(by, nth + 1)
    const mine = (all: readonly Injection[]): readonly News[] =>
      all.flatMap(each =>
        each.kind === 'answer' && each.round === this.#round && each.to === by && each.nth === nth
          ? [each.message]
          : []
      )
    if (this.#given !== null) {
      const given = mine(this.#given)
      for (const message of given) {
        this.#injections.push({ ...this.#when(), to: by, kind: 'answer', nth, message })
      }
      return given
    }
    const node = this.#world.alive().find(({ id }) => id === by)
    for (const message of node === undefined ? [] : this.#injector.news(node)) {
      this.#injections.push({ ...this.#when(), to: by, kind: 'answer', nth, message })
    }
    return mine(this.#injections)
  }
}

/** What two failures of one cause have in common: not the names and numbers in it. */
function symptomOf(message: string): string {
  return message
    .split('\n')[0]!
    .replace(/"[^"]*"|\S*\d\S*/g, '*')
    .slice(0, 200)
}
