/**
 * What a node tells of its tasks as many, and does with many: pages of them, counts, their neighbourhood, when they
 * ran, and one word for all of them. All of it takes turns with the node's other work, however many tasks there are.
 */
import type { Json, NodeEvent, TaskFilter, TaskQuery, TaskState, TaskView } from './node-api.ts'

/** A task without what may be large: a row of a list. The message of its error is cut. */
export type TaskRow = Pick<
  TaskView,
  | 'v'
  | 'id'
  | 'type'
  | 'state'
  | 'reason'
  | 'priority'
  | 'attempt'
  | 'maxRetries'
  | 'epoch'
  | 'holder'
  | 'submittedBy'
  | 'submittedAt'
  | 'startedAt'
  | 'pool'
  | 'slot'
  | 'settledAt'
  | 'durationMs'
  | 'payloadBlob'
  | 'resultBlob'
  | 'error'
  | 'tags'
  | 'ref'
  | 'progress'
  | 'lost'
  | 'retryOf'
>

/** Which part of a list is wanted. */
export type PageQuery = TaskQuery & {
  /** Where the last page ended: what comes after it, in the same order. @default from the beginning */
  cursor?: string
}

/** A part of a list: its rows are made as they are read. */
export type TaskPage<Row = unknown> = Readonly<{
  /** What has been pruned, or fits no more, by the time that it is read, is left out. */
  rows: Iterable<Row>
  /** Where the page ends; null: nothing follows. */
  cursor: string | null
  /** How many tasks fit the filter, on all pages. */
  matched: number
}>

/** How many tasks there are. Of more than 32 types or nodes, those with fewest tasks are counted as `(other)`. */
export type TaskCountsView = {
  v: 1
  at: string
  total: number
  states: Record<TaskState, number>
  types: Record<string, Record<TaskState, number>>
  /** By the name of the holder. */
  nodes: Record<string, Record<TaskState, number>>
}

/** What a reader of the live view wants. */
export type WatchOptions = Readonly<{
  /** The cursor of the last line that the reader has had: what has changed since. @default all, anew */
  since?: string
  /** How many tasks the snapshot has, the newest ones. @default 200 */
  rows?: number
  /** Which events are told beside what the view has. @default all */
  wants?: (event: NodeEvent) => boolean
}>

/** A line of the live view: an event, or one of those that begin with `view:` (node/lists/live-view.ts). */
export type ViewLine = NodeEvent & Record<string, Json>

/** Tasks as many. Nothing here keeps the node from its other work, however many there are. */
export interface ListsApi {
  /**
   * Rows of tasks, or a page of them; for the rest as `listTasks` without `fields`.
   *
   * @throws InvalidOptionError
   */
  listTasks(query: PageQuery & { fields: 'brief' }): Promise<TaskPage<TaskRow>>
  /**
   * Tasks, or a page of them. Each that is there all the while, and whose place in the order does not change, is on one
   * page, whatever else comes and goes.
   *
   * @throws InvalidOptionError
   */
  listTasks(query?: PageQuery): Promise<TaskPage<TaskView>>
  /** How many tasks fit. @throws InvalidOptionError */
  countTasks(filter?: TaskFilter): Promise<TaskCountsView>
  /**
   * Nodes, counts and tasks as they are, and then whatever changes, until the signal is aborted. A reader that is slow
   * is told less often, and then of the newest state.
   *
   * @throws InvalidOptionError if `since` is no cursor
   */
  watch(options: WatchOptions, signal: AbortSignal): AsyncIterable<ViewLine>
}
