/** The nodes of a simulation, and their disks: who is there, who comes, who dies. */
import { computerOf } from '../../core/base/computers.ts'
import { bootId, type NodeId } from '../../core/base/ids.ts'
import type { Message } from '../../core/message.ts'
import type { EventQueue } from './event-queue.ts'
import { planStalls } from './cpu.ts'
import { Disk } from './disk.ts'
import { labelsOf, poolsOf } from '../plan/workload.ts'
import type { Network, Seat } from './network.ts'
import type { Random } from './random.ts'
import type { Scenario } from '../scenario.ts'
import { EPOCH_MS, SimNode, type SimObserver } from './sim-node.ts'
import type { Transcript } from '../transcript.ts'
import { Versions } from './versions.ts'

/** All that a simulation is made of. */
export type World = Readonly<{
  eventQueue: EventQueue
  random: Random
  network: Network
  scenario: Scenario
  transcript: Transcript
}>

/** A crashed node is back within this. */
export const RESTART_MS_MAX = 2000
/** How far a wrong clock is off: further than anybody adopts. */
export const WRONG_MS = 3_600_000

export class Cluster {
  /** All that ever were, in the order in which they started. */
  readonly nodes: SimNode[] = []
  readonly #world: World
  readonly #simObserver: SimObserver
  readonly #versions: Versions
  /** Nodes of the older version that have been upgraded. */
  readonly #upgraded = new Set<number>()
  #copies = 0

  constructor(world: World, simObserver: SimObserver) {
    this.#world = world
    this.#simObserver = simObserver
    this.#versions = new Versions(world.scenario.unreadable)
  }

  alive(): SimNode[] {
    return this.nodes.filter(({ gone }) => !gone)
  }

  /** A node that is leaving takes no submissions: the shell refuses them. */
  open(): SimNode[] {
    return this.alive().filter(({ core }) => !core.view.self().draining)
  }

  /** Where tasks come that do not come anywhere. */
  isFirst(node: SimNode): boolean {
    return placeOf(node) === 0
  }

  /** The last node can run everything and never leaves, so that every task can settle. */
  isLast({ options }: SimNode): boolean {
    return options.name.endsWith(`/${this.#world.scenario.nodes - 1}`)
  }

  /**
   * The `i`th node starts, on a disk that may have been used before.
   *
   * @param seat where it is in the network. @default at its id
   */
  add(i: number, id: NodeId = `n${i}`, disk: Disk = new Disk(), seat: Seat = id): void {
    const { eventQueue, random, scenario } = this.#world
    const { types } = scenario
    const all = i === scenario.nodes - 1
    const work = this.#workOf(i)
    const skewMs = this.#skewMs(i)
    const start = disk.nextStart((EPOCH_MS + eventQueue.now + skewMs) * 1000)
    const boot = bootId(id, start, random.whole(0, 36 ** 6 - 1))
    const isOlder = i < scenario.older && !this.#upgraded.has(i)
    if (isOlder) this.#versions.note(boot)
    const options = {
      boot,
      skewMs,
      version: isOlder ? '0.0.0-older' : '0.0.0',
      read: isOlder ? (message: Message) => this.#versions.asRead(message) : null,
      name: instanceName(i, scenario),
      disk,
      seat,
      labels: labelsOf(random, scenario, all),
      slots: work?.slots ?? (all ? 1 : random.whole(0, 2)),
      handlers: work?.handlers ?? (all ? types : types.filter(() => random.chance(0.6))),
      pools: poolsOf(random, scenario)
    }
    const node = new SimNode(options, this.#world, this.#simObserver)
    this.nodes.push(node)
    node.start()
    planStalls(eventQueue, random, scenario, ms => node.pause(ms))
  }

  /** It dies, and is back a while later. @param diskLost with another disk, and so as another node */
  crash(node: SimNode, diskLost: boolean): void {
    const { eventQueue, random, transcript } = this.#world
    node.crash()
    transcript.add(`${node.id} CRASH${diskLost ? ', disk lost' : ''}`)
    const i = placeOf(node)
    const id = diskLost ? `${node.id}x` : node.id
    const disk = diskLost ? new Disk() : node.options.disk
    const seat = diskLost ? id : node.seat
    eventQueue.after(random.whole(0, RESTART_MS_MAX), () => this.add(i, id, disk, seat))
  }

  /** Whether another process runs under the same identity. */
  isTwin(node: SimNode): boolean {
    return this.alive().some(other => other !== node && other.id === node.id)
  }

  /** Whether a copy may start: under no name that another node has, nor as the third of its kind. */
  mayBeCopied({ id, options }: SimNode): boolean {
    const same = this.alive().filter(({ options: { name } }) => name === options.name)
    return same.length < 2 && same.every(other => other.id === id)
  }

  /** A second process starts on a copy of its disk, under its identity. */
  clone(node: SimNode, disk: Disk): void {
    this.#world.transcript.add(`${node.id} COPY STARTS`)
    this.add(placeOf(node), node.id, disk, `${node.id}#${++this.#copies}`)
  }

  /** It dies, and is back a while later as itself. @param disk what it has then */
  restore(node: SimNode, disk: Disk): void {
    const { eventQueue, random, transcript } = this.#world
    node.crash()
    transcript.add(`${node.id} CRASH, disk with ${disk.tasks.size} tasks`)
    const again = (): void => this.add(placeOf(node), node.id, disk, node.seat)
    eventQueue.after(random.whole(0, RESTART_MS_MAX), again)
  }

  /** All that run on the computer of this one. */
  onComputerOf(node: SimNode): SimNode[] {
    const computer = computerOf(node.options.name)
    return this.alive().filter(({ options }) => computerOf(options.name) === computer)
  }

  /** All nodes of a computer die, and their disks with them. Returns those nodes. */
  loseComputerOf(node: SimNode): SimNode[] {
    const lost = this.onComputerOf(node)
    for (const each of lost) this.crash(each, true)
    return lost
  }

  /** The `i`th node stops at once, and starts as the newer version, unless it has left. */
  upgrade(i: number): void {
    this.#upgraded.add(i)
    const node = this.alive().find(each => placeOf(each) === i)
    this.#world.transcript.add(`${instanceName(i, this.#world.scenario)} UPGRADE`)
    if (node !== undefined) this.crash(node, false)
  }

  /** What a node runs, if the dice do not say that. */
  #workOf(i: number): Readonly<{ slots: number; handlers: readonly string[] }> | null {
    const { arrival, types } = this.#world.scenario
    if (arrival === 'scattered') return null
    return i === 0 ? { slots: 0, handlers: [] } : { slots: 1, handlers: types }
  }

  #skewMs(i: number): number {
    const { random, scenario } = this.#world
    const { skewMsMax, wrongClocks } = scenario
    if (i < wrongClocks) return random.pick([-WRONG_MS, WRONG_MS])
    return skewMsMax > 0 ? random.whole(-skewMsMax, skewMsMax) : 0
  }
}

/** What the `i`th node is called. Each computer has every so-manieth node. */
export function instanceName(i: number, { computers }: Scenario): string {
  return `${computers > 1 ? `c${i % computers}` : 'sim'}/${i}`
}

/** The how-manieth node it is. */
function placeOf({ options }: SimNode): number {
  return Number(options.name.split('/')[1])
}
