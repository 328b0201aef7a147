/**
 * The neighbourhood of a task: what it depends on, what that depends on, and so on; and what depends on it in the same
 * way. Who waits for a task is in no index once it has settled, so each step towards them is a look at all tasks.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import type { GraphQuery, GraphView, TaskRow } from '../api/lists-api.ts'
import type { Scans } from './scans.ts'

/** A screenful for most. */
const DEPTH = 3
/** What a page can lay out at once. */
const NODES_MAX = 500

export type GraphParts = Readonly<{
  core: Pick<CoreView, 'record'>
  scans: Scans
  row: (record: TaskRecord) => TaskRow
}>

export class Graph {
  readonly #parts: GraphParts

  constructor(parts: GraphParts) {
    this.#parts = parts
  }

  /** @param root a task that is known here */
  async around(
    root: TaskRecord,
    { depth = DEPTH, max = NODES_MAX }: GraphQuery
  ): Promise<GraphView> {
    const found = new Found(root.spec.id, max)
    let above: TaskId[] = [root.spec.id]
    let below: TaskId[] = [root.spec.id]
    for (let step = 1; step <= depth && above.length + below.length > 0; step++) {
      above = found.add(this.#dependenciesOf(above), -step)
      below = found.add(await this.#dependentsOf(below), step)
    }
    return this.#view(root.spec.id, found)
  }

  *#dependenciesOf(ids: readonly TaskId[]): Generator<TaskId> {
    for (const id of ids) yield* this.#parts.core.record(id)?.spec.dependsOn ?? []
  }

  async #dependentsOf(ids: readonly TaskId[]): Promise<TaskId[]> {
    if (ids.length === 0) return []
    const wanted = new Set(ids)
    const found: TaskId[] = []
    await this.#parts.scans.each(({ spec }) => {
      if (spec.dependsOn.some(id => wanted.has(id))) found.push(spec.id)
    })
    return found.sort()
  }

  #view(id: TaskId, { depths, more }: Found): GraphView {
    const nodes: GraphView['nodes'] = []
    const edges: GraphView['edges'] = []
    const unknown: TaskId[] = []
    for (const [each, depth] of depths) {
      const record = this.#parts.core.record(each)
      if (record === undefined) {
        unknown.push(each)
        continue
      }
      nodes.push({ ...this.#parts.row(record), depth })
      for (const from of new Set(record.spec.dependsOn)) {
        if (depths.has(from)) edges.push({ from, to: each })
      }
    }
    return { v: 1, id, nodes, edges, unknown, more }
  }
}

/** Tasks by how far away they are, the nearest first. */
class Found {
  readonly depths: Map<TaskId, number>
  readonly #max: number
  readonly #left = new Set<TaskId>()

  constructor(root: TaskId, max: number) {
    this.depths = new Map([[root, 0]])
    this.#max = max
  }

  /** How many there was no room for. */
  get more(): number {
    return this.#left.size
  }

  /** Returns those that are new: what is beyond them is looked for next. */
  add(ids: Iterable<TaskId>, depth: number): TaskId[] {
    const added: TaskId[] = []
    for (const id of ids) {
      if (this.depths.has(id)) continue
      if (this.depths.size >= this.#max) {
        this.#left.add(id)
        continue
      }
      this.depths.set(id, depth)
      added.push(id)
    }
    return added
  }
}
