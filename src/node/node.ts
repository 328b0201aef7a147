/**
 * A running node, as its local API sees it: submits, waits, lists, leaves. All it decides is how to say things; what
 * happens to tasks is decided by the core. What only programs call is in library.ts.
 */
import { bootName, type NodeId, type TaskId } from '../core/base/ids.ts'
import type { Core } from '../core/core.ts'
import type { Input } from '../core/input.ts'
import { DURATION_MS_MAX } from '../shared/durations.ts'
import { NodeClosedError } from '../shared/errors.ts'
import { checkNodeOptions } from '../node-options.ts'
import type { TaskRecord } from '../core/task/record.ts'
import type { BlobRef } from '../core/task/content.ts'
import { Admission } from './tasks/admission.ts'
import { EventPublisher } from './events/event-publisher.ts'
import { durationMs } from './tasks/checks.ts'
import { ClockSteps } from './runtime/clock-steps.ts'
import { wallMsOf } from './runtime/clock.ts'
import { Payloads } from './tasks/payloads.ts'
import { diagnosisOf } from './queries/diagnosis.ts'
import { DiskState } from './runtime/disk-state.ts'
import { metricsSnapshotOf } from './queries/metrics-snapshot.ts'
import { Failures } from './runtime/failures.ts'
import { Engine, type Observer, type Ports } from './runtime/engine.ts'
import type {
  CancelResult,
  DiagnosisView,
  LoadedState,
  LogEntry,
  LogsOptions,
  NodeEvent,
  NodeApi,
  NodeView,
  EndListener,
  StatusView,
  Submitted,
  TaskFilter,
  TaskView,
  WhyView,
  WorkerHealth
} from './api/node-api.ts'
import { Lookups } from './tasks/lookups.ts'
import { Leaving } from './runtime/leaving.ts'
import { Listeners } from './events/listeners.ts'
import { Admin } from './tasks/admin.ts'
import { Output } from './output/output.ts'
import { Queries } from './queries/queries.ts'
import type { NodeSettings } from './settings.ts'
import { Backup } from './tasks/backup.ts'
import { Submissions } from './tasks/submissions.ts'
import { Tasks } from './tasks/tasks.ts'
import { Turns } from './runtime/turns.ts'
import { Worker } from './tasks/worker.ts'
import { Waits } from './tasks/waits.ts'

/** What the node is made of, as far as its public face needs it. */
export type Parts = Readonly<{
  core: Core
  settings: NodeSettings
  queries: Queries
  payloads: Payloads
  worker: Worker
  state: Backup
  turns: Turns
  feed: (input: Input) => void
  /** Resolves when a task has settled. */
  settled: (id: TaskId, signal?: AbortSignal) => Promise<TaskRecord>
}>

export class RunningNode implements NodeApi {
  readonly id: NodeId
  readonly name: string
  /** For the methods that only programs call, in library.ts. */
  protected readonly parts: Parts
  readonly #settings: NodeSettings
  readonly #core: Core
  readonly #ports: Ports
  readonly #engine: Engine
  readonly #queries: Queries
  readonly #payloads: Payloads
  readonly #waits = new Waits()
  readonly #disk: DiskState
  readonly #failures: Failures
  readonly #clockSteps: ClockSteps
  readonly #admission: Admission
  readonly #submissions: Submissions
  readonly #lookups: Lookups
  readonly #turns = new Turns()
  readonly #tasks: Tasks
  readonly #state: Backup
  readonly #listeners: Listeners
  readonly #leaving: Leaving
  readonly #admin: Admin
  readonly #eventPublisher: EventPublisher
  readonly #output: Output
  /** Nothing comes in any more, so that nobody may begin to wait for it. */
  #isClosed = false

