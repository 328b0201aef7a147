/**
 * Invariant 16, of what is given to a node outside the log: in the step in which it comes, it is in a notebook that the
 * node's vector covers, as a rule in the node's own. Otherwise no vector would ever carry it.
 */
import type { BootId, TaskId } from '../../../core/base/ids.ts'
import { RETIRED } from '../../../core/base/version-vector.ts'
import type { Effect } from '../../../core/effect.ts'
import type { Input } from '../../../core/input.ts'
import { join, type Dot, type TaskRecord } from '../../../core/task/record.ts'
import type { SimNode } from '../../world/sim-node.ts'
import { Violation } from '../../violation.ts'

type Written = Dot & Readonly<{ state: TaskRecord }>

export class NotebookChecker {
  readonly #written = new Map<TaskId, Written[]>()
  /** Boot -> its last write. */
  readonly #last = new Map<BootId, number>()

  /** A node has written a state of a task: each write once, in their order. */
  wrote({ options: { boot } }: SimNode, state: TaskRecord): void {
    const seq = (this.#last.get(boot) ?? 0) + 1
    this.#last.set(boot, seq)
    const { id } = state.spec
    const written = this.#written.get(id)
    if (written === undefined) this.#written.set(id, [{ origin: boot, seq, state }])
    else written.push({ origin: boot, seq, state })
  }

  check(node: SimNode, input: Input, effects: readonly Effect[]): void {
    if (input.kind !== 'message' || input.message.kind !== 'grant') return
    const news = newsIn(effects)
    const { core, options } = node
    const vector = core.view.mergedVector()
    const isCovered = ({ origin, seq }: Written): boolean => {
      const upTo = vector.get(origin) ?? 0
      return upTo === RETIRED || upTo >= seq
    }
    for (const { spec } of input.message.records) {
      // What the log had brought before stands in the notebook of whoever gave it.
      if (!news.has(spec.id)) continue
      const record = core.view.record(spec.id)
      if (record === undefined || record.claim.holder !== options.boot) continue
      const written = (this.#written.get(spec.id) ?? []).filter(isCovered)
      const [first, ...others] = written.map(({ state }) => state)
      const known = first && others.reduce((joined, state) => join(joined, state), first)
      if (known !== undefined && join(known, record) === known) continue
      throw new Violation(16, `${options.name} was given ${spec.id}, and has it in no notebook`)
    }
  }
}

/** Tasks that are another node's than before, or new. */
function newsIn(effects: readonly Effect[]): Set<TaskId> {
  const ids = new Set<TaskId>()
  for (const effect of effects) {
    if (effect.kind !== 'notify') continue
    const { event } = effect
    if (event.name === 'task:stolen' || event.name === 'task:submitted') ids.add(event.taskId)
  }
  return ids
}
