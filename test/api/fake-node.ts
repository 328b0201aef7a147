/**
 * A node without a network: tasks in a map, settled by the test. It keeps the promises of NodeHandle that the local
 * API relies on, and no others.
 */
import { Readable } from 'node:stream'
import { taskId } from '../../src/core/base/ids.ts'
import {
  AmbiguousTaskError,
  BlobUnavailableError,
  CountMismatchError,
  ForeignStateFileError,
  InvalidOptionError,
  NotReplicatedError,
  PayloadRejectedError,
  TaskStateError,
  TooLargeError,
  UnknownNodeError,
  UnknownTaskError
} from '../../src/shared/errors.ts'
import { TASK_STATES } from '../../src/shared/names.ts'
import type {
  BlobRef,
  CancelResult,
  DiagnosisView,
  ImportOptions,
  Json,
  LoadedState,
  LogEntry,
  NodeEvent,
  NodeApi,
  NodeView,
  EndListener,
  IdListener,
  ReloadedHandlers,
  StatusView,
  Submitted,
  TaskFilter,
  TaskQuery,
  TaskView,
  WhyView,
  WorkerHealth,
  WorkersApi
} from '../../src/node/api/node-api.ts'
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
} from '../../src/node/api/lists-api.ts'
import { Listeners } from '../../src/node/events/listeners.ts'
import { TaskCounting } from '../../src/node/lists/task-counts.ts'
import { until } from '../support/until.ts'
import { FakeWork } from '../node/workers/fake-work.ts'

const SUBMITTED_AT = Date.UTC(2026, 0, 2, 3, 4, 5)

export class FakeNode implements NodeApi, ListsApi {
  /** Workers and leases are real; what they run is said by the test. */
  readonly work: FakeWork = new FakeWork()
  readonly workers: WorkersApi = this.work.workers
  readonly id = '12D3KooWFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake'
  readonly name: string
  readonly cluster: string
  readonly addresses = ['/ip4/127.0.0.1/tcp/4001']
  /** How often each wait was given up by its caller. */
  waitsGivenUp = 0
  waiting = 0
  /** Options of the submissions, in order. */
  submissions: { type: string; payload: unknown; options: Readonly<Record<string, unknown>> }[] = []
  leftAfterMs: number | null = null
  #views = new Map<string, TaskView>()
  #waiters = new Map<string, ((view: TaskView) => void)[]>()

  constructor(name = 'computer-a/1', cluster = 'test') {
    this.name = name
    this.cluster = cluster
  }

  /** The types say how a submission ends. */
  submit(
    type: string,
    payload: unknown,
    options: Readonly<Record<string, unknown>> = {},
    signal?: AbortSignal,
    listener?: EndListener,
    named?: IdListener
  ): Promise<Submitted> {
    if (type === 'held') return this.#hold(payload, options, signal)
    this.submissions.push({ type, payload, options })
    if (type === 'rejected') return Promise.reject(new PayloadRejectedError('no JSON'))
    if (type === 'large') return Promise.reject(new TooLargeError('8193 bytes are too many'))
    if (type === 'broken') return Promise.reject(new TypeError('a mistake in hearsay'))
    const { priority } = options
    if (priority !== undefined && !(Number(priority) >= 1 && Number(priority) <= 10)) {
      return Promise.reject(
        new InvalidOptionError(`priority cannot be ${JSON.stringify(priority)}`)
      )
    }
    const id = taskId(SUBMITTED_AT, 'fake', this.#views.size)
    this.#views.set(id, view(id, type, payload as Json, this.name))
    named?.(id)
    if (listener !== undefined) this.#tell(id, listener)
    if (type === 'alone') return Promise.reject(new NotReplicatedError('0 of 1 have it', id))
    const warnings = type === 'strange' ? ['no node has a handler for "strange"'] : []
    if (type === 'quick') this.settle(id, { state: 'completed', result: payload as Json })
    return Promise.resolve({ id, acks: 1, deduplicated: false, warnings })
  }

  /** How often a task was followed. */
  followed = 0

  async follow(id: string, listener: EndListener): Promise<void> {
    this.task(id)
    this.followed++
    this.#tell(id, listener)
  }

  #tell(id: string, { onEnd, gone }: EndListener): void {
    void this.settled(id, gone).then(
      task => onEnd(() => task),
      () => {}
    )
  }

