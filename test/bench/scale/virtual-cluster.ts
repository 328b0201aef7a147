/**
 * A cluster in virtual time whose tasks all come to one node that runs none, and what they cost: the simulator's nodes
 * and network, with nothing that goes wrong, and nobody who checks.
 */
import { nodeOf, type BootId } from '../../../src/core/base/ids.ts'
import type { Effect } from '../../../src/core/effect.ts'
import type { Input } from '../../../src/core/input.ts'
import { isSettled } from '../../../src/core/task/record.ts'
import { Costs } from '../../../src/sim/costs.ts'
import { Callers } from '../../../src/sim/plan/callers.ts'
import { SCENARIO_DEFAULTS, type Arrival, type Scenario } from '../../../src/sim/scenario.ts'
import { Transcript } from '../../../src/sim/transcript.ts'
import { Cluster } from '../../../src/sim/world/cluster.ts'
import { EventQueue } from '../../../src/sim/world/event-queue.ts'
import { Network } from '../../../src/sim/world/network.ts'
import { Random } from '../../../src/sim/world/random.ts'
import type { SimNode, SimObserver } from '../../../src/sim/world/sim-node.ts'
import { floorOf } from '../../support/virtual.ts'

/** All on a switch, with disks as SSDs are, and tasks that are neither nothing nor long. */
const SCENARIO: Scenario = {
  ...SCENARIO_DEFAULTS,
  types: ['work'],
  dependent: 0,
  failing: 0,
  runMsMax: 100,
  diskMsMax: 4,
  // Nothing is pruned on the way: that is another cost.
  retentionMs: 1e9,
  settledMax: 1e6,
  network: {
    ...SCENARIO_DEFAULTS.network,
    gossipLoss: 0,
    gossipRepeat: 0,
    linkBreak: 0,
    syncBreak: 0,
    delayMsMin: 1,
    delayMsMax: 1
  }
}
/** What nobody is in a hurry with, such as the last acknowledgements, is over after this. */
const REST_MS = 1000
/** Far more than any of them takes: what is not over by then hangs. */
const HOURS_MAX = 24

export type Measured = Readonly<{
  arrival: Arrival
  nodes: number
  tasks: number
  costs: Costs
  /** From the first submission until what nobody is in a hurry with is over, too. */
  elapsedMs: number
  /** From when the last task had ended until all nodes knew how all had. */
  knownMs: number
  /**
   * From the first submission until the last task had ended, as a multiple of the time of workers that only pull; of the
   * time of one of them, if tasks come one by one.
   */
  ofTheFloor: number
}>

/** Runs `tasks` tasks on `nodes` nodes, each on a computer of its own. */
export function measure(arrival: Arrival, nodes: number, tasks: number): Measured {
  return new VirtualCluster({ ...SCENARIO, arrival, nodes, computers: nodes, tasks }).run()
}

class VirtualCluster implements SimObserver {
  readonly stepsPerCheck = Infinity
  readonly #scenario: Scenario
  readonly #eventQueue = new EventQueue()
  readonly #costs = new Costs()
  readonly #cluster: Cluster
  readonly #callers: Callers
  readonly #durationsMs: number[] = []
  #submittedAt = -1
  #endedAt = 0

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    const random = new Random(1)
    const network = new Network(this.#eventQueue, random, scenario.network, this.#costs)
    const transcript = new Transcript(this.#eventQueue)
    const world = { eventQueue: this.#eventQueue, random, network, scenario, transcript }
    this.#cluster = new Cluster(world, this)
    this.#callers = new Callers(world, this.#cluster)
  }

  run(): Measured {
    const { arrival, nodes, tasks } = this.#scenario
    const queue = this.#eventQueue
    for (let i = 0; i < nodes; i++) this.#cluster.add(i, peerIdOf(i))
    this.#callers.begin()
    this.#until(() => this.#durationsMs.length === tasks)
    const knowing = new Map(this.#cluster.nodes.map(node => [node, 0]))
    this.#until(() => this.#areKnown(knowing))
    const knownMs = queue.now - this.#endedAt
    while (queue.runNext(queue.now + REST_MS) && queue.now < this.#endedAt + knownMs + REST_MS);
    const workers = arrival === 'one-by-one' ? 1 : nodes - 1
    const floorMs = floorOf(workers, this.#durationsMs)
    return {
      arrival,
      nodes,
      tasks,
      costs: this.#costs,
      elapsedMs: queue.now - this.#submittedAt,
      knownMs,
      ofTheFloor: (this.#endedAt - this.#submittedAt) / floorMs
    }
  }

  stepped(node: SimNode, input: Input, effects: readonly Effect[]): void {
    if (input.kind === 'submit' && this.#submittedAt < 0) this.#submittedAt = this.#eventQueue.now
    if (input.kind === 'completion') {
      this.#durationsMs.push(input.durationMs)
      this.#endedAt = this.#eventQueue.now
    }
    this.#callers.told(node, effects)
    this.#costs.stepped(node, input, effects)
  }

  ran(): void {}

  isAlive(boot: BootId): boolean {
    return this.#cluster.alive().some(({ id }) => id === nodeOf(boot))
  }

  #until(isSo: () => boolean): void {
    while (!isSo()) {
      if (this.#eventQueue.runNext(HOURS_MAX * 3_600_000)) continue
      throw new Error(`${this.#scenario.nodes} nodes have not ended their tasks`)
    }
  }

  /** Whether all nodes know how all tasks ended. @param knowing node -> how many of the tasks it was seen to know of */
  #areKnown(knowing: Map<SimNode, number>): boolean {
    const ids = this.#callers.accepted
    for (const [node, from] of knowing) {
      let count = from
      while (count < ids.length) {
        const record = node.core.view.record(ids[count]!)
        if (record === undefined || !isSettled(record)) break
        count++
      }
      if (count === this.#scenario.tasks) knowing.delete(node)
      else knowing.set(node, count)
    }
    return knowing.size === 0
  }
}

/** As long as that of an Ed25519 key: most messages name nodes. */
function peerIdOf(i: number): string {
  return `12D3KooW${String(i).padStart(44, '0')}`
}
