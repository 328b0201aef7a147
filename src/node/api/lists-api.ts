/**
 * What a node tells of its tasks as many, and does with many: pages of them, counts, their neighbourhood, when they
 * ran, and one word for all of them. All of it takes turns with the node's other work, however many tasks there are.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { SpanOutcome, Via } from '../../core/message.ts'
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
  | 'via'
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

/** A task among those that it depends on, and that depend on it. */
export type GraphView = {
  v: 1
  id: TaskId
  /** Rows, with how far away each is: below zero what the task depends on, above zero what depends on it. */
  nodes: (TaskRow & { depth: number })[]
  /** `to` depends on `from`; both are among the nodes, or `from` is unknown. */
  edges: { from: TaskId; to: TaskId }[]
  /** What some of them depend on, and this node does not know: it was pruned, or has not come yet. */
  unknown: TaskId[]
  /** Tasks that are near enough, and for which there was no room. */
  more: number
}

/** How much of the neighbourhood of a task is wanted. */
export type GraphQuery = Readonly<{
  /** How many steps away, in either direction. @default 3 */
  depth?: number
  /** How many tasks at most, the nearest ones. @default 500 */
  max?: number
}>

/** Which part of the timeline is wanted. */
export type TimelineQuery = Readonly<{
  /** RFC 3339. @default ten minutes before its end */
  from?: string
  /** RFC 3339. @default now */
  to?: string
  /** Of more spans, how dense they are is told instead. @default 5000 */
  max?: number
}>

/** A run of a task, by the clock of the node that ran it. */
export type SpanView = {
  task: TaskId
  type: string
  node: string
  pool: string
  /** Counted from 0. */
  slot: number
  attempt: number
  from: string
  /** Null while it runs, as is its outcome. */
  to: string | null
  /**
   * `postponed`: it is to be tried again later. `aborted`: it was no longer the node's to run. `returned`: a worker has
   * given it back.
   */
  outcome: SpanOutcome | null
  /** How the task came to that node. */
  via: Via
}

/** Who ran what, and when. */
export type TimelineView = {
  v: 1
  from: string
  to: string
  /** Oldest first; none if there are too many. */
  spans: SpanView[]
  /**
   * In place of too many spans: which part of each stretch of time each slot was taken, 0 to 1, and how many runs ended
   * in it.
   */
  density: {
    bucketMs: number
    rows: {
      node: string
      pool: string
      slot: number
      busy: number[]
      ended: number[]
    }[]
  } | null
  /** Nodes that did not answer: what they ran is not known here. */
  missing: string[]
  /** Nodes that have let go of some of what they ran in that time. */
  lost: string[]
}

/** What is to be done with many tasks. */
export type BulkRequest = Readonly<{
  action: 'cancel' | 'retry'
  filter: TaskFilter
  /** How many tasks have to fit; nothing is done if it is another number. @default any */
  expect?: number
  /** Whether copies of commands may be submitted. @default true */
  allowCommands?: boolean
}>

/** Which tasks would be changed. */
export type BulkPreview = { v: 1; matched: number; sample: TaskRow[] }

/** What became of them. */
export type BulkResult = {
  v: 1
  matched: number
  /** Cancelled, or to be cancelled by the nodes that hold them; or tried once more. */
  changed: number
  /** Those that were not changed, a thousand at most. */
  refused: { id: TaskId; why: string }[]
  /** How many others were not. */
  refusedMore: number
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
   * A task, what it depends on, and what depends on it.
   *
   * @throws UnknownTaskError
   */
  graph(id: TaskId, query?: GraphQuery): Promise<GraphView>
  /** Who ran what, and when: all nodes are asked. @throws InvalidOptionError */
  timeline(query?: TimelineQuery): Promise<TimelineView>
  /** Which tasks `bulk` would change. @throws InvalidOptionError CountMismatchError */
  previewBulk(request: BulkRequest): Promise<BulkPreview>
  /**
   * Cancels the tasks that fit and have not settled, or submits copies of those that fit, failed or were cancelled, and
   * have no copy yet.
   *
   * @param signal goes no further: what is done by then stays done. @default never
   * @throws InvalidOptionError CountMismatchError NodeClosedError
   */
  bulk(request: BulkRequest, signal?: AbortSignal): Promise<BulkResult>
  /**
   * Nodes, counts and tasks as they are, and then whatever changes, until the signal is aborted. A reader that is slow
   * is told less often, and then of the newest state.
   *
   * @throws InvalidOptionError if `since` is no cursor
   */
  watch(options: WatchOptions, signal: AbortSignal): AsyncIterable<ViewLine>
}
