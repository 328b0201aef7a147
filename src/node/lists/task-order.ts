/**
 * The order of a list of tasks, and places in it.
 *
 * Every order is total: equals are told apart by when they were submitted, the newest first, and in the end by id. A
 * cursor is a place in the order and not a number of rows, so it stays where it is while tasks come and go.
 */
import type { Hlc } from '../../core/base/hlc.ts'
import type { BootId, TaskId } from '../../core/base/ids.ts'
import { compareText } from '../../core/base/order.ts'
import { isSettled, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { TASK_SORTS, TASK_STATES, type TaskSort } from '../../shared/names.ts'

type Field = Exclude<TaskSort, `-${string}`>
type Key = number | string | null

/** Where a task stands in a list: what it is sorted by, and what tells it from its equals. */
export type Position = Readonly<{ key: Key; at: Hlc; id: TaskId }>

/** What orders are made of. */
type Facts = Readonly<{ core: Pick<CoreView, 'state'>; nameOf: (boot: BootId) => string }>

const KEYS: Readonly<Record<Field, (record: TaskRecord, facts: Facts) => Key>> = {
  submittedAt: ({ spec }) => spec.submittedAt,
  startedAt: (record, { core }) =>
    record.started !== null && (isSettled(record) || core.state(record) === 'running')
      ? record.started.at
      : null,
  settledAt: record => (isSettled(record) ? record.outcome!.at : null),
  durationMs: record => (isSettled(record) ? record.outcome!.durationMs : null),
  priority: ({ spec }) => spec.priority,
  type: ({ spec }) => spec.type,
  state: (record, { core }) => TASK_STATES.indexOf(core.state(record)),
  node: ({ claim }, { nameOf }) => nameOf(claim.holder)
}

export class TaskOrder {
  readonly #sort: TaskSort
  readonly #keyOf: (record: TaskRecord, facts: Facts) => Key
  readonly #sign: 1 | -1
  readonly #facts: Facts

  /** @throws InvalidOptionError */
  constructor(sort: TaskSort, facts: Facts) {
    if (!TASK_SORTS.includes(sort)) {
      throw new InvalidOptionError(
        `sort must be one of ${Object.keys(KEYS).join(', ')}, with - before it for the other way round, not ${JSON.stringify(sort)}`
      )
    }
    const isDescending = sort.startsWith('-')
    this.#sort = sort
    this.#keyOf = KEYS[sort.slice(isDescending ? 1 : 0) as Field]
    this.#sign = isDescending ? -1 : 1
    this.#facts = facts
  }

  positionOf(record: TaskRecord): Position {
    const { submittedAt: at, id } = record.spec
    return { key: this.#keyOf(record, this.#facts), at, id }
  }

  /** Below zero: `x` comes first. What has no key comes last, whichever way round. */
  readonly compare = (x: Position, y: Position): number =>
    this.#compareKeys(x.key, y.key) || y.at - x.at || compareText(y.id, x.id)

  cursorAt({ key, at, id }: Position): string {
    return Buffer.from(JSON.stringify([this.#sort, key, at, id])).toString('base64url')
  }

  /** @throws InvalidOptionError */
  placeAt(cursor: string): Position {
    const [sort, key, at, id, ...rest] = partsOf(cursor)
    const isKey = key === null || typeof key === 'number' || typeof key === 'string'
    const isPlace = isKey && typeof at === 'number' && typeof id === 'string' && rest.length === 0
    if (!isPlace) {
      throw new InvalidOptionError('cursor is none: take that of the last line of a page, as it is')
    }
    if (sort !== this.#sort) {
      throw new InvalidOptionError(
        `cursor is of a list by ${JSON.stringify(sort)}, and this one is sorted by ${this.#sort}: keep the sort from page to page`
      )
    }
    return { key, at, id }
  }

  #compareKeys(x: Key, y: Key): number {
    if (x === y) return 0
    if (x === null || y === null) return x === null ? 1 : -1
    if (typeof x === 'number' && typeof y === 'number') return this.#sign * (x - y)
    return this.#sign * compareText(String(x), String(y))
  }
}

function partsOf(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}
