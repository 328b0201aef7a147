/**
 * A running node, as its local API sees it: submits, waits, lists, leaves. All it decides is how to say things; what
 * happens to tasks is decided by the core. What only programs call is in library.ts.
 */
import { bootName, type NodeId, type TaskId } from '../core/base/ids.ts'
import type { Core } from '../core/core.ts'
import type { Input } from '../core/input.ts'
import { DURATION_MS_MAX } from '../durations.ts'
import { NodeClosedError } from '../errors.ts'
import { checkNodeOptions } from '../node-options.ts'
import type { TaskRecord } from '../core/task/record.ts'
import type { BlobRef } from '../core/task/content.ts'
import { Admission } from './admission.ts'
import { Announcements } from './announcements.ts'
import { durationMs } from './checks.ts'
import { ClockSteps } from './clock-steps.ts'
import { wallMsOf } from './clock.ts'
import { Contents } from './contents.ts'
import { diagnosisOf } from './diagnosis.ts'
import { DiskState } from './disk-state.ts'
import { factsOf } from './facts.ts'
import { Failures } from './failures.ts'
import { Engine, type Observer, type Ports } from './engine.ts'
import type {
  CancelResult,
  DiagnosisView,
  LoadedState,
  LogEntry,
  LogsOptions,
  NodeEvent,
  NodeHandle,
  NodeView,
  EndListener,
  StatusView,
  Submitted,
  TaskFilter,
  TaskView,
  WhyView,
  WorkerHealth
} from './handle.ts'
import { Inquiries } from './inquiries.ts'
import { Leaving } from './leaving.ts'
import { Listeners } from './listeners.ts'
import { Manage } from './manage.ts'
import { Output } from './output.ts'
import { Picture } from './picture.ts'
import type { NodeSettings } from './settings.ts'
import { State } from './state.ts'
import { Submissions } from './submissions.ts'
import { Tasks } from './tasks.ts'
import { Turns } from './turns.ts'
import { Worker } from './worker.ts'
import { Waits } from './waits.ts'

/** What the node is made of, as far as its public face needs it. */
export type Parts = Readonly<{
  core: Core
  settings: NodeSettings
  picture: Picture
  contents: Contents
  worker: Worker
  state: State
  turns: Turns
  feed: (input: Input) => void
  /** Resolves when a task has settled. */
  settled: (id: TaskId, signal?: AbortSignal) => Promise<TaskRecord>
}>

