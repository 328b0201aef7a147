/**
 * Invariant 1, at every step: what a vector covers has been merged, but for what is kept as unreadable, and for what
 * has been pruned since.
 */
import type { BootId } from '../../../core/base/ids.ts'
import { RETIRED } from '../../../core/base/version-vector.ts'
import { isSettled, join, type Dot, type TaskRecord } from '../../../core/task/record.ts'
import { show } from '../../predicates.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'
import type { History } from '../../history.ts'

export class CoverageChecker {
  readonly #history: History
  /** Is shown each state that a node writes itself. */
  readonly #wrote: (node: SimNode, state: TaskRecord) => void
  /** Node -> origin -> up to which write its coverage has been checked. */
  readonly #covered = new Map<SimNode, Map<BootId, number>>()
  /** Node -> writes that it covers and could not read, when that was looked at. */
  readonly #unread = new Map<SimNode, Dot[]>()

  constructor(history: History, wrote: (node: SimNode, state: TaskRecord) => void) {
    this.#history = history
    this.#wrote = wrote
  }

  check(node: SimNode): void {
    const covered = this.#covered.get(node) ?? new Map<BootId, number>()
    this.#covered.set(node, covered)
    for (const [origin, upTo] of node.core.view.mergedVector()) {
      if (upTo === RETIRED) continue
      if (origin === node.options.boot) this.#noteOwn(node, upTo)
      for (let seq = (covered.get(origin) ?? 0) + 1; seq <= upTo; seq++) {
        this.#covers(node, { origin, seq })
      }
      covered.set(origin, upTo)
    }
    const unread = this.#unread.get(node) ?? []
    this.#unread.delete(node)
    for (const dot of unread) this.#covers(node, dot)
  }

  #covers(node: SimNode, dot: Dot): void {
    const { view } = node.core
    const { origin, seq } = dot
    const write = this.#history.written.get(origin)?.[seq - 1]
    if (write === undefined) throw new Violation(1, `write ${seq} of ${origin} was never made`)
    if (view.isUnreadable(dot)) {
      this.#unread.set(node, [...(this.#unread.get(node) ?? []), dot])
      return
    }
    const record = view.record(write.taskId)
    // What has settled here may have been pruned elsewhere, with later writes that change nothing any more.
    const isOver = this.#history.settled.has(write.taskId)
    if (isOver && (record === undefined || isSettled(record))) return
    if (isOver && this.#isAnother(record!, write.state)) return
    if (record !== undefined && join(record, write.state) === record) return
    const has = record === undefined ? 'nothing' : show(node, record)
    throw new Violation(1, `${node.options.name} covers write ${seq} of ${origin} but has ${has}`)
  }

  /**
   * Whether a task under a key has been made anew since it was pruned, by a submission that those who have pruned it had
   * never heard of: on two sides of a cut that have not met before, or of a node that was down and that they had never
   * met. Who has it as settled still writes it once more, which is on its way.
   */
  #isAnother({ spec, created }: TaskRecord, over: TaskRecord): boolean {
    if (spec.idempotencyKey === null || !this.#history.isForgotten(spec.id)) return false
    const isOfBoth = ({ origin, seq }: Dot): boolean =>
      over.created.some(dot => dot.origin === origin && dot.seq === seq)
    return !created.every(isOfBoth)
  }

  #noteOwn(node: SimNode, upTo: number): void {
    const { boot } = node.options
    const writes = this.#history.written.get(boot) ?? []
    this.#history.written.set(boot, writes)
    for (let seq = writes.length + 1; seq <= upTo; seq++) {
      const taskId = node.core.view.writtenBy(boot, seq)!
      const state = node.core.view.record(taskId)!
      writes.push({ taskId, state })
      this.#wrote(node, state)
    }
  }
}
