/** What a caller should know who submits a task: nobody is there who could run it. */
import { compareText } from '../../core/base/order.ts'
import { unmet, type Labels } from '../../core/task/labels.ts'
import type { TaskSpec } from '../../core/task/spec.ts'
import type { CoreView } from '../../core/view.ts'
import { givenLabels } from '../own-labels.ts'
import { conditionText } from '../tasks/label-options.ts'

/** @param workers all that take tasks now */
export function warningsOf(
  { type, labels }: Pick<TaskSpec, 'type' | 'labels'>,
  workers: ReturnType<CoreView['workers']>
): string[] {
  const able = workers.filter(({ types }) => types.includes(type))
  if (able.length === 0) {
    const types = [...new Set(workers.flatMap(each => each.types))].sort(compareText)
    const there = types.length === 0 ? 'there are none at all' : `there are: ${types.join(', ')}`
    return [`no node has a handler for ${type} (${there}): the task waits until one joins`]
  }
  if (able.some(worker => unmet(labels.require, worker.labels) === undefined)) return []
  const wanted = labels.require.map(conditionText).join(', ')
  const there = able.map(worker => labelText(givenLabels(worker.labels))).sort(compareText)
  return [
    `no node with a handler for ${type} has the labels ${wanted} (there are: ${[...new Set(there)].join('; ')}): the task waits until one joins`
  ]
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`)
  return pairs.length === 0 ? 'none' : pairs.join(' ')
}