export class RunningNode implements NodeHandle {
  readonly id: NodeId
  readonly name: string
  /** For the methods that only programs call, in library.ts. */
  protected readonly parts: Parts
  readonly #settings: NodeSettings
  readonly #core: Core
  readonly #ports: Ports
  readonly #engine: Engine
  readonly #picture: Picture
  readonly #contents: Contents
  readonly #waits = new Waits()
  readonly #disk: DiskState
  readonly #failures: Failures
  readonly #clockSteps: ClockSteps
  readonly #admission: Admission
  readonly #submissions: Submissions
  readonly #inquiries: Inquiries
  readonly #turns = new Turns()
  readonly #tasks: Tasks
  readonly #state: State
  readonly #listeners: Listeners
  readonly #leaving: Leaving
  readonly #manage: Manage
  readonly #announcements: Announcements
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
    const nameOf = (node: NodeId): string => this.#picture.nameOf(node)
    this.#announcements = new Announcements(core.view, this.#listeners, this.#waits, clock, nameOf)
    this.#engine = new Engine(core, ports, this.#observer())
    this.#output = new Output({ ...ports, core: core.view, logbook: this.#engine.logbook, nameOf })
    this.#picture = new Picture(core.view, ports, settings, this.#output)
    this.#contents = new Contents(this.#engine.blobs, core.view)
    const feed = (input: Input): void => this.#engine.feed(input)
    this.#inquiries = new Inquiries(feed)
    const worker = new Worker({ ...settings, runner: ports.runner, feed })
    this.#admission = new Admission(this.#engine)
    const assertAccepting = (): void => this.#assertAccepting()
    this.#submissions = new Submissions({
      contents: this.#contents,
      admission: this.#admission,
      acks: settings.acks,
      feed,
      assertPayload: (type, payload) => worker.assertAccepted(type, payload),
      assertAccepting,
      now: () => core.view.wallMs(clock.now()),
      cluster: settings.cluster,
      warnings: draft => this.#picture.warnings(draft)
    })
    this.#tasks = new Tasks({
      waits: this.#waits,
      core: core.view,
      picture: this.#picture,
      submissions: this.#submissions,
      inquiries: this.#inquiries,
      turns: this.#turns,
      feed,
      assertOpen: () => this.#assertOpen(),
      assertNotClosed: () => this.#assertNotClosed()
    })
    const { stateFiles } = settings
    this.#state = new State(core.view, stateFiles, this.#contents, feed, assertAccepting)
    this.parts = {
      core,
      settings,
      picture: this.#picture,
      contents: this.#contents,
      worker,
      state: this.#state,
      feed,
      turns: this.#turns,
      settled: (id, signal) => this.#tasks.settled(id, signal)
    }
    this.id = ports.transport.id
    this.name = settings.name
    this.#manage = new Manage(this.#engine, this.#picture)
    this.#leaving = new Leaving({ engine: this.#engine, core, settings }, () => this.#close())
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
    return this.#contents.write(chunks)
  }

  async readBlob(blob: BlobRef): Promise<AsyncIterable<Uint8Array>> {
    this.#assertOpen()
    return this.#contents.read(blob)
  }

  async settled(id: TaskId, signal?: AbortSignal): Promise<TaskView> {
    return this.#picture.view(await this.#tasks.settled(id, signal))
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
    return this.#picture.why(id)
  }

  task(id: TaskId): TaskView {
    return this.#picture.task(id)
  }

  tasks(filter: TaskFilter = {}): Iterable<TaskView> {
    return this.#picture.tasks(filter)
  }

  logs(id: TaskId, options: LogsOptions = {}): AsyncIterable<LogEntry> {
    this.#assertOpen()
    this.#picture.record(id)
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
    return this.#picture.nodes()
  }

  getSystemStatus(): StatusView {
    const { waiting, heldBackBy } = this.#admission
    return { ...this.#picture.status(), submitters: { waiting, heldBackBy } }
  }

  checkWorkerHealth(): WorkerHealth[] {
    return this.#picture.health()
  }

  diagnosis(names: readonly string[] = []): DiagnosisView {
    const { duplicates } = this.#announcements
    const now = this.#ports.clock.now()
    const settings = this.#settings
    return diagnosisOf(
      {
        core: this.#core.view,
        picture: this.#picture,
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
    return this.#settings.exposition(factsOf(this.#core.view, this.nodes(), counters, maxMs))
  }

  drain(node?: string): NodeView {
    this.#assertOpen()
    return this.#manage.drain(node)
  }

  forget(node: string): NodeView {
    this.#assertOpen()
    return this.#manage.forget(node)
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

  /** Whoever waits for this node's disk is told that there is no sense in it. */
  #letGo(error: Error): void {
    this.#submissions.rejectAll(error)
    this.#state.letGo()
  }

  #observer(): Observer {
    return {
      accepted: ({ request, ...accepted }) => {
        const listener = this.#submissions.accepted(request, accepted)
        // At once: whoever submitted it hears of it later, when it may have settled.
        if (listener !== undefined) this.#tasks.watch(accepted.taskId, listener)
      },
      refused: refused => this.#submissions.refused(refused),
      found: found => this.#inquiries.found(found),
      loaded: request => this.#state.loaded(request),
      left: () => this.#leaving.left(),
      giveWay: why => this.#leaving.giveWay(this.name, why),
      announce: this.#announcements,
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
