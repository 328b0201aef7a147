/**
 * A whole cluster in one thread and virtual time. One seed gives one history: what a seed found, it finds again.
 *
 * A run has two parts. While it is busy, tasks are submitted, nodes join and leave, and the network does its worst.
 * Then it calms down, and has to come to rest: everything settled, all replicas equal.
 */
import type { BootId } from '../core/base/ids.ts'
import type { Effect, Run } from '../core/effect.ts'
import type { CheckpointChecker } from './checkers/execution/checkpoints.ts'
import type { LeaseChecker } from './checkers/execution/leases.ts'
import type { Input, RunResult } from '../core/input.ts'
import { inSources } from '../shared/source-places.ts'
import { EventQueue } from './world/event-queue.ts'
import { Callers } from './plan/callers.ts'
import { calmMsOf, Checkers } from './checkers/checkers.ts'
import { CostChecker } from './checkers/cluster/costs.ts'
import { Costs } from './costs.ts'
import { Cluster, RESTART_MS_MAX, type World, WRONG_MS } from './world/cluster.ts'
import { isCostly } from './world/cpu.ts'
import { Faults } from './plan/faults.ts'
import { Network } from './world/network.ts'
import { Operators } from './plan/operators.ts'
import { plan } from './plan/plan.ts'
import { Random } from './world/random.ts'
import { SCENARIO_DEFAULTS, type Scenario } from './scenario.ts'
import type { SimNode, SimObserver } from './world/sim-node.ts'
import { Transcript } from './transcript.ts'
import { Violation } from './violation.ts'

/** What came of one seed. */
export type Report = Readonly<{
  seed: number
  /** Null if all invariants held. */
  violation: Violation | null
  transcript: readonly string[]
  steps: number
  /** Tasks whose submission was acknowledged. */
  accepted: number
  /** How many tasks were told to have settled. */
  settled: number
}>

const CHECK_REST_MS = 1000
const CHECK_IDLE_MS = 100

/** Runs one seed. Throws nothing: whatever goes wrong is in the report. */
export function simulate(seed: number, scenario: Partial<Scenario> = {}): Report {
  return new Simulation(seed, { ...SCENARIO_DEFAULTS, ...scenario }).run()
}

class Simulation implements SimObserver {
  readonly #seed: number
  readonly #world: World
  readonly #cluster: Cluster
  readonly #checkers: Checkers
  readonly #callers: Callers
  readonly #faults: Faults
  #steps = 0

  constructor(seed: number, scenario: Scenario) {
    this.#seed = seed
    const eventQueue = new EventQueue()
    const random = new Random(seed)
    const costs = CostChecker.fits(scenario) ? new Costs() : null
    const network = new Network(eventQueue, random, scenario.network, costs)
    this.#world = { eventQueue, random, network, scenario, transcript: new Transcript(eventQueue) }
    this.#cluster = new Cluster(this.#world, this)
    this.#checkers = new Checkers(this.#cluster.nodes, network, eventQueue, scenario, costs)
    this.#callers = new Callers(this.#world, this.#cluster)
    this.#faults = new Faults(this.#world, this.#cluster, this.#checkers)
  }

  run(): Report {
    const { network, scenario, transcript } = this.#world
    let violation: Violation | null = null
    try {
      const operators = new Operators(this.#world, this.#cluster)
      const faults = this.#faults
      plan(this.#world, { cluster: this.#cluster, callers: this.#callers, faults, operators })
      this.#look()
      this.#until(scenario.busyMs)
      network.calm()
      network.heal()
      this.#comeToRest()
    } catch (error) {
      violation =
        error instanceof Violation
          ? error
          : new Violation(0, inSources(String((error as Error).stack)))
      for (const node of this.#cluster.nodes) if (!node.gone) transcript.waits(node)
      transcript.add(violation.message)
    }
    return {
      seed: this.#seed,
      violation,
      transcript: transcript.lines,
      steps: this.#steps,
      accepted: new Set(this.#callers.accepted).size,
      settled: this.#checkers.settled
    }
  }

  stepped(node: SimNode, input: Input, effects: readonly Effect[]): void {
    this.#steps++
    this.#world.transcript.step(node, input, effects)
    this.#callers.told(node, effects)
    this.#checkers.stepped(node, input, effects)
    this.#faults.told(node, effects)
  }

  isAlive(boot: BootId): boolean {
    return this.#checkers.isAlive(boot)
  }

  get leases(): LeaseChecker {
    return this.#checkers.leases
  }

  get checkpoints(): CheckpointChecker {
    return this.#checkers.checkpoints
  }

  ran(node: SimNode, run: Run, result: RunResult): void {
    this.#checkers.ran(node, run, result)
  }

  #comeToRest(): void {
    const { busyMs, skewMsMax, wrongClocks, clockSteps } = this.#world.scenario
    // What is to wait may be stamped by a node that has not heard yet that its clock is wrong.
    const offMs = wrongClocks + clockSteps > 0 ? WRONG_MS : 2 * skewMsMax
    // While a node is away, what only it can run need not have settled: that is no rest.
    const calmAt = busyMs + RESTART_MS_MAX
    for (let at = calmAt; ; at += CHECK_REST_MS) {
      this.#until(at)
      try {
        return this.#checkers.final()
      } catch (violation) {
        if (at >= calmAt + calmMsOf(this.#world.scenario) + offMs) throw violation
      }
    }
  }

  #until(ms: number): void {
    while (this.#world.eventQueue.runNext(ms));
  }

  #look(): void {
    const { eventQueue, scenario } = this.#world
    this.#checkers.look(eventQueue.now)
    const ms = isCostly(scenario.cpu) ? CHECK_REST_MS : CHECK_IDLE_MS
    eventQueue.after(ms, () => this.#look())
  }
}
