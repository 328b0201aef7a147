/**
 * The invariants, each as a checker that looks on from outside and knows what no single node knows. The numbers are
 * those of the list in src/core/README.md.
 */
import type { BootId, TaskId } from '../../core/base/ids.ts'
import type { Effect, Run } from '../../core/effect.ts'
import type { Input, RunResult } from '../../core/input.ts'
import { CORE_DEFAULTS } from '../../core/options.ts'
import type { EventQueue } from '../world/event-queue.ts'
import type { Disk } from '../world/disk.ts'
import { areTogether, isAlone } from '../predicates.ts'
import type { Network } from '../world/network.ts'
import type { Scenario } from '../scenario.ts'
import type { SimNode, SimObserver } from '../world/sim-node.ts'
import { AttemptChecker } from './execution/attempts.ts'
import { checkBlobs, checkBlobsAtRest } from './data/blobs.ts'
import { checkAccepted, checkCalm } from './calm.ts'
import { CostChecker } from './cluster/costs.ts'
import { PlacementChecker, TellingChecker } from './cluster/placement.ts'
import type { Costs } from '../costs.ts'
import { ClockChecker } from './execution/clocks.ts'
import { ComputerChecker } from './data/computers.ts'
import { CopyChecker } from './data/copies.ts'
import { CoverageChecker } from './data/coverage.ts'
import { NotebookChecker } from './data/notebooks.ts'
import { History } from '../history.ts'
import { checkPools } from './execution/pools.ts'
import { CheckpointChecker } from './execution/checkpoints.ts'
import { IdleChecker } from './execution/idle.ts'
import { NeedChecker } from './execution/dependencies.ts'
import { LeaseChecker } from './execution/leases.ts'
import { CancelChecker, checkOptions } from './execution/options.ts'
import { OutcomeChecker } from './execution/outcomes.ts'
import { OverloadChecker } from './cluster/overload.ts'
import { ReclaimChecker } from './cluster/reclaims.ts'
import { checkAborts, SelfFencingChecker } from './execution/runs.ts'
import { StartChecker } from './execution/starts.ts'
import { TwinChecker } from './cluster/twins.ts'
import { UnreadableChecker } from './data/unreadable.ts'
import { WakeChecker } from './execution/wake.ts'

/** Time to come to rest, in virtual ms: a dependency that nobody knows is given up after 60 s. */
const CALM_MS = 90_000

/** Time to come to rest, in virtual ms. Where a node may be ten times slower than others, it is ten times longer. */
export function calmMsOf({ cpu }: Scenario): number {
  return CALM_MS * cpu.slowest
}

export class Checkers implements SimObserver {
  readonly leases: LeaseChecker = new LeaseChecker()
  readonly checkpoints: CheckpointChecker
  readonly #scenario: Scenario
  readonly #network: Network
  readonly #history: History
  readonly #coverage: CoverageChecker
  readonly #starts: StartChecker
  readonly #needs: NeedChecker
  /** All that has settled goes before the run ends. */
  readonly #forgets: boolean
  readonly #reclaims: ReclaimChecker
  readonly #outcomes: OutcomeChecker
  readonly #copies: CopyChecker
  readonly #attempts: AttemptChecker
  readonly #cancels = new CancelChecker()
  readonly #unreadable: UnreadableChecker
  readonly #selfFencing: SelfFencingChecker
  readonly #wake: WakeChecker
  readonly #idle: IdleChecker
  readonly #clocks: ClockChecker | null
  readonly #overload: OverloadChecker | null
  readonly #computers: ComputerChecker | null
  readonly #twins: TwinChecker
  readonly #telling = new TellingChecker()
  readonly #placement = new PlacementChecker()
  readonly #notebooks = new NotebookChecker()
  readonly #costs: CostChecker | null
  /**
   * Task -> until when its result waits for a second place: not at all, if its run ended where no other could be
   * reached.
   */
  readonly #waits = new Map<TaskId, number>()

  /** Whether nodes are taken for gone that live, for other reasons than lost words. */
  readonly #mayCut: boolean

  /**
   * @param nodes that there are: others are added on the way
   * @param costs what tasks cost, if that is counted
   */
  constructor(
    nodes: readonly SimNode[],
    network: Network,
    eventQueue: EventQueue,
    scenario: Scenario,
    costs: Costs | null
  ) {
    this.#scenario = scenario
    this.#network = network
    const { partitions, pauses, oneWay, partial } = scenario
    this.#mayCut = partitions + pauses + oneWay + partial > 0
    this.#history = new History(nodes)
    this.#starts = new StartChecker(this.#history)
    this.checkpoints = new CheckpointChecker(this.#history)
    this.#forgets = scenario.retentionMs < calmMsOf(scenario)
    this.#needs = new NeedChecker(this.#history)
    this.#outcomes = new OutcomeChecker(this.#history)
    this.#coverage = new CoverageChecker(this.#history, (node, state) => {
      this.#history.noteWritten(state.spec.id)
      this.#notebooks.wrote(node, state)
      this.#placement.wrote(state)
      this.#reclaims.wrote(node, state)
      this.#starts.wrote(node, state)
      this.#needs.wrote(node, state)
      this.#outcomes.wrote(node, state)
    })
    this.#copies = new CopyChecker(this.#history)
    this.#attempts = new AttemptChecker(this.#history, eventQueue, scenario)
    this.#reclaims = new ReclaimChecker(nodes, network, scenario)
    this.#unreadable = new UnreadableChecker(nodes, this.#history.written)
    this.#selfFencing = new SelfFencingChecker(nodes, scenario)
    this.#wake = new WakeChecker(nodes, scenario)
    this.#idle = new IdleChecker(nodes, network, scenario)
    this.#clocks = ClockChecker.fits(scenario) ? new ClockChecker(eventQueue, nodes) : null
    this.#overload = OverloadChecker.fits(scenario) ? new OverloadChecker(nodes) : null
    this.#twins = new TwinChecker(this.#history)
    this.#costs = costs === null ? null : new CostChecker(costs, scenario)
    this.#computers = ComputerChecker.fits(scenario)
      ? new ComputerChecker(this.#history, scenario)
      : null
  }

