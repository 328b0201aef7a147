/**
 * A graph that is too large to be looked at, as a smaller one: tasks of one type that stand equally far along the way
 * are one box.
 */
import type { TaskState } from '../../../node/api/node-api.ts'
import type { Edge } from './shapes.ts'

export type GraphTask = Readonly<{ id: string; type: string; state: TaskState }>

/** One task, or many. */
export type Group = Readonly<{ id: string; type: string; tasks: readonly GraphTask[] }>
export type Grouped = Readonly<{ groups: readonly Group[]; edges: readonly Edge[] }>

/** More boxes than this tell nobody anything. */
export const BOXES_MAX = 500

/** @param keep a task that stays a box of its own */
export function grouped(
  tasks: readonly GraphTask[],
  edges: readonly Edge[],
  keep: string
): Grouped {
  if (tasks.length <= BOXES_MAX) {
    return { groups: tasks.map(task => ({ id: task.id, type: task.type, tasks: [task] })), edges }
  }
  const ranks = ranksOf(tasks, edges)
  const nameOf = ({ id, type }: GraphTask): string =>
    id === keep ? id : `${ranks.get(id)} ${type}`
  const members = Map.groupBy(tasks, nameOf)
  const names = new Map(tasks.map(task => [task.id, nameOf(task)]))
  const merged = new Map<string, Edge>()
  for (const edge of edges) {
    const [from, to] = [names.get(edge.from), names.get(edge.to)]
    if (from === undefined || to === undefined || from === to) continue
    merged.set(`${from}\n${to}`, { from, to })
  }
  const groups = [...members].map(([id, all]) => ({ id, type: all[0]!.type, tasks: all }))
  return { groups, edges: [...merged.values()] }
}

/** How many tasks have to run before each, one after the other. */
function ranksOf(tasks: readonly GraphTask[], edges: readonly Edge[]): Map<string, number> {
  const after = Map.groupBy(edges, ({ from }) => from)
  const open = new Map(tasks.map(({ id }) => [id, 0]))
  for (const { to } of edges) open.set(to, (open.get(to) ?? 0) + 1)
  const ranks = new Map(tasks.map(({ id }) => [id, 0]))
  const ready = tasks.filter(({ id }) => open.get(id) === 0).map(({ id }) => id)
  for (const id of ready) {
    for (const { to } of after.get(id) ?? []) {
      ranks.set(to, Math.max(ranks.get(to) ?? 0, (ranks.get(id) ?? 0) + 1))
      open.set(to, open.get(to)! - 1)
      if (open.get(to) === 0) ready.push(to)
    }
  }
  return ranks
}
