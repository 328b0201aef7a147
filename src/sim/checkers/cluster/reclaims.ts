/**
 * Invariant 6: who is merely silent is taken from only by those who see a majority. What a node gave it, and what it has
 * not said to have, that node may take back, if it may run more than once.
 *
 * A node may be wrong about whom it sees: it misses the others one by one. So where nothing but one cut keeps a node
 * from hearing the others, it is not asked: the checker knows which side of the cut is the larger one.
 */
import { hasWrite } from '../../../core/base/coverage.ts'
import { nodeOf, type BootId, type TaskId } from '../../../core/base/ids.ts'
import type { CoreEvent } from '../../../core/effect.ts'
import type { TaskRecord } from '../../../core/task/record.ts'
import { seesHalf } from '../../predicates.ts'
import type { Network } from '../../world/network.ts'
import type { Scenario } from '../../scenario.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

/** A boot has given a task to another. */
type Given = Readonly<{
  giver: BootId
  taker: BootId
  /** A write of the giver, which has written that it gave the task by then. */
  seq: number
}>

export class ReclaimChecker {
  readonly #nodes: readonly SimNode[]
  readonly #network: Network
  /** Whether silence is taken for absence at all. */
  readonly #suspects: boolean
  /** Whether everybody is heard of regularly, but for the cut. */
  readonly #isClear: boolean

  /** Task -> who gave it away last, to whom; if it has not been heard to run there. */
  readonly #given = new Map<TaskId, Given>()
  /** Task -> the highest epoch that was written: whoever writes it first has made that claim. */
  readonly #epochs = new Map<TaskId, number>()

  constructor(nodes: readonly SimNode[], network: Network, scenario: Scenario) {
    const { unreachableMs, busyMs, partitions, pauses } = scenario
    const { gossipLoss, linkBreak } = scenario.network
    this.#nodes = nodes
    this.#network = network
    this.#suspects = unreachableMs < busyMs
    this.#isClear = partitions === 1 && pauses + gossipLoss + linkBreak === 0
  }

  check(node: SimNode, event: CoreEvent): void {
    this.#note(node, event)
    if (event.name !== 'task:reclaimed' || event.by !== node.options.boot) return
    const { from = null, taskId } = event
    const given = this.#given.get(taskId)
    if (given?.giver === event.by && given.taker === from && mayTakeBack(node, taskId, given))
      return
    const alive = this.#nodes.filter(({ gone }) => !gone)
    const holder = alive.find(({ options }) => options.boot === from)
    if (holder === undefined || holder === node || holder.hasSaidGoodbye) return
    // Two processes have used its identity: one of them counts as gone. Of a later one, the other does not know that.
    const isCopied = this.#nodes.some(({ id, seat }) => id === holder.id && seat !== holder.seat)
    if (isCopied && !(node.id === holder.id && holder.options.boot > node.options.boot)) return
    const what = `${node.options.name} reclaims ${taskId} from ${from}, which lives`
    if (!this.#suspects || !seesHalf(node)) throw new Violation(6, what)
    const cutOff = alive.filter(({ id }) => this.#network.isCut(node.id, id))
    if (this.#isClear && cutOff.length * 2 > alive.length) {
      throw new Violation(6, `${what}, on the smaller side of a cut`)
    }
    if (this.#isClear && !cutOff.includes(holder)) {
      throw new Violation(6, `${what} and can be heard`)
    }
  }

  /** The node wrote this. Of a task under a key there are several claims of epoch 0, and nobody gives one of them. */
  wrote({ options: { boot }, core: { view } }: SimNode, { spec, claim }: TaskRecord): void {
    if (claim.epoch <= (this.#epochs.get(spec.id) ?? 0)) return
    this.#epochs.set(spec.id, claim.epoch)
    if (claim.holder === boot) return
    const seq = view.mergedVector().get(boot)!
    this.#given.set(spec.id, { giver: boot, taker: claim.holder, seq })
  }

  #note({ options: { boot } }: SimNode, event: CoreEvent): void {
    if (event.name !== 'task:started' || this.#given.get(event.taskId)?.giver !== boot) return
    this.#given.delete(event.taskId)
  }
}

/** Whether the giver has heard nothing by which the taker has the task, and no harm is done if that runs it. */
function mayTakeBack(
  { core: { view } }: SimNode,
  id: TaskId,
  { giver, taker, seq }: Given
): boolean {
  const record = view.record(id)
  if (record === undefined || record.spec.delivery === 'at-most-once') return false
  const member = view.member(nodeOf(taker))
  const isTold = member?.heartbeat.boot === taker && hasWrite(member, { origin: giver, seq })
  return !isTold && record.created.every(({ origin }) => origin !== taker)
}
