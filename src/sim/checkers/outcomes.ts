/** Invariant 4: an outcome that is told, or stands in the end, comes from a run. */
import type { Effect } from '../../core/effect.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import { endsWithoutRun, show } from '../look.ts'
import type { SimNode } from '../sim-node.ts'
import { Violation } from '../violation.ts'
import type { History } from './history.ts'

export function checkTold(history: History, node: SimNode, effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.kind !== 'settled') continue
    const { taskId } = effect
    const record = node.core.view.record(taskId)
    if (record === undefined) {
      throw new Violation(4, `${node.options.name} tells how ${taskId} ended, and has forgotten it`)
    }
    checkProduced(history, node, record)
  }
}

/** @param record which has settled */
export function checkProduced(history: History, node: SimNode, record: TaskRecord): void {
  const { spec, started, outcome } = record
  if (endsWithoutRun(record)) return
  if (started === null || started.epoch < outcome!.epoch) {
    throw new Violation(4, `${show(node, record)} has ended without a start`)
  }
  if (!history.executions.get(spec.id)?.some(({ status }) => status === outcome!.status)) {
    throw new Violation(4, `no run of ${spec.id} ended as ${outcome!.status}`)
  }
}
