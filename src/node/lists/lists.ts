/** The tasks of a node as many: puts the parts together that look at all of them. */
import type { BootId, TaskId } from '../../core/base/ids.ts'
import type { CoreView } from '../../core/view.ts'
import type { Clock } from '../../ports/ports.ts'
import type {
  BulkPreview,
  BulkRequest,
  BulkResult,
  GraphQuery,
  GraphView,
  ListsApi,
  PageQuery,
  TaskCountsView,
  TaskPage,
  TaskRow,
  TimelineQuery,
  TimelineView,
  ViewLine,
  WatchOptions
} from '../api/lists-api.ts'
import type { TaskFilter, TaskQuery, TaskView } from '../api/node-api.ts'
import type { Listeners } from '../events/listeners.ts'
import type { Queries } from '../queries/queries.ts'
import type { Timeline } from '../timeline/timeline.ts'
import { Bulk, type BulkParts } from './bulk.ts'
import { Counts } from './counts.ts'
import { Graph } from './graph.ts'
import { LiveView } from './live-view.ts'
import { Scans } from './scans.ts'
import { TaskLists } from './task-lists.ts'

export type ListsParts = Readonly<{
  core: CoreView
  clock: Clock
  nameOf: (boot: BootId) => string
  queries: Pick<Queries, 'view' | 'row' | 'nodes' | 'record'>
  listeners: Listeners
  /** Asks how far what runs is. */
  refreshProgress: () => Promise<void>
  timeline: Timeline
  /** What can be done with a task. */
  actions: Pick<BulkParts, 'cancel' | 'cancelled' | 'retry'>
}>

export class Lists implements ListsApi {
  readonly #taskLists: TaskLists
  readonly #counts: Counts
  readonly #liveView: LiveView
  readonly #graph: Graph
  readonly #bulk: Bulk
  readonly #queries: ListsParts['queries']
  readonly #timeline: Timeline

  constructor(parts: ListsParts) {
    const { core, clock, nameOf, queries } = parts
    const scans = new Scans(core, clock)
    const row = queries.row.bind(queries)
    const shown = { view: queries.view.bind(queries), row }
    this.#taskLists = new TaskLists({ core, nameOf, scans, shown })
    this.#counts = new Counts({ core, clock, nameOf, scans })
    this.#liveView = new LiveView({
      ...parts,
      lists: this.#taskLists,
      counts: this.#counts,
      row,
      nodes: () => queries.nodes()
    })
    this.#graph = new Graph({ core, scans, row })
    this.#bulk = new Bulk({ core, scans, lists: this.#taskLists, row, ...parts.actions })
    this.#queries = queries
    this.#timeline = parts.timeline
  }

  /** All at once, as they are read. @throws InvalidOptionError */
  tasks(query: TaskQuery): Iterable<TaskView> {
    return this.#taskLists.tasks(query)
  }

  listTasks(query: PageQuery & { fields: 'brief' }): Promise<TaskPage<TaskRow>>
  listTasks(query?: PageQuery): Promise<TaskPage<TaskView>>
  listTasks(query: PageQuery & { fields?: 'brief' } = {}): Promise<TaskPage<TaskRow | TaskView>> {
    return this.#taskLists.page(query)
  }

  countTasks(filter: TaskFilter = {}): Promise<TaskCountsView> {
    return this.#counts.of(filter)
  }

  watch(options: WatchOptions, signal: AbortSignal): AsyncIterable<ViewLine> {
    return this.#liveView.watch(options, signal)
  }

  async graph(id: TaskId, query: GraphQuery = {}): Promise<GraphView> {
    return this.#graph.around(this.#queries.record(id), query)
  }

  timeline(query: TimelineQuery = {}): Promise<TimelineView> {
    return this.#timeline.view(query)
  }

  previewBulk(request: BulkRequest): Promise<BulkPreview> {
    return this.#bulk.preview(request)
  }

  bulk(request: BulkRequest, signal?: AbortSignal): Promise<BulkResult> {
    return this.#bulk.run(request, signal)
  }
}
