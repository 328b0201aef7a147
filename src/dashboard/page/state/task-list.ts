/**
 * A list of tasks of any length: read page by page as far as somebody looks, never cut. Rows that are loaded are
 * brought up to date as the node tells of changes; what would come in front of them is counted, and shown when the
 * reader is at the top, or wants it.
 */
import { computed, signal } from '@preact/signals'
import type { TaskState } from '../../../node/api/node-api.ts'
import { get, lines, RefusedError } from './api.ts'
import type { TaskCounts, TaskRow } from './contract.ts'
import { withNextPulse } from './pulse.ts'

/** What is kept of a task: a hundred thousand of them fit. */
export type Row = Readonly<{
  id: string
  type: string
  state: TaskState
  reason: string | null
  priority: number
  attempt: number
  attemptsMax: number
  holder: string
  submittedAt: string
  startedAt: string | null
  settledAt: string | null
  durationMs: number | null
  error: string | null
  tags: readonly string[]
  fraction: number | null
}>

/** The filters of the node, as they are in the address. */
export const FILTERS = ['state', 'type', 'tag', 'node', 'ref', 'q', 'since', 'until'] as const
export type Filter = Readonly<Partial<Record<(typeof FILTERS)[number], string>>>

type End = Readonly<{ cursor: string | null; matched: number }>

const FIRST_PAGE = 200
const PAGE = 2000
const ERROR_LENGTH_MAX = 160
/** Not oftener is the beginning read anew, or are the counts. */
const AGAIN_MS = 2000

export class TaskList {
  readonly rows = signal<readonly Row[]>([])
  /** How many fit, loaded or not; null: not known yet. */
  readonly matched = signal<number | null>(null)
  readonly counts = signal<TaskCounts | null>(null)
  readonly trouble = signal<string | null>(null)
  /** Changes that are not in the rows that are loaded. */
  readonly unseen = signal(0)
  readonly isLoading = signal(false)
  readonly isWhole = computed(() => this.#end.value !== null && this.#end.value.cursor === null)
  readonly #end = signal<End | null>(null)
  readonly #places = new Map<string, number>()
  #filter: Filter = {}
  #sort: string | null = null
  #asked = new AbortController()
  #refreshedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Begins anew. Until the first rows are there, those of before stay. */
  show(filter: Filter, sort: string | null): void {
    this.#filter = filter
    this.#sort = sort
    this.reload()
  }

  reload(): void {
    this.#asked.abort()
    this.#asked = new AbortController()
    this.#refreshedAt = performance.now()
    void this.#count(this.#asked.signal)
    void this.#load(null, FIRST_PAGE, this.#asked.signal)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#asked.abort()
  }

  /** Has the rows up to this place loaded, if they are not. */
  want(place: number): void {
    if (this.isLoading.value || this.#end.value === null) return
    const { cursor } = this.#end.value
    if (cursor === null || place < this.rows.value.length) return
    void this.#load(cursor, PAGE, this.#asked.signal)
  }

  /** Takes in changes of tasks, in this list or not. @param isAtTop whether new ones may be shown at once, asked when it comes to that */
  take(changed: readonly TaskRow[], more: number, isAtTop: () => boolean): void {
    let rows: Row[] | null = null
    let unseen = more
    for (const task of changed) {
      const place = this.#places.get(task.id)
      if (place === undefined) unseen += mayFit(task, this.#filter) ? 1 : 0
      else (rows ??= [...this.rows.value])[place] = rowOf(task)
    }
    if (rows !== null) this.rows.value = rows
    this.unseen.value += unseen
    if (changed.length + more === 0) return
    const waitMs = Math.max(0, this.#refreshedAt + AGAIN_MS - performance.now())
    this.#timer ??= setTimeout(() => this.#refresh(isAtTop()), waitMs)
  }

  #refresh(isAtTop: boolean): void {
    this.#timer = undefined
    if (isAtTop && this.unseen.value > 0) return this.reload()
    this.#refreshedAt = performance.now()
    void this.#count(this.#asked.signal)
  }

  async #load(cursor: string | null, limit: number, signal: AbortSignal): Promise<void> {
    this.isLoading.value = true
    try {
      const query = { ...this.#filter, sort: this.#sort, fields: 'brief', limit, cursor }
      const rows: Row[] = []
      let end: End = { cursor: null, matched: 0 }
      for await (const line of lines<TaskRow | End>('/v1/tasks', query, signal)) {
        if ('id' in line) rows.push(rowOf(line))
        else end = line
      }
      if (signal.aborted) return
      withNextPulse(() => this.#append(cursor === null, rows, end))
    } catch (error) {
      if (signal.aborted) return
      this.trouble.value = (error as Error).message
      // A page that cannot be gone on from any more: from the beginning.
      if (cursor !== null && error instanceof RefusedError) this.#end.value = null
      this.isLoading.value = false
    }
  }

  #append(isFirst: boolean, rows: readonly Row[], end: End): void {
    const before = isFirst ? [] : this.rows.value
    if (isFirst) {
      this.#places.clear()
      this.unseen.value = 0
    }
    // What has moved meanwhile is where it is found first.
    const fresh = rows.filter(({ id }) => !this.#places.has(id))
    for (const [n, { id }] of fresh.entries()) this.#places.set(id, before.length + n)
    this.rows.value = [...before, ...fresh]
    this.matched.value = end.matched
    this.#end.value = end
    this.trouble.value = null
    this.isLoading.value = false
  }

  /** How many there are in each state, whichever of them is shown. */
  async #count(signal: AbortSignal): Promise<void> {
    try {
      const { state: _, ...others } = this.#filter
      const counts = await get<TaskCounts>('/v1/tasks/counts', others, signal)
      withNextPulse(() => (this.counts.value = counts))
    } catch {
      // What is wrong is said of the rows.
    }
  }
}

/** As far as this page can tell. */
function mayFit(task: TaskRow, { state, type, tag, node }: Filter): boolean {
  return (
    (state === undefined || state.split(',').includes(task.state)) &&
    (type === undefined || task.type === type) &&
    (tag === undefined || task.tags.includes(tag)) &&
    (node === undefined || task.holder === node)
  )
}

/** The same text is kept once, however many rows have it. */
const kept = new Map<string, string>()
const KEPT_MAX = 2000

function once(text: string): string {
  const known = kept.get(text)
  if (known !== undefined) return known
  if (kept.size < KEPT_MAX) kept.set(text, text)
  return text
}

const NO_TAGS: readonly string[] = []

function rowOf(task: TaskRow): Row {
  return {
    id: task.id,
    type: once(task.type),
    state: once(task.state) as TaskState,
    reason: task.reason === null ? null : once(task.reason),
    priority: task.priority,
    attempt: task.attempt,
    attemptsMax: task.maxRetries + 1,
    holder: once(task.holder),
    submittedAt: task.submittedAt,
    startedAt: task.startedAt,
    settledAt: task.settledAt,
    durationMs: task.durationMs,
    error: task.error === null ? null : task.error.message.slice(0, ERROR_LENGTH_MAX),
    tags: task.tags.length === 0 ? NO_TAGS : task.tags.map(once),
    fraction: task.progress?.fraction ?? null
  }
}
