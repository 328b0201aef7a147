/**
 * Invariant 16. A task's cost does not fall on those who have no part in it: where tasks come one by one to an idle
 * cluster, each goes straight to one node and back, and is told to everybody else twice at most; and nobody asks for
 * news that are only late.
 */
import type { Effect } from '../../../core/effect.ts'
import type { Input } from '../../../core/input.ts'
import type { Costs } from '../../costs.ts'
import type { Scenario } from '../../scenario.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

const INVARIANT = 16
/** Kinds of messages that are told now and then, however many tasks there were. */
const APART: ReadonlySet<string> = new Set(['heartbeat', 'ack, lazy', 'counts'])
/** Messages a task with six nodes: the task and how it has ended, straight, and what its submitter and its runner tell each other node. */
const MESSAGES_MAX = 12
/** Messages that each node beyond these six may add. */
const TELLINGS_MAX = 2
const NODES = 6
/**
 * Of what is told twice, and now and then of a start by itself. Measured: 2.3 where tasks take 50 ms on average, and no
 * more on 12 nodes than on 6.
 */
const MERGES_MAX = 3

export class CostChecker {
  readonly #costs: Costs
  readonly #nodes: number
  readonly #tasks: number
  #hasBegun = false

  /** Whether tasks come one by one, and nothing goes wrong that would have to be made good. */
  static fits({ arrival, network, leaving, late, ...scenario }: Scenario): boolean {
    if (arrival !== 'one-by-one' || leaving + late > 0 || scenario.crashAll) return false
    const { gossipLoss, gossipRepeat, linkBreak, syncBreak } = network
    const { crashes, deaths, partitions, pauses, oneWay, partial, fullDisks, loads } = scenario
    const { damages, clones, drains, changes, failing, keyed, blobs, once, questions } = scenario
    const faults = crashes + deaths + partitions + pauses + oneWay + partial + fullDisks + loads
    const uncommon =
      damages + clones + drains + changes + failing + keyed + blobs + once + questions
    return gossipLoss + gossipRepeat + linkBreak + syncBreak + faults + uncommon === 0
  }

  constructor(costs: Costs, { nodes, tasks }: Scenario) {
    this.#costs = costs
    this.#nodes = nodes
    this.#tasks = tasks
  }

  check(node: SimNode, input: Input, effects: readonly Effect[]): void {
    this.#hasBegun ||= input.kind === 'submit'
    this.#costs.stepped(node, input, effects)
    if (!this.#hasBegun || !effects.some(({ kind }) => kind === 'sync')) return
    throw new Violation(INVARIANT, `${node.options.name} asks for news that are only late`)
  }

  /** @param settled how many tasks a caller was told to have settled */
  final(settled: number): void {
    if (settled < this.#tasks) throw new Violation(INVARIANT, 'not all tasks have come yet')
    if (this.#tasks === 0) return
    const counted = [...this.#costs.kinds()].filter(([kind]) => !APART.has(kind))
    const messages = counted.reduce((sum, [, cost]) => sum + cost.messages, 0) / this.#tasks
    const most = MESSAGES_MAX + TELLINGS_MAX * Math.max(0, this.#nodes - NODES)
    if (messages > most) throw tooMuch(`${messages} messages, and not ${most}`)
    const { merges } = this.#costs.mean('bystander', this.#nodes)
    if (merges > MERGES_MAX) throw tooMuch(`a bystander ${merges} merges, and not ${MERGES_MAX}`)
  }
}

function tooMuch(what: string): Violation {
  return new Violation(INVARIANT, `a task costs ${what}`)
}
