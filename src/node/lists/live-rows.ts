/**
 * The tasks that one reader of the live view has been told of, and what it has yet to be told.
 *
 * What happens to a task is told by events; that it has become ready, or waits for something else, by none. So rows that
 * were told are looked at again, some of them at a time. A reader that is slow is told of the newest state alone, and
 * what it is behind with has a bound.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { TaskRecord } from '../../core/task/record.ts'
import { isSettled } from '../../core/task/record.ts'
import type { TaskRow } from '../api/lists-api.ts'

/** Rows of a line. Each takes some 20 us to make. */
export const LINE_ROWS_MAX = 250
/** Tasks that a reader is behind with. Of more it is told how many there were, and may list them. */
const CHANGED_MAX = 2000
/** Rows that are looked at again: more than a screen shows. */
const TOLD_MAX = 1000

/** What a reader is told: rows, tasks that are no more, and how many others have changed. */
export type Changes = Readonly<{ tasks: TaskRow[]; gone: TaskId[]; more: number }>

export type LiveRowsParts = Readonly<{
  record: (id: TaskId) => TaskRecord | undefined
  row: (record: TaskRecord) => TaskRow
}>

export class LiveRows {
  readonly #parts: LiveRowsParts
  readonly #changed = new Set<TaskId>()
  readonly #gone = new Set<TaskId>()
  #more = 0
  /** As text; those that were told or looked at last are at the end. */
  readonly #told = new Map<TaskId, string>()

  constructor(parts: LiveRowsParts) {
    this.#parts = parts
  }

  /** Whether the reader has been told all that is known to have changed. */
  get isUpToDate(): boolean {
    return this.#changed.size === 0 && this.#gone.size === 0 && this.#more === 0
  }

  /** Whether one of the rows that were told runs. */
  get hasRunning(): boolean {
    for (const id of this.#told.keys()) {
      const record = this.#parts.record(id)
      if (record !== undefined && record.started !== null && !isSettled(record)) return true
    }
    return false
  }

  changed(id: TaskId): void {
    this.#note(this.#changed, id)
  }

  pruned(id: TaskId): void {
    this.#changed.delete(id)
    this.#told.delete(id)
    this.#note(this.#gone, id)
  }

  /** Looks at some of the rows that may have changed without a word, those first that were not looked at for longest. */
  review(): void {
    let left = LINE_ROWS_MAX
    // A list, because each that is looked at goes to the end of the map.
    const told = Array.from(this.#told)
    for (const [id, text] of told) {
      const record = this.#parts.record(id)
      if (record !== undefined && isSettled(record)) continue
      if (left-- === 0) return
      this.#told.delete(id)
      if (record === undefined) continue
      this.#told.set(id, text)
      if (JSON.stringify(this.#parts.row(record)) !== text) this.changed(id)
    }
  }

  /** A line of what has changed; null if nothing has. */
  take(): Changes | null {
    if (this.isUpToDate) return null
    const tasks: TaskRow[] = []
    let count = 0
    for (const id of this.#changed) {
      if (count++ === LINE_ROWS_MAX) break
      this.#changed.delete(id)
      const record = this.#parts.record(id)
      if (record === undefined) continue
      const row = this.#parts.row(record)
      if (this.tell(row)) tasks.push(row)
    }
    const gone = [...this.#gone]
    const more = this.#more
    this.#gone.clear()
    this.#more = 0
    return tasks.length + gone.length + more === 0 ? null : { tasks, gone, more }
  }

  /** Notes what the reader is told. Returns whether that is news to it. */
  tell(row: TaskRow): boolean {
    const text = JSON.stringify(row)
    const isNews = this.#told.get(row.id) !== text
    this.#told.delete(row.id)
    this.#told.set(row.id, text)
    if (this.#told.size > TOLD_MAX) {
      const [oldest] = this.#told.keys()
      this.#told.delete(oldest!)
    }
    return isNews
  }

  #note(ids: Set<TaskId>, id: TaskId): void {
    if (ids.has(id)) return
    if (this.#changed.size + this.#gone.size < CHANGED_MAX) ids.add(id)
    else this.#more++
  }
}
