/** Tasks that were cancelled because of one that they depend on, through any number of others. */
import type { TaskId } from '../../core/base/ids.ts'
import { isSettled, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'

/** Each after those that it depends on. */
export function cancelledWith(core: Pick<CoreView, 'records'>, root: TaskId): TaskRecord[] {
  const waiting = new Map<TaskId, TaskRecord[]>()
  for (const record of core.records()) {
    if (!isSettled(record) || record.outcome!.reason !== 'DependencyFailed') continue
    for (const id of record.spec.dependsOn) {
      const others = waiting.get(id)
      if (others === undefined) waiting.set(id, [record])
      else others.push(record)
    }
  }
  const found = new Map<TaskId, TaskRecord>()
  const open = [root]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const record of waiting.get(id) ?? []) {
      if (found.has(record.spec.id)) continue
      found.set(record.spec.id, record)
      open.push(record.spec.id)
    }
  }
  return sorted(found)
}

/**
 * What a task stands for among those that others depend on: itself, or the newest copy of one that has failed or was
 * cancelled. Null if that has failed, too, or there is none: what depends on it would be cancelled at once.
 */
export function standIns(
  core: Pick<CoreView, 'record' | 'records'>
): (id: TaskId) => TaskId | null {
  const newest = new Map<TaskId, TaskRecord>()
  for (const record of core.records()) {
    const { retryOf, submittedAt } = record.spec
    if (retryOf === null) continue
    const other = newest.get(retryOf)
    if (other === undefined || other.spec.submittedAt < submittedAt) newest.set(retryOf, record)
  }
  return id => {
    let record = core.record(id)
    // What is not known here may be with another node.
    if (record === undefined) return id
    while (record !== undefined && isSettled(record) && record.outcome!.status !== 'completed') {
      record = newest.get(record.spec.id)
    }
    return record?.spec.id ?? null
  }
}

function sorted(found: ReadonlyMap<TaskId, TaskRecord>): TaskRecord[] {
  const missing = new Map<TaskId, number>()
  const after = new Map<TaskId, TaskRecord[]>()
  for (const record of found.values()) {
    const needs = record.spec.dependsOn.filter(id => found.has(id))
    missing.set(record.spec.id, needs.length)
    for (const id of needs) after.set(id, [...(after.get(id) ?? []), record])
  }
  const order = [...found.values()].filter(({ spec }) => missing.get(spec.id) === 0)
  for (const { spec } of order) {
    for (const next of after.get(spec.id) ?? []) {
      const left = missing.get(next.spec.id)! - 1
      missing.set(next.spec.id, left)
      if (left === 0) order.push(next)
    }
  }
  return order
}
