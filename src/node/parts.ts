/**
 * Puts the parts of a node together, and says which part each effect of the core goes to. What happens to tasks is
 * decided by the core.
 */
import { bootName, nodeOf } from '../core/base/ids.ts'
import type { NodeView } from './api/node-api.ts'
import type { Core } from '../core/core.ts'
import type { CoreEvent } from '../core/effect.ts'
import type { Input } from '../core/input.ts'
import { NodeClosedError } from '../shared/errors.ts'
import { Admission } from './tasks/admission.ts'
import { Admin } from './tasks/admin.ts'
import { Backup } from './tasks/backup.ts'
import { Lookups } from './tasks/lookups.ts'
import { Payloads } from './tasks/payloads.ts'
import { Submissions } from './tasks/submissions.ts'
import { Tasks } from './tasks/tasks.ts'
import { Waits } from './tasks/waits.ts'
import { Worker } from './tasks/worker.ts'
import { Workers } from './workers/workers.ts'
import { EventPublisher } from './events/event-publisher.ts'
import { Listeners } from './events/listeners.ts'
import { Lists } from './lists/lists.ts'
import { Output } from './output/output.ts'
import { ProgressBoard } from './output/progress-board.ts'
import { namesIn } from './queries/names.ts'
import { Queries } from './queries/queries.ts'
import { warningsOf } from './queries/warnings.ts'
import { ClockSteps } from './runtime/clock-steps.ts'
import { wallMsOf } from './runtime/clock.ts'
import { DiskState } from './runtime/disk-state.ts'
import { Engine, type Observer, type Ports } from './runtime/engine.ts'
import { Failures } from './runtime/failures.ts'
import { Leaving } from './runtime/leaving.ts'
import { Turns } from './runtime/turns.ts'
import { Timeline } from './timeline/timeline.ts'
import type { NodeSettings } from './settings.ts'

export class Parts {
  readonly tasks: Tasks
  readonly queries: Queries
  readonly lists: Lists
  readonly output: Output
  readonly admin: Admin
  readonly worker: Worker
  readonly workers: Workers
  readonly leaving: Leaving
  readonly turns: Turns = new Turns()
  readonly #core: Core
  readonly #ports: Ports
  readonly #settings: NodeSettings
  readonly #engine: Engine
  readonly #waits = new Waits()
  readonly #failures: Failures
  readonly #clockSteps: ClockSteps
  readonly #disk: DiskState
  readonly #payloads: Payloads
  readonly #lookups: Lookups
  readonly #admission: Admission
  readonly #submissions: Submissions
  readonly #backup: Backup
  readonly #listeners: Listeners
  readonly #eventPublisher: EventPublisher

