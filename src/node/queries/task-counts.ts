/** How many tasks there are in each state, in all and by type. */
import type { CoreView } from '../../core/view.ts'
import { TASK_STATES } from '../../shared/names.ts'
import type { StatusView } from '../api/node-api.ts'

type Counts = StatusView['tasks']

/** A screenful. Types come from members, who may make up as many as they like. */
const TYPES_MAX = 32
const OTHERS = '(other)'

export function countTasks(core: CoreView): Pick<StatusView, 'tasks' | 'types'> {
  const tasks = none()
  const byType = new Map<string, Counts>()
  for (const record of core.records()) {
    const state = core.state(record)
    const { type } = record.spec
    let counts = byType.get(type)
    if (counts === undefined) byType.set(type, (counts = none()))
    counts[state]++
    tasks[state]++
  }
  const sorted = [...byType].sort(([, x], [, y]) => total(y) - total(x))
  const rest = sorted.splice(TYPES_MAX)
  if (rest.length > 0) sorted.push([OTHERS, rest.map(([, counts]) => counts).reduce(sum)])
  return { tasks, types: Object.fromEntries(sorted) }
}

function none(): Counts {
  return Object.fromEntries(TASK_STATES.map(state => [state, 0])) as Counts
}

function total(counts: Counts): number {
  return TASK_STATES.reduce((n, state) => n + counts[state], 0)
}

function sum(x: Counts, y: Counts): Counts {
  return Object.fromEntries(TASK_STATES.map(state => [state, x[state] + y[state]])) as Counts
}
