/**
 * What could not be read counts for nothing: it is not pruned by others, nor named as pruned, and confirms no claim.
 * The checker knows which task each write was about, which a node that could not read it does not.
 */
import type { BootId, TaskId } from '../../../core/base/ids.ts'
import type { Effect } from '../../../core/effect.ts'
import type { Input } from '../../../core/input.ts'
import type { Forgotten } from '../../../core/message.ts'
import type { Dot, TaskRecord } from '../../../core/task/record.ts'
import { hasRead } from '../../predicates.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

/** Origin -> for each of its writes the task, and the state that it wrote. */
export type Written = ReadonlyMap<BootId, readonly { taskId: TaskId; state: TaskRecord }[]>

export class UnreadableChecker {
  readonly #nodes: readonly SimNode[]
  readonly #written: Written
  /** Tasks that a node has pruned. */
  readonly #over = new Set<TaskId>()
  /**
   * "holder task epoch" of what has been confirmed. It may be waited for once more, for a node that has come since: that
   * one is not asked to confirm it.
   */
  readonly #isConfirmed = new Set<string>()
  /** Node -> tasks that it had reclaimed and that were not confirmed after its last step. */
  readonly #unconfirmed = new Map<SimNode, ReadonlySet<TaskId>>()

  constructor(nodes: readonly SimNode[], written: Written) {
    this.#nodes = nodes
    this.#written = written
  }

  stepped(node: SimNode, input: Input, effects: readonly Effect[]): void {
    if (input.kind === 'message' && input.message.kind === 'forgotten') {
      this.#named(input.from, input.message)
    }
    if (this.#nodes.some(({ options }) => options.read !== null)) this.#confirmations(node)
    for (const effect of effects) {
      if (effect.kind !== 'notify' || effect.event.name !== 'task:pruned') continue
      const { taskId } = effect.event
      // Once a node has pruned a task, the others may be told that it is over.
      if (!this.#over.has(taskId)) this.#pruned(node, taskId)
      this.#over.add(taskId)
    }
  }

  /** Everything has been read in the end that any node has: those that could not have been upgraded. */
  final(): void {
    const alive = this.#nodes.filter(({ gone }) => !gone)
    for (const node of alive) {
      const missed = unreadBy(node).find(dot => alive.some(other => hasRead(other, dot)))
      if (missed === undefined) continue
      const { origin, seq } = missed
      throw new Violation(1, `${node.options.name} has never read write ${seq} of ${origin}`)
    }
  }

  #named(from: string, { spans }: Forgotten): void {
    const teller = this.#nodes.find(({ id, gone }) => id === from && !gone)
    for (const dot of teller === undefined ? [] : unreadBy(teller)) {
      const named = spans.find(
        ({ origin, after, upTo }) => origin === dot.origin && after < dot.seq && dot.seq <= upTo
      )
      if (named === undefined) continue
      throw new Violation(
        10,
        `${teller!.options.name} names write ${dot.seq} of ${dot.origin} as forgotten, and could not read it`
      )
    }
  }

  #pruned(node: SimNode, taskId: TaskId): void {
    for (const other of this.#asked(node)) {
      // What it could not read itself, it does not know to be about the task, which is over all the same.
      const dot = unreadBy(other).find(
        each =>
          this.#written.get(each.origin)?.[each.seq - 1]?.taskId === taskId && hasRead(node, each)
      )
      if (dot === undefined) continue
      throw new Violation(
        10,
        `${node.options.name} forgets ${taskId}, and ${other.options.name} could not read write ${dot.seq} of ${dot.origin} about it`
      )
    }
  }

  /** What was reclaimed by this node and is not waited for any more has been confirmed. */
  #confirmations(node: SimNode): void {
    const before = this.#unconfirmed.get(node) ?? new Set()
    const now = new Set<TaskId>()
    this.#unconfirmed.set(node, now)
    for (const { pending } of node.core.view.pending()) {
      if (pending.kind === 'claim') now.add(pending.taskId)
    }
    for (const taskId of before) {
      const claim = node.core.view.record(taskId)?.claim
      if (now.has(taskId) || claim === undefined) continue
      if (claim.holder !== node.options.boot || claim.cause !== 'reclaim') continue
      const name = `${claim.holder} ${taskId} ${claim.epoch}`
      if (!this.#isConfirmed.has(name)) this.#confirmed(node, taskId, claim.epoch)
      this.#isConfirmed.add(name)
    }
  }

  #confirmed(node: SimNode, taskId: TaskId, epoch: number): void {
    const { boot, name } = node.options
    const isClaim = ({ origin, seq }: Dot): boolean => {
      const write = this.#written.get(origin)?.[seq - 1]
      return write?.taskId === taskId && write.state.claim.epoch >= epoch
    }
    const seq =
      1 +
      (this.#written.get(boot)?.findIndex((_, i) => isClaim({ origin: boot, seq: i + 1 })) ?? -1)
    for (const other of this.#asked(node)) {
      if (other.core.view.isUnreadable({ origin: boot, seq })) {
        throw new Violation(
          3,
          `${name} has reclaimed ${taskId} for good, and ${other.options.name} could not read that`
        )
      }
      if (unreadBy(node).some(dot => dot.origin === other.options.boot && isClaim(dot))) {
        throw new Violation(
          3,
          `${name} has reclaimed ${taskId} for good, and could not read what ${other.options.name} had written about it`
        )
      }
    }
  }

  /** The others, as far as this one takes them for alive. */
  #asked(node: SimNode): SimNode[] {
    const status = new Map(
      node.core.view.members(node.now).map(({ heartbeat, status: is }) => [heartbeat.boot, is])
    )
    return this.#nodes.filter(
      other =>
        !other.gone &&
        other !== node &&
        ['alive', 'suspect'].includes(status.get(other.options.boot)!)
    )
  }
}

function unreadBy({ core }: SimNode): Dot[] {
  return core.view
    .unreadable()
    .flatMap(({ origin, after, upTo }) =>
      Array.from({ length: upTo - after }, (_, i) => ({ origin, seq: after + 1 + i }))
    )
}