  constructor(core: Core, ports: Ports, settings: NodeSettings) {
    const { clock } = ports
    const { view } = core
    this.#core = core
    this.#ports = ports
    this.#settings = settings
    this.#failures = new Failures(settings.log, clock)
    this.#clockSteps = new ClockSteps(clock, settings.log)
    this.#disk = new DiskState(settings, clock, error => this.#rejectWrites(error))
    this.#listeners = new Listeners(bootName(view.self().boot), {
      now: () => wallMsOf(clock),
      failed: error => this.#failures.noteListener('a listener to events', error)
    })
    this.#eventPublisher = new EventPublisher(view, this.#listeners, clock, namesIn(view))
    this.#engine = new Engine(core, ports, this.#observer())
    this.#payloads = new Payloads(this.#engine.blobs, view)
    const feed = (input: Input): void => this.#engine.feed(input)
    this.#lookups = new Lookups(feed)
    this.#admission = new Admission(this.#engine)
    const nodes = (): readonly NodeView[] => this.queries.nodes()
    this.leaving = new Leaving({ feed, core, settings, nodes }, closed => this.#close(closed))
    this.worker = new Worker({ ...settings, runner: ports.runner, feed })
    this.workers = this.#workersWith()
    this.#backup = this.#backupWith(feed)
    const board = new ProgressBoard({ ...ports, core: view, logbook: this.#engine.logbook })
    this.queries = this.#queriesWith(board)
    this.lists = this.#listsWith(board, feed)
    this.output = this.#outputWith(board)
    this.#submissions = this.#submissionsWith(feed)
    this.tasks = this.#tasksWith(feed)
    this.admin = new Admin({
      feed,
      queries: this.queries,
      backup: this.#backup,
      worker: this.worker,
      leaving: this.leaving,
      admission: this.#admission,
      settings
    })
  }

  /** Opens the network. Called once. */
  async start(): Promise<void> {
    await this.#engine.start()
    this.#engine.feed({ kind: 'expect', names: this.#settings.roster })
  }

  #assertAccepting(): void {
    this.leaving.assertOpen()
    this.#disk.assertWorks()
  }

  #workersWith(): Workers {
    const { external } = this.#ports.runner
    const { view } = this.#core
    external.serve({
      addPool: pool => this.worker.addExternalPool(pool),
      resizePool: (name, slots) => this.worker.resizeExternalPool(name, slots),
      removePool: name => this.worker.removeExternalPool(name),
      outcomeOf: (id, epoch) => {
        const outcome = view.record(id)?.outcome ?? null
        const isOurs = outcome !== null && nodeOf(outcome.by) === this.#ports.transport.id
        return isOurs && outcome.epoch === epoch ? outcome : null
      },
      isDraining: () => view.isDraining
    })
    return new Workers({
      external,
      record: id => view.record(id),
      payloads: this.#payloads,
      save: (...saved) => this.#engine.saves.save(...saved),
      assertGiving: () => {
        this.#assertAccepting()
        if (!view.isDraining) return
        throw new NodeClosedError(`node ${this.#settings.name} is draining: ask another one`)
      }
    })
  }

  #backupWith(feed: (input: Input) => void): Backup {
    const { stateFiles } = this.#settings
    const assertAccepting = (): void => this.#assertAccepting()
    return new Backup(
      { core: this.#core.view, clock: this.#ports.clock },
      stateFiles,
      this.#payloads,
      feed,
      assertAccepting
    )
  }

  #queriesWith(progress: ProgressBoard): Queries {
    return new Queries({
      core: this.#core.view,
      ports: this.#ports,
      settings: this.#settings,
      progress,
      processFacts: {
        submitters: () => {
          const { waiting, heldBackBy } = this.#admission
          return { waiting, heldBackBy }
        },
        diskFailure: () => this.#disk.failure,
        duplicates: () => this.#eventPublisher.duplicates,
        clockStep: () => this.#clockSteps.last,
        loopLagMs: () => this.#engine.loopLag.maxMs
      }
    })
  }

  #listsWith(progress: ProgressBoard, feed: (input: Input) => void): Lists {
    const { view } = this.#core
    const nameOf = namesIn(view)
    return new Lists({
      core: view,
      clock: this.#ports.clock,
      nameOf,
      queries: this.queries,
      listeners: this.#listeners,
      refreshProgress: () => progress.refresh(),
      timeline: new Timeline({ ...this.#ports, core: view, spans: this.#engine.spans, nameOf }),
      actions: {
        cancel: taskId => {
          this.leaving.assertOpen()
          feed({ kind: 'cancel', taskId })
        },
        cancelled: id => this.tasks.cancel(id),
        retry: id => this.tasks.retry(id)
      }
    })
  }

  #outputWith(progress: ProgressBoard): Output {
    return new Output(
      {
        ...this.#ports,
        core: this.#core.view,
        logbook: this.#engine.logbook,
        nameOf: namesIn(this.#core.view),
        turns: this.turns,
        assertNotClosed: () => this.leaving.assertNotClosed()
      },
      {
        progress,
        listeners: this.#listeners,
        assertReadable: id => {
          this.leaving.assertOpen()
          this.queries.record(id)
        }
      }
    )
  }

  #submissionsWith(feed: (input: Input) => void): Submissions {
    const { view } = this.#core
    const { clock } = this.#ports
    return new Submissions({
      payloads: this.#payloads,
      admission: this.#admission,
      acks: this.#settings.acks,
      feed,
      assertPayload: (type, payload) => this.worker.assertAccepted(type, payload),
      assertAccepting: () => this.#assertAccepting(),
      now: () => view.wallMs(clock.now()),
      cluster: this.#settings.cluster,
      startsAt: id => view.record(id)?.spec.notBefore ?? null,
      tracing: this.#ports.tracing,
      warnings: draft => warningsOf(draft, view.workers(clock.now()))
    })
  }

  #tasksWith(feed: (input: Input) => void): Tasks {
    return new Tasks({
      waits: this.#waits,
      core: this.#core.view,
      queries: this.queries,
      payloads: this.#payloads,
      submissions: this.#submissions,
      lookups: this.#lookups,
      turns: this.turns,
      feed,
      assertOpen: () => this.leaving.assertOpen(),
      assertAccepting: () => this.#assertAccepting(),
      assertNotClosed: () => this.leaving.assertNotClosed(),
      failed: error => this.#failures.noteListener('a listener to the end of a task', error)
    })
  }

  /** Waits hang on the effects, not on events: a listener to events may be slow, may throw, or may not be there. */
  #observer(): Observer {
    return {
      created: created => this.#submissions.created(created),
      accepted: ({ request, ...accepted }) => {
        const listener = this.#submissions.accepted(request, accepted)
        // At once: by the time the caller has this answer, the task may have settled.
        if (listener !== undefined) this.tasks.watch(accepted.taskId, listener)
      },
      refused: refused => this.#submissions.refused(refused),
      found: found => this.#lookups.found(found),
      loaded: request => this.#backup.loaded(request),
      left: () => this.leaving.left(),
      giveWay: why => this.leaving.giveWay(why),
      settled: id => {
        const record = this.#core.view.record(id)!
        this.#waits.release(record)
        this.#eventPublisher.settled(record)
      },
      event: event => this.#happened(event),
      said: (id, stream, bytes) => this.#eventPublisher.said(id, stream, bytes),
      progressed: (id, ...progress) => this.#eventPublisher.progressed(id, ...progress),
      disk: failure => this.#disk.note(failure),
      blobDisk: failure => this.#disk.noteBlob(failure),
      failed: (effect, error) => this.#failures.note(`the effect ${effect}`, error),
      clockSet: byMs => this.#clockSteps.note(byMs),
      turned: () => {
        this.#admission.release()
        this.turns.turned()
      }
    }
  }

  #happened(event: CoreEvent): void {
    if (event.name === 'task:pruned') this.#waits.pruned(event.taskId)
    if (event.name === 'node:draining' && event.node === this.#ports.transport.id) {
      this.#ports.runner.external.drainAll()
    }
    this.#eventPublisher.event(event)
  }

  /** Callers that wait for this node's disk are rejected: it has taken nothing for too long, or the node closes. */
  #rejectWrites(error: Error): void {
    this.#submissions.rejectAll(error)
    this.#backup.letGo()
  }

  async #close(closed: Error): Promise<void> {
    this.#disk.close()
    this.#rejectWrites(closed)
    this.#waits.rejectAll(closed)
    this.turns.turned()
    await this.#engine.stop()
    await this.#settings.onClosed()
  }
}