  /** How many tasks have settled, as far as a caller was told. */
  get settled(): number {
    return this.#history.settled.size
  }

  isAlive(boot: BootId): boolean {
    return this.#history.alive().some(({ options }) => options.boot === boot)
  }

  stepped(node: SimNode, input: Input, effects: readonly Effect[]): void {
    const history = this.#history
    if (this.#mayCut && effects.some(effect => isFalseSuspicion(effect, history))) history.cut()
    this.#coverage.check(node)
    this.#notebooks.check(node, input, effects)
    history.noteTold(node, effects)
    this.#outcomes.check(node, input, effects)
    this.#copies.check(node, input, effects)
    // What is past its time may be pruned while a task that depends on it is on its way.
    if (!this.#forgets) this.#needs.check(node, effects)
    history.noteForgotten(node, effects)
    this.#starts.check(node, effects)
    this.checkpoints.check(node, effects)
    checkPools(node, effects)
    for (const effect of effects) {
      if (effect.kind === 'notify') this.#reclaims.check(node, effect.event)
      if (effect.kind === 'start') this.#idle.started(node, effect.run.pool)
    }
    history.noteLeft(node, effects)
    this.#starts.note(node, input)
    this.#attempts.check(node, input, effects)
    if (this.#scenario.cancels > 0) this.#cancels.check(node)
    this.#unreadable.stepped(node, input, effects)
    checkBlobs(node, history, effects, id => node.now < (this.#waits.get(id) ?? Infinity))
    checkOptions(node, effects)
    this.#clocks?.check(node, effects)
    this.#overload?.check(node, effects)
    this.#computers?.check(node, input, effects)
    this.#selfFencing.check(node, effects)
    this.#wake.check(node, effects)
    checkAborts(node, effects)
    this.#twins.check(node, effects)
    this.#telling.check(node, effects)
    this.#placement.check(node, input, effects)
    this.#costs?.check(node, input, effects)
  }

  ran(node: SimNode, run: Run, result: RunResult): void {
    this.#waits.set(run.taskId, isAlone(node) ? 0 : node.now + CORE_DEFAULTS.acksTimeoutMs)
    this.#history.ran(run, result)
  }

  /** The network is cut in two, or a node stands still. A node that starts then may run what others run. */
  cut(): void {
    this.#history.cut()
  }

  /**
   * Disks are lost at once, and what was on no other with them. @param back what a node comes back with. @default
   * nothing
   */
  lost(disks: readonly Disk[], back?: Disk): void {
    const isFirst = !this.#history.hasLoss
    for (const disk of disks) this.#history.lose(disk, back)
    if (isFirst) return
    this.#starts.lostMore()
    this.#computers?.lostMore()
  }

  /** Now and then. @param now virtual time */
  look(now: number): void {
    this.#idle.check(now)
    const history = this.#history
    // While there is a cut, a node that is down or still to come may start on its other side.
    const isTogether = (): boolean => areTogether(history.alive(), this.#network)
    if (history.isCut && this.#network.isWhole && isTogether()) history.isCut = false
  }

  /** When all has calmed down. Throws as long as something is still to come. */
  final(): void {
    for (const { core } of this.#history.alive()) core.assertInvariants()
    checkAccepted(this.#history)
    this.#unreadable.final()
    checkCalm(this.#history, this.#scenario.settledMax, this.#forgets)
    this.#outcomes.final()
    for (const node of this.#history.alive()) this.#cancels.final(node)
    this.#computers?.final()
    this.#costs?.final(this.#history.settled.size)
    if (this.#scenario.clones > 0) this.#twins.final()
    const { disksLost, deaths, computersLost, computersGone, damages } = this.#scenario
    if (disksLost + deaths + computersLost + computersGone + damages > 0) return
    checkBlobsAtRest(this.#history.nodes, this.#history.leftAlone.size > 0)
  }
}

/** A node that lives is taken for gone, because it has been silent. */
function isFalseSuspicion(effect: Effect, history: History): boolean {
  if (effect.kind !== 'notify' || effect.event.name !== 'node:unreachable') return false
  const { node } = effect.event
  return history.alive().some(({ id }) => id === node)
}