  /** How often somebody wanted to know how the cluster is. */
  statusAsked = 0

  /** Submissions of the type `held`, in their order: each goes on when it is called. */
  readonly #held = new Set<() => void>()

  get held(): number {
    return this.#held.size
  }

  letIn(): void {
    for (const enter of this.#held) enter()
  }

  #hold(
    payload: unknown,
    options: Readonly<Record<string, unknown>>,
    signal: AbortSignal | undefined
  ): Promise<Submitted> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        this.#held.delete(enter)
        resolve(this.submit('let in', payload, options))
      }
      this.#held.add(enter)
      signal?.addEventListener('abort', () => {
        if (this.#held.delete(enter)) reject(signal.reason as Error)
      })
    })
  }

  /** What `writeBlob` was given, by hash: here just its place in the order. */
  readonly blobs = new Map<string, Buffer>()

  async writeBlob(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef> {
    const bytes = Buffer.concat(await pieces(chunks))
    const hash = this.blobs.size.toString(16).padStart(64, '0')
    this.blobs.set(hash, bytes)
    return { hash, bytes: bytes.length }
  }

  async readBlob({ hash }: BlobRef): Promise<AsyncIterable<Uint8Array>> {
    const bytes = this.blobs.get(hash)
    if (bytes === undefined) throw new BlobUnavailableError(`no node has the blob ${hash}`)
    return Readable.from([bytes])
  }

  submitBlob(
    type: string,
    payload: BlobRef,
    options: Readonly<Record<string, unknown>> = {}
  ): Promise<Submitted> {
    return this.submit(type, JSON.parse(String(this.blobs.get(payload.hash))), options)
  }

  change(id: string, change: Partial<TaskView>): TaskView {
    this.#views.set(id, { ...this.task(id), ...change })
    return this.task(id)
  }

  settle(id: string, change: Partial<TaskView>): void {
    const settled = { ...this.task(id), settledAt: '2026-01-02T03:04:06.000Z', ...change }
    this.#views.set(id, { ...settled, durationMs: 12 })
    for (const tell of this.#waiters.get(id) ?? []) tell(this.task(id))
    this.#waiters.delete(id)
  }

  settled(id: string, signal?: AbortSignal): Promise<TaskView> {
    const known = this.task(id)
    if (known.settledAt !== null) return Promise.resolve(known)
    this.waiting++
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(id) ?? []
      this.#waiters.set(id, [...waiters, resolve])
      signal?.addEventListener('abort', () => {
        this.waitsGivenUp++
        reject(signal.reason as Error)
      })
    })
  }

  async resolveId(part: string): Promise<string> {
    const ids = [...this.#views.keys()].filter(id => id.includes(part))
    if (ids.length > 1) throw new AmbiguousTaskError(`"${part}" fits ${ids.length} tasks`)
    const [id] = ids
    if (id === undefined) throw new UnknownTaskError(`no task "${part}" is known here`)
    return id
  }

  task(id: string): TaskView {
    const known = this.#views.get(id)
    if (known === undefined) throw new UnknownTaskError(`no task "${id}" is known here`)
    return known
  }

  *tasks(query: TaskQuery = {}): Generator<TaskView> {
    for (const task of this.#fitting(query).slice(0, query.limit)) {
      if (task.type === 'explodes') throw new TypeError('the list broke')
      yield task
    }
  }

  #fitting({ state, type, tag, node, ref }: TaskFilter): TaskView[] {
    const states = typeof state === 'string' ? [state] : state
    return [...this.#views.values()]
      .toReversed()
      .filter(
        task =>
          (states === undefined || states.includes(task.state)) &&
          (type === undefined || task.type === type) &&
          (tag === undefined || task.tags.includes(tag)) &&
          (node === undefined || task.holder === node) &&
          (ref === undefined || task.ref === ref)
      )
  }

  /** What the last list was asked with. */
  listed: PageQuery & { fields?: 'brief' } = {}

  listTasks(query: PageQuery & { fields: 'brief' }): Promise<TaskPage<TaskRow>>
  listTasks(query?: PageQuery): Promise<TaskPage<TaskView>>
  async listTasks(query: PageQuery & { fields?: 'brief' } = {}): Promise<TaskPage<never>> {
    this.listed = query
    const { fields, cursor: _, ...wanted } = query
    const rows = fields === 'brief' ? this.#fitting(wanted).map(rowOf) : this.tasks(wanted)
    return { rows: rows as Iterable<never>, cursor: null, matched: this.#fitting(wanted).length }
  }

  async countTasks(filter: TaskFilter = {}): Promise<TaskCountsView> {
    const counting = new TaskCounting()
    const tasks = this.#fitting(filter)
    for (const { type, state, holder } of tasks) counting.add(type, state, holder)
    return counting.view(SUBMITTED_AT)
  }

  /** What the last graph, timeline or bulk was asked with. */
  asked: GraphQuery | TimelineQuery | BulkRequest = {}

  async graph(id: string, query: GraphQuery = {}): Promise<GraphView> {
    this.asked = query
    const nodes = [{ ...rowOf(this.task(id)), depth: 0 }]
    return { v: 1, id, nodes, edges: [], unknown: [], more: 0 }
  }

  async timeline(query: TimelineQuery = {}): Promise<TimelineView> {
    this.asked = query
    const at = new Date(SUBMITTED_AT).toISOString()
    const place = { node: this.name, pool: 'default', slot: 0 }
    const span = { task: 'a', type: 'b', ...place, attempt: 1, from: at, to: null, outcome: null }
    const spans = [{ ...span, via: 'submitted' as const }]
    return { v: 1, from: at, to: at, spans, density: null, missing: ['computer-b/2'], lost: [] }
  }

  async previewBulk(request: BulkRequest): Promise<BulkPreview> {
    this.asked = request
    const tasks = this.#meant(request)
    return { v: 1, matched: tasks.length, sample: tasks.slice(0, 10).map(rowOf) }
  }

  async bulk(request: BulkRequest): Promise<BulkResult> {
    this.asked = request
    const tasks = this.#meant(request)
    for (const { id } of tasks) await this[request.action](id)
    const { length } = tasks
    return { v: 1, matched: length, changed: length, refused: [], refusedMore: 0 }
  }

  #meant({ action, filter, expect }: BulkRequest): TaskView[] {
    const isMeant = ({ state }: TaskView): boolean =>
      action === 'retry' ? state === 'failed' || state === 'cancelled' : state === 'queued'
    const tasks = this.#fitting(filter).filter(isMeant)
    if (expect === undefined || expect === tasks.length) return tasks
    throw new CountMismatchError(`${tasks.length} tasks fit, and not ${expect}`)
  }

  /** What the last live view was asked with. */
  watched: WatchOptions = {}

  async *watch(options: WatchOptions, signal: AbortSignal): AsyncGenerator<ViewLine> {
    this.watched = options
    const { cursor } = this.events
    yield { v: 1, at: new Date(SUBMITTED_AT).toISOString(), event: 'view:live', cursor }
    await new Promise(resolve => signal.addEventListener('abort', resolve))
  }

  /** Pieces that were imported, and are exported again. */
  state: string[] = []
  labels: Record<string, string> = {}

  // oxlint-disable-next-line typescript/require-await -- a real node reads its disk meanwhile
  async *exportState(): AsyncGenerator<string> {
    yield* this.state
  }

  /** What the last import was asked with. */
  importedWith: ImportOptions = {}

  async importState(
    pieces: AsyncIterable<string> | Iterable<string>,
    options: ImportOptions = {}
  ): Promise<LoadedState> {
    this.importedWith = options
    const state: string[] = []
    for await (const piece of pieces) {
      if (piece.startsWith('foreign')) throw new ForeignStateFileError('another cluster')
      state.push(piece)
    }
    this.state = state
    return { v: 1, loaded: state.join('').length, known: 0, skipped: 0 }
  }

  nodes(): NodeView[] {
    const self: NodeView = {
      v: 1,
      name: this.name,
      id: this.id,
      computer: 'computer-a',
      instance: '1',
      status: 'alive',
      draining: this.isDraining,
      paused: null,
      self: true,
      found: true,
      connected: true,
      synced: true,
      slots: 2,
      running: 1,
      queued: 0,
      pools: [
        {
          name: 'default',
          slots: 2,
          running: 1,
          types: ['quick'],
          labels: this.labels,
          external: false
        }
      ],
      loopLagMs: 0,
      settledMax: 10_000,
      handlers: ['quick'],
      labels: this.labels,
      addresses: [...this.addresses],
      heartbeatAgeMs: 0,
      boot: 'boot',
      version: '0.1.0'
    }
    const nobody = {
      status: null,
      id: null,
      self: false,
      connected: false,
      synced: false,
      draining: false
    }
    return [self, { ...self, ...nobody, name: 'computer-b/2', found: false, heartbeatAgeMs: null }]
  }

  checkWorkerHealth(): WorkerHealth[] {
    return []
  }

  async metricsText(): Promise<string> {
    return 'hearsay_build_info 1\n'
  }

  setLabels(labels: Readonly<Record<string, string>>): void {
    this.labels = { ...labels }
  }

  isDraining = false

  drain(node = this.name): NodeView {
    this.isDraining ||= node === this.name
    return this.#named(node)
  }

  undrain(node = this.name): NodeView {
    this.isDraining &&= node !== this.name
    return this.#named(node)
  }

  async reloadHandlers(): Promise<ReloadedHandlers> {
    return { handlers: ['quick'], added: [], removed: [] }
  }

  registerWorker(): void {}

  forget(node: string): NodeView {
    return this.#named(node)
  }

  #named(name: string): NodeView {
    const found = this.nodes().find(node => node.name === name)
    if (found === undefined) throw new UnknownNodeError(`no node is called ${name}`)
    return found
  }

  getSystemStatus(): StatusView {
    this.statusAsked++
    const tasks = Object.fromEntries(
      TASK_STATES.map(state => [state, [...this.tasks({ state })].length])
    ) as StatusView['tasks']
    return {
      v: 1,
      cluster: this.cluster,
      node: this.name,
      id: this.id,
      version: '0.1.0',
      members: { alive: 1, connected: 0, synced: 0, expected: 2 },
      tasks,
      quorum: true,
      settled: { kept: 0, max: 10_000, differs: false },
      submitters: { waiting: this.#held.size, heldBackBy: this.#held.size > 0 ? 'copies' : null },
      types: { quick: tasks },
      slots: { total: 2, running: 1 }
    }
  }

  diagnosis(names: readonly string[] = []): DiagnosisView {
    const { cluster, name: node, id } = this
    return {
      v: 1,
      cluster,
      node,
      id,
      version: '0.1.0',
      fingerprints: Object.fromEntries([cluster, ...names].map(name => [name, 'cafe'])),
      mdns: null,
      nodes: this.nodes().map(view => ({ ...view, clockOffsetMs: 0 })),
      expected: [],
      unanswered: [],
      duplicates: [],
      disk: null,
      clockSet: null,
      unreadable: [],
      unconfirmed: null,
      overfull: null
    }
  }

  /** The real thing: cursors and what is kept for them are a promise to every client. */
  readonly events = new Listeners('boot-of-fake', {
    now: () => SUBMITTED_AT,
    failed: error => {
      throw error
    }
  })
  /** How many listen now. */
  listening = 0

  onEvent(listener: (event: NodeEvent) => void, since?: string): () => void {
    const stop = this.events.add(listener, since)
    this.listening++
    return () => {
      this.listening--
      stop()
    }
  }

  history(id: string): NodeEvent[] {
    return this.events.about(id)
  }

  emit(event: string, details: Record<string, Json> = {}): void {
    this.events.emit(event, details)
  }

  /** What `logs` gives; with `follow`, it ends when the task has settled. */
  readonly entries: LogEntry[] = []

  async *logs(
    id: string,
    { follow = false, signal }: { follow?: boolean; signal?: AbortSignal } = {}
  ): AsyncGenerator<LogEntry> {
    this.task(id)
    for (let next = 0; ;) {
      while (next < this.entries.length) yield this.entries[next++]!
      if (!follow || this.task(id).settledAt !== null) return
      const isOver = (): boolean => this.task(id).settledAt !== null || signal?.aborted === true
      await until(() => next < this.entries.length || isOver(), 'more of the log, or its end')
      signal?.throwIfAborted()
    }
  }

  progressRefreshed = 0

  async refreshProgress(): Promise<void> {
    this.progressRefreshed++
  }

  /** What is of the type `stuck` has a holder that hears of nothing. */
  cancel(id: string): Promise<CancelResult> {
    const { type, state } = this.task(id)
    if (type === 'stuck') return Promise.resolve({ v: 1, id, status: 'requested' })
    if (state === 'completed') return Promise.resolve({ v: 1, id, status: 'completed' })
    this.settle(id, { state: 'cancelled', reason: 'CancelledByUser' })
    return Promise.resolve({ v: 1, id, status: 'cancelled' })
  }

  retry(id: string): Promise<Submitted> {
    const { type, payload, state } = this.task(id)
    if (state === 'failed' || state === 'cancelled') return this.submit(type, payload)
    return Promise.reject(new TaskStateError(`${id} is ${state}`))
  }

  why(id: string): WhyView {
    const { state, reason, type, ref, tags, idempotencyKey, dependsOn } = this.task(id)
    const dependencies = dependsOn.map(each => {
      const known = this.#views.get(each)
      return known ?? { id: each, type: null, ref: null, state: null, reason: null }
    })
    const nodes = [{ node: this.name, reason: 'NoHandler', words: 'it has no handler for it' }]
    return {
      v: 1,
      id,
      state,
      reason,
      words: 'all are busy',
      type,
      ref,
      tags,
      idempotencyKey,
      dependencies: dependencies.map(each => {
        const { id: task, type: of, ref: name, state: now, reason: because } = each
        return { id: task, type: of, ref: name, state: now, reason: because }
      }),
      nodes
    }
  }

  leave(graceMs = 0): Promise<void> {
    this.leftAfterMs = graceMs
    return Promise.resolve()
  }
}

