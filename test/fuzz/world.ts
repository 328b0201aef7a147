/**
 * A cluster of real cores in virtual time, with a stranger among them that has the key: the simulator's nodes, network and
 * eventQueue, disks that keep bytes, and a look at every effect.
 *
 * Whatever goes wrong is thrown where it is seen: an exception or an assertion of a core, a message that others would
 * refuse or that is too large (the simulated network decodes all that it carries), a disk that cannot be read again, a node
 * that gives way, a step that does not end.
 */
import { bootId, type BootId, type NodeId, type TaskId } from '../../src/core/base/ids.ts'
import { RETIRED } from '../../src/core/base/version-vector.ts'
import type { Effect } from '../../src/core/effect.ts'
import type { Input } from '../../src/core/input.ts'
import type { Message, News } from '../../src/core/message.ts'
import { EventQueue } from '../../src/sim/world/event-queue.ts'
import { Network } from '../../src/sim/world/network.ts'
import { Random } from '../../src/sim/world/random.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { EPOCH_MS, SimNode, type SimObserver } from '../../src/sim/world/sim-node.ts'
import { ByteDisk } from './byte-disk.ts'
import { endingOf } from './endings.ts'
import type { Present } from './vocabulary.ts'
import { TYPES } from './workload.ts'

/** What every node can run, and what shows that nodes work together. */
export const PROBE = 'probe'
export const STRANGER = 'e0'
/** Anybody else who hands on gossip. */
export const PASSER_BY = 'z9'
const SCENARIO: Scenario = {
  ...SCENARIO_DEFAULTS,
  failing: 0.3,
  blobs: 0.1,
  runMsMax: 5,
  diskMsMax: 2,
  network: {
    ...SCENARIO_DEFAULTS.network,
    gossipLoss: 0.1,
    gossipRepeat: 0.05,
    linkBreak: 0.002,
    syncBreak: 0.05,
    delayMsMax: 10
  }
}
/**
 * CPU time of one step of a core. Measured: the slowest honest one takes 0.2 s. What is worse than linear takes ten times as
 * long as this with the longest lists that a frame has room for.
 */
const STEP_CPU_MS_MAX = 4000
/** From one look at what is waited for to the next, in virtual ms. */
const LOOK_MS = 250

export type Listener = Readonly<{
  /** Something that a node says, to be changed and said again. */
  said: (message: Message) => void
  /** The stranger is asked by a node, and answers. */
  asked: (by: NodeId) => Iterable<News>
  /** The stranger is spoken to. */
  told: (by: NodeId, message: Message) => void
}>

export class World implements SimObserver {
  readonly eventQueue: EventQueue = new EventQueue()
  readonly nodes: SimNode[] = []
  /** Of submissions that were accepted. */
  readonly accepted = new Map<number, TaskId>()
  readonly tasks: TaskId[] = []
  steps = 0
  readonly #seed: number
  readonly #count: number
  readonly #mayLie: boolean
  readonly #listener: Listener
  readonly #network: Network
  readonly #disks: ByteDisk[] = []
  #stranger: BootId | null = null
  #starts = 0
  #present: Present | null = null
  #presentAt = -1

  constructor(seed: number, count: number, mayLie: boolean, listener: Listener) {
    this.#seed = seed
    this.#mayLie = mayLie
    this.#count = count
    this.#listener = listener
    this.#network = new Network(this.eventQueue, this.#dice('network'), SCENARIO.network)
    for (let place = 0; place < count; place++) this.#disks.push(new ByteDisk())
  }

  get nowMs(): number {
    return EPOCH_MS + this.eventQueue.now
  }

  get names(): string[] {
    return this.#disks.map((_, place) => nameOf(place))
  }

  get strangerBoot(): BootId {
    return this.#stranger ?? bootId(STRANGER, EPOCH_MS * 1000, 0)
  }

  alive(): SimNode[] {
    return this.nodes.filter(({ gone }) => !gone)
  }

  at(place: number): SimNode | undefined {
    return this.alive().find(({ options }) => options.name === nameOf(place))
  }

  disk(place: number): ByteDisk {
    return this.#disks[place]!
  }

  /** What a vocabulary may know. */
  present(): Present {
    if (this.#present === null || this.#presentAt !== this.eventQueue.now) {
      this.#present = this.#look()
      this.#presentAt = this.eventQueue.now
    }
    return this.#present
  }