  constructor(core: Core, ports: Ports, settings: NodeSettings) {
    this.#core = core
    this.#ports = ports
    this.#settings = settings
    this.#disk = new DiskState(settings, ports.clock, error => this.#letGo(error))
    this.#failures = new Failures(settings.log, ports.clock)
    this.#clockSteps = new ClockSteps(ports.clock, settings.log)
    const { clock } = ports
    this.#listeners = listenersOf(core, ports)
    const nameOf = (node: NodeId): string => this.#queries.nameOf(node)
    this.#eventPublisher = new EventPublisher(
      core.view,
      this.#listeners,
      this.#waits,
      clock,
      nameOf
    )
    this.#engine = new Engine(core, ports, this.#observer())
    this.#output = new Output({ ...ports, core: core.view, logbook: this.#engine.logbook, nameOf })
    this.#queries = new Queries(core.view, ports, settings, this.#output)
    this.#payloads = new Payloads(this.#engine.blobs, core.view)
    const feed = (input: Input): void => this.#engine.feed(input)
    this.#lookups = new Lookups(feed)
    const worker = new Worker({ ...settings, runner: ports.runner, feed })
    this.#admission = new Admission(this.#engine)
    const assertAccepting = (): void => this.#assertAccepting()
    this.#submissions = this.#submissionsWith(worker, feed, assertAccepting)
    this.#tasks = new Tasks({
      waits: this.#waits,
      core: core.view,
      queries: this.#queries,
      submissions: this.#submissions,
      lookups: this.#lookups,
      turns: this.#turns,
      feed,
      assertOpen: () => this.#assertOpen(),
      assertNotClosed: () => this.#assertNotClosed()
    })
    const { stateFiles } = settings
    this.#state = new Backup(core.view, stateFiles, this.#payloads, feed, assertAccepting)
    this.parts = {
      core,
      settings,
      queries: this.#queries,
      payloads: this.#payloads,
      worker,
      state: this.#state,
      feed,
      turns: this.#turns,
      settled: (id, signal) => this.#tasks.settled(id, signal)
    }
    this.id = ports.transport.id
    this.name = settings.name
    this.#admin = new Admin(this.#engine, this.#queries)
    this.#leaving = new Leaving({ engine: this.#engine, core, settings }, () => this.#close())
  }

  #submissionsWith(
    worker: Worker,
    feed: (input: Input) => void,
    assertAccepting: () => void
  ): Submissions {
    const core = this.#core
    return new Submissions({
      payloads: this.#payloads,
      admission: this.#admission,
      acks: this.#settings.acks,
      feed,
      assertPayload: (type, payload) => worker.assertAccepted(type, payload),
      assertAccepting,
      now: () => core.view.wallMs(this.#ports.clock.now()),
      cluster: this.#settings.cluster,
      warnings: draft => this.#queries.warnings(draft)
    })
  }

  /** The name of the cluster that this node is in. */
  get cluster(): string {
    return this.#settings.cluster
  }

  /** Resolves when the node has closed; to the reason, if it had to. */
  get closed(): Promise<Error | null> {
    return this.#leaving.closed
  }

  get addresses(): readonly string[] {
    return this.#core.view.self().addresses
  }

  /** Opens the network. Called once, by createNode. */
  async open(): Promise<void> {
    await this.#engine.start()
    this.#engine.feed({ kind: 'expect', names: this.#settings.roster })
  }

  async submit(
    type: string,
    payload: unknown,
    options: Readonly<Record<string, unknown>> = {},
    signal?: AbortSignal,
    listener?: EndListener
  ): Promise<Submitted> {
    return this.#submissions.submit(type, payload, options, signal, listener)
  }

  async submitBlob(
    type: string,
    payload: BlobRef,
    options: Readonly<Record<string, unknown>> = {},
    signal?: AbortSignal,
    listener?: EndListener
  ): Promise<Submitted> {
    return this.#submissions.submitBlob(type, payload, options, signal, listener)
  }

  async writeBlob(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BlobRef> {
    this.#assertAccepting()
    return this.#payloads.write(chunks)
  }

  async readBlob(blob: BlobRef): Promise<AsyncIterable<Uint8Array>> {
    this.#assertOpen()
    return this.#payloads.read(blob)
  }

  async settled(id: TaskId, signal?: AbortSignal): Promise<TaskView> {
    return this.#queries.view(await this.#tasks.settled(id, signal))
  }

  async resolveId(part: string): Promise<TaskId> {
    return this.#tasks.resolveId(part)
  }

  async cancel(id: TaskId): Promise<CancelResult> {
    return this.#tasks.cancel(id)
  }

  async retry(id: TaskId): Promise<Submitted> {
    return this.#tasks.retry(id)
  }

  why(id: TaskId): WhyView {
    return this.#queries.why(id)
  }

  task(id: TaskId): TaskView {
    return this.#queries.task(id)
  }

  tasks(filter: TaskFilter = {}): Iterable<TaskView> {
    return this.#queries.tasks(filter)
  }

  logs(id: TaskId, options: LogsOptions = {}): AsyncIterable<LogEntry> {
    this.#assertOpen()
    this.#queries.record(id)
    return this.#output.read(id, options)
  }

  refreshProgress(): Promise<void> {
    return this.#output.refresh()
  }

  exportState(): AsyncIterable<string> {
    return this.#state.text(wallMsOf(this.#ports.clock))
  }

  importState(pieces: AsyncIterable<string> | Iterable<string>): Promise<LoadedState> {
    return this.#state.take(pieces)
  }

  setLabels(labels: Readonly<Record<string, string>>): void {
    checkNodeOptions({ labels })
    this.#assertOpen()
    this.#engine.feed({ kind: 'labels', labels })
  }

  nodes(): NodeView[] {
    return this.#queries.nodes()
  }

  getSystemStatus(): StatusView {
    const { waiting, heldBackBy } = this.#admission
    return { ...this.#queries.status(), submitters: { waiting, heldBackBy } }
  }

  checkWorkerHealth(): WorkerHealth[] {
    return this.#queries.health()
  }

  diagnosis(names: readonly string[] = []): DiagnosisView {
    const { duplicates } = this.#eventPublisher
    const now = this.#ports.clock.now()
    const settings = this.#settings
    return diagnosisOf(
      {
        core: this.#core.view,
        queries: this.#queries,
        disk: this.#disk.failure,
        settings,
        duplicates,
        clockStep: this.#clockSteps.last,
        now
      },
      names
    )
  }

  metricsText(): Promise<string> {
    const counters = this.#ports.transport.counters()
    const { maxMs } = this.#engine.loopLag
    return this.#settings.exposition(
      metricsSnapshotOf(this.#core.view, this.nodes(), counters, maxMs)
    )
  }

  drain(node?: string): NodeView {
    this.#assertOpen()
    return this.#admin.drain(node)
  }

  forget(node: string): NodeView {
    this.#assertOpen()
    return this.#admin.forget(node)
  }

  onEvent(listener: (event: NodeEvent) => void, since?: string): () => void {
    return this.#listeners.add(listener, since)
  }

  history(id: TaskId): NodeEvent[] {
    return this.#listeners.about(id)
  }

  async leave(graceMs: number = this.#settings.graceMs): Promise<void> {
    const leaving = this.#leaving.leave(durationMs('graceMs', graceMs, 0, DURATION_MS_MAX))
    this.#admission.refuseAll(this.#stoppingError())
    return leaving
  }

  #stoppingError(): NodeClosedError {
    return new NodeClosedError(`node ${this.name} is stopping: ask another one`)
  }

  #closedError(): NodeClosedError {
    return new NodeClosedError(`node ${this.name} has stopped: ask another one, tasks go on`)
  }

  async #close(): Promise<void> {
    this.#isClosed = true
    const closed = this.#closedError()
    this.#disk.close()
    this.#letGo(closed)
    this.#waits.rejectAll(closed)
    this.#turns.turned()
    await this.#engine.stop()
    await this.#settings.onClosed()
  }

  /** Callers that wait for this node's disk are told that it will not come. */
  #letGo(error: Error): void {
    this.#submissions.rejectAll(error)
    this.#state.letGo()
  }

  #observer(): Observer {
    return {
      accepted: ({ request, ...accepted }) => {
        const listener = this.#submissions.accepted(request, accepted)
        // At once: the node that submitted it hears of it later, when it may have settled.
        if (listener !== undefined) this.#tasks.watch(accepted.taskId, listener)
      },
      refused: refused => this.#submissions.refused(refused),
      found: found => this.#lookups.found(found),
      loaded: request => this.#state.loaded(request),
      left: () => this.#leaving.left(),
      giveWay: why => this.#leaving.giveWay(this.name, why),
      announce: this.#eventPublisher,
      disk: failure => this.#disk.note(failure),
      blobDisk: failure => this.#disk.noteBlob(failure),
      failed: (effect, error) => this.#failures.note(`the effect ${effect}`, error),
      clockSet: byMs => this.#clockSteps.note(byMs),
      turned: () => {
        this.#admission.release()
        this.#turns.turned()
      }
    }
  }

  #assertAccepting(): void {
    this.#assertOpen()
    this.#disk.assertWorks()
  }

  #assertNotClosed(): void {
    if (this.#isClosed) throw this.#closedError()
  }

  #assertOpen(): void {
    if (this.#leaving.hasBegun) {
      throw this.#stoppingError()
    }
  }
}

function listenersOf({ view }: Core, { clock }: Ports): Listeners {
  return new Listeners(bootName(view.self().boot), () => wallMsOf(clock))
}