function view(id: string, type: string, payload: Json, holder: string): TaskView {
  return {
    v: 1,
    id,
    type,
    state: 'queued',
    reason: 'SlotsBusy',
    priority: 5,
    attempt: 1,
    maxRetries: 3,
    epoch: 0,
    holder,
    submittedBy: holder,
    submittedAt: new Date(SUBMITTED_AT).toISOString(),
    startedAt: null,
    pool: null,
    slot: null,
    settledAt: null,
    durationMs: null,
    payload,
    payloadBlob: null,
    result: null,
    resultBlob: null,
    error: null,
    dependsOn: [],
    labels: { require: {}, prefer: {} },
    tags: [],
    ref: null,
    idempotencyKey: null,
    traceparent: null,
    progress: null,
    lost: [],
    retryOf: null,
    via: 'submitted',
    acks: 1,
    checkpoint: null
  }
}

const NOT_IN_ROWS = [
  'payload',
  'result',
  'dependsOn',
  'labels',
  'idempotencyKey',
  'traceparent',
  'acks',
  'checkpoint'
]

function rowOf(task: TaskView): TaskRow {
  const fields = Object.entries(task).filter(([field]) => !NOT_IN_ROWS.includes(field))
  return Object.fromEntries(fields) as TaskRow
}

async function pieces(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
): Promise<Uint8Array[]> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return all
}
