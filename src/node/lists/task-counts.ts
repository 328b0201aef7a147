/** How many tasks there are: by state, and by type and holder in each state. */
import { TASK_STATES, type TaskState } from '../../shared/names.ts'
import type { TaskCountsView } from '../api/lists-api.ts'

type Counts = Record<TaskState, number>

/** A screenful. Types and nodes come from members, who may make up as many as they like. */
const NAMES_MAX = 32
const OTHERS = '(other)'

/** Counts tasks one by one. */
export class TaskCounting {
  readonly #types = new Map<string, Counts>()
  readonly #nodes = new Map<string, Counts>()

  /** @param node the name of its holder */
  add(type: string, state: TaskState, node: string): void {
    countsIn(this.#types, type)[state]++
    countsIn(this.#nodes, node)[state]++
  }

  /** @param atMs when, by the wall clock */
  view(atMs: number): TaskCountsView {
    const states = [...this.#types.values()].reduce(sum, none())
    return {
      v: 1,
      at: new Date(atMs).toISOString(),
      total: total(states),
      states,
      types: most(this.#types),
      nodes: most(this.#nodes)
    }
  }

  get states(): Counts {
    return [...this.#types.values()].reduce(sum, none())
  }

  get types(): Record<string, Counts> {
    return most(this.#types)
  }
}

function countsIn(map: Map<string, Counts>, name: string): Counts {
  let counts = map.get(name)
  if (counts === undefined) map.set(name, (counts = none()))
  return counts
}

/** Those with most tasks, by name; all others together. */
function most(counted: ReadonlyMap<string, Counts>): Record<string, Counts> {
  const sorted = [...counted].sort(([, x], [, y]) => total(y) - total(x))
  const rest = sorted.splice(NAMES_MAX)
  if (rest.length > 0) sorted.push([OTHERS, rest.map(([, counts]) => counts).reduce(sum)])
  return Object.fromEntries(sorted)
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
