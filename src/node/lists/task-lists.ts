/** Pages of tasks. Every page is made of one look at all tasks, since it says how many fit. */
import type { BootId } from '../../core/base/ids.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import type { PageQuery, TaskPage, TaskRow } from '../api/lists-api.ts'
import type { TaskFilter, TaskQuery, TaskView } from '../api/node-api.ts'
import type { Scans } from './scans.ts'
import { SortedRuns } from './sorted-runs.ts'
import { matcherOf } from './task-filter.ts'
import { TaskOrder, type Position } from './task-order.ts'

/** What tasks look like to a reader. */
type Shown = Readonly<{
  view: (record: TaskRecord) => TaskView
  row: (record: TaskRecord) => TaskRow
}>

export type TaskListsParts = Readonly<{
  core: CoreView
  nameOf: (boot: BootId) => string
  scans: Scans
  shown: Shown
}>

export class TaskLists {
  readonly #parts: TaskListsParts

  constructor(parts: TaskListsParts) {
    this.#parts = parts
  }

  /** @throws InvalidOptionError */
  async page(query: PageQuery & { fields?: 'brief' }): Promise<TaskPage<TaskView | TaskRow>> {
    const { cursor, fields, ...rest } = query
    const list = this.#list(rest)
    const after = cursor === undefined ? null : list.order.placeAt(cursor)
    let matched = 0
    await this.#parts.scans.each(record => {
      if (!list.fits(record)) return
      matched++
      list.add(record, after)
    })
    const { view, row } = this.#parts.shown
    const rows = (positions: Iterable<Position>): Iterable<TaskView | TaskRow> =>
      this.#shown(positions, list.fits, fields === 'brief' ? row : view)
    const { limit } = query
    if (limit === undefined) return { rows: rows(list.first()), cursor: null, matched }
    const positions = [...list.first()]
    const last = positions.length > limit ? positions[limit - 1]! : null
    return {
      rows: rows(positions.slice(0, limit)),
      cursor: last === null ? null : list.order.cursorAt(last),
      matched
    }
  }

  /** All at once, in the order that is asked for. @throws InvalidOptionError */
  *tasks(query: TaskQuery): Generator<TaskView> {
    const list = this.#list(query)
    for (const record of this.#parts.core.records()) if (list.fits(record)) list.add(record, null)
    const { limit = Number.POSITIVE_INFINITY } = query
    yield* this.#shown(firstOf(list.first(), limit), list.fits, this.#parts.shown.view)
  }

  matcher(filter: TaskFilter): (record: TaskRecord) => boolean {
    const { core, nameOf } = this.#parts
    return matcherOf(filter, core, nameOf)
  }

  #list({ sort = '-submittedAt', limit, ...filter }: TaskQuery): {
    order: TaskOrder
    fits: (record: TaskRecord) => boolean
    add: (record: TaskRecord, after: Position | null) => void
    /** One more than asked for, so that it is known whether anything follows. */
    first: () => Iterable<Position>
  } {
    const order = new TaskOrder(sort, this.#parts)
    const runs = new SortedRuns(order.compare, (limit ?? Number.POSITIVE_INFINITY) + 1)
    return {
      order,
      fits: this.matcher(filter),
      add: (record, after) => {
        const position = order.positionOf(record)
        if (after === null || order.compare(position, after) > 0) runs.add(position)
      },
      first: () => runs.first()
    }
  }

  /** As they are when they are read: tasks may have moved on, or have been pruned, since they were found. */
  *#shown<Row>(
    positions: Iterable<Position>,
    fits: (record: TaskRecord) => boolean,
    show: (record: TaskRecord) => Row
  ): Generator<Row> {
    for (const { id } of positions) {
      const record = this.#parts.core.record(id)
      if (record !== undefined && fits(record)) yield show(record)
    }
  }
}

function* firstOf<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count
  for (const item of items) {
    if (left-- <= 0) return
    yield item
  }
}