  #look(): Present {
    const live = this.alive().map(({ options }) => options.boot)
    const vectors = this.alive().flatMap(({ core }) => [...core.view.mergedVector()])
    const boots = [
      ...this.nodes.map(({ options }) => options.boot),
      ...vectors.map(([boot]) => boot)
    ]
    const past = [...new Set(boots)]
    return {
      nowMs: this.nowMs,
      live,
      past: past.filter(boot => !live.includes(boot)),
      closed: vectors.flatMap(([boot, upTo]) => (upTo === RETIRED ? [boot] : [])),
      strangers: [this.strangerBoot, bootId(PASSER_BY, EPOCH_MS * 1000, 0)],
      names: [...this.names, 'late/0', 'e/0'],
      tasks: this.tasks.slice(-50)
    }
  }

  /** Starts the node of a place with what is on its disk, unless it runs. */
  start(place: number): void {
    if (this.at(place) !== undefined) return
    const disk = this.#disks[place]!
    const random = this.#dice(`node ${place} ${++this.#starts}`)
    const world = {
      eventQueue: this.eventQueue,
      random,
      network: this.#network,
      scenario: SCENARIO
    }
    const start = disk.nextStart(this.nowMs * 1000)
    const options = {
      boot: bootId(`n${place}`, start, random.whole(0, 36 ** 6 - 1)),
      skewMs: 0,
      version: '0.0.0',
      read: null,
      name: nameOf(place),
      disk,
      labels: { power: String(place % 10) },
      slots: 2,
      handlers: [...TYPES, PROBE],
      ending: endingOf(random)
    }
    const node = new SimNode(options, world, this)
    watch(node)
    this.nodes.push(node)
    node.start()
  }

  startAll(): void {
    for (let place = 0; place < this.#count; place++) this.start(place)
  }

  crash(place: number): void {
    this.at(place)?.crash()
  }

  /** Somebody with the key is there, linked to all. */
  arrive(): void {
    this.#stranger = bootId(STRANGER, this.nowMs * 1000, 0)
    this.#network.join(STRANGER, {
      message: (from, message) => this.#listener.told(from, message),
      link: () => {},
      syncEnded: () => {},
      addresses: () => {},
      answerSync: from => this.#listener.asked(from),
      hasBlob: () => false
    })
  }

  /** It goes, and refuses connections from now on. */
  vanish(): void {
    this.#network.end(STRANGER)
  }

  /** The stranger asks, and hears all of the answer. */
  ask(node: NodeId, request: Extract<Message, { kind: 'sync' }>): void {
    this.#network.sync(STRANGER, node, request)
  }

  /** Does what is due until then. */
  until(ms: number): void {
    while (this.eventQueue.runNext(ms));
  }

  /** @throws Error naming `what`, if it is not so after that time. */
  waitFor(what: () => string | null, msMax: number): void {
    const end = this.eventQueue.now + msMax
    // Time stands still where nothing is due.
    for (let at = this.eventQueue.now; ; at += LOOK_MS) {
      const missing = what()
      if (missing === null) return
      if (at >= end) throw new Error(missing)
      this.until(at + LOOK_MS)
    }
  }

  stepped(node: SimNode, _input: Input, effects: readonly Effect[]): void {
    this.steps++
    for (const effect of effects) {
      if (effect.kind === 'send' || effect.kind === 'publish') this.#listener.said(effect.message)
      if (effect.kind === 'sync') this.#listener.said(effect.request)
      if (effect.kind === 'accepted') {
        this.accepted.set(effect.request, effect.taskId)
        this.tasks.push(effect.taskId)
      }
      if (effect.kind === 'give-way') this.#gaveWay(node, effect.why)
    }
  }

  ran(): void {}

  /** Whoever is told so by a namesake goes. Where nobody lies there is none. */
  #gaveWay(node: SimNode, why: string): void {
    if (!this.#mayLie) throw new Error(`${node.id} gives way, for its ${why}, to nobody`)
    this.eventQueue.after(0, () => node.crash())
  }

  isAlive(boot: BootId): boolean {
    return this.alive().some(({ options }) => options.boot === boot)
  }

  /** Dice of its own for each purpose: what one of them throws does not change what another does. */
  #dice(purpose: string): Random {
    let hash = this.#seed
    for (const letter of purpose) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193)
    return new Random(hash)
  }
}

export function nameOf(place: number): string {
  return `fuzz/${place}`
}

/** Looks at how long each step of a node takes. It throws if that is too long, whatever the load of the computer. */
function watch({ id, core }: SimNode): void {
  const step = core.step.bind(core)
  core.step = (now, input) => {
    const before = process.cpuUsage()
    const effects = step(now, input)
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1000 > STEP_CPU_MS_MAX) {
      throw new Error(`one step kept ${id} busy for more than ${STEP_CPU_MS_MAX} ms of CPU time`)
    }
    return effects
  }
}
