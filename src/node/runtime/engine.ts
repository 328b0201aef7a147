/**
 * Runs the core against the world: inputs in at `feed`, effects out to the ports. The loop is in `loop.ts`.
 *
 * Much work is done in portions, between which the event loop has its turn: a node that reads, ticks and answers late
 * is taken for gone. What waits is in `inputs.ts`.
 *
 * No decision is made here. Whatever is asked for by an effect is done by a port, and whatever comes of it comes back
 * as an input.
 */
import { hlcMs } from '../../core/base/hlc.ts'
import type { TaskId } from '../../core/base/ids.ts'
import type { Core } from '../../core/core.ts'
import type { Backlog } from '../../core/replication/ack-wait.ts'
import type { CoreEvent, Effect, Flush, Run } from '../../core/effect.ts'
import type { Input } from '../../core/input.ts'
import type { OutputStream } from '../../core/message.ts'
import type { DiskFullError } from '../../shared/errors.ts'
import { BlobTraffic } from './blob-traffic.ts'
import { wallMsOf } from './clock.ts'
import { Logbook } from '../output/logbook.ts'
import { tailOf } from '../output/tail.ts'
import { RunSpans } from '../timeline/run-spans.ts'
import { Inputs } from './inputs.ts'
import { Loop, type Turn, type World } from './loop.ts'
import { Saves } from './saves.ts'
import { LoopLag } from './loop-lag.ts'
import {
  PORTION_MS,
  type Blobs,
  type Clock,
  type Journal,
  type Receiver,
  type Runner,
  type Transport
} from '../../ports/ports.ts'
import type { Tracing } from '../../ports/tracing.ts'

export type Ports = Readonly<{
  transport: Transport
  journal: Journal
  blobs: Blobs
  runner: Runner
  clock: Clock
  /** @default nobody collects traces */
  tracing?: Tracing | undefined
}>

/** What of the core's effects concerns the people and programs round the node. */
export interface Observer {
  created(created: Extract<Effect, { kind: 'created' }>): void
  accepted(accepted: Extract<Effect, { kind: 'accepted' }>): void
  refused(refused: Extract<Effect, { kind: 'refused' }>): void
  found(found: Extract<Effect, { kind: 'found' }>): void
  loaded(request: number): void
  left(): void
  /** A node that was here before is in this node's place. */
  giveWay(why: 'identity' | 'name'): void
  /** The task has an outcome that may be told. */
  settled(taskId: TaskId): void
  event(event: CoreEvent): void
  /** A run has printed or logged something. */
  said(taskId: TaskId, stream: OutputStream, bytes: Uint8Array): void
  progressed(taskId: TaskId, fraction: number, message: string | null): void
  /** The disk refuses to be written to; null: it works again. */
  disk(failure: unknown): void
  /** The disk has no room for a payload or result; null: it has taken one. */
  blobDisk(failure: DiskFullError | null): void
  /** An effect could not be performed, which is a fault of this program: all others were. */
  failed(effect: Effect['kind'], error: unknown): void
  /** The computer's clock has been set forward by `stepMs`. */
  clockSet(stepMs: number): void
  /** Something has been taken in: there may be room for more. */
  turned(): void
}

/**
 * Node's timers are early by up to 1.4 ms, measured. A tick just before its time would leave what is due to the next
 * one, a second later.
 */
const EARLY_MS = 2

/** Interval between retries of a write that a full disk refused. */
const DISK_RETRY_MS = 1000

export class Engine {
  readonly #core: Core
  readonly #ports: Ports
  /** Blobs on their way to this node, and away from it. */
  readonly blobs: BlobTraffic
  /** What the runs of this node save. */
  readonly saves: Saves = new Saves(input => this.feed(input))
  /** What the runs of this node say. */
  readonly logbook: Logbook
  /** When this node ran which tasks. */
  readonly spans: RunSpans
  /** How late ticks are. */
  readonly loopLag: LoopLag = new LoopLag()
  readonly #observer: Observer
  readonly #inputs = new Inputs()
  readonly #loop: Loop
  /** When the portion of this turn of the event loop is over; null: it has not begun. */
  #portionEndsAt: number | null = null
  #running = false
  #diskFails = false
  /** How far the wall clock is ahead, as the core was told last. */
  #aheadMs = 0
  #stopTicking = (): void => {}

  constructor(core: Core, ports: Ports, observer: Observer) {
    this.#core = core
    this.#ports = ports
    this.blobs = new BlobTraffic(ports, {
      kept: ref => this.feed({ kind: 'blob-kept', ref }),
      missing: hash => this.feed({ kind: 'blob-missing', hash }),
      disk: failure => observer.blobDisk(failure)
    })
    this.logbook = new Logbook(() => wallMsOf(ports.clock))
    this.spans = new RunSpans({ core: core.view, now: () => core.view.wallMs(ports.clock.now()) })
    this.#observer = observer
    this.#loop = new Loop(core, this.#world())
  }

  async start(): Promise<void> {
    const { transport, runner } = this.#ports
    this.#running = true
    runner.onEnded((taskId, epoch, run, durationMs) => {
      this.spans.ended(taskId, epoch, run)
      this.#ports.tracing?.ended(taskId, epoch, run)
      const tail = tailOf(this.logbook.end(taskId, epoch))
      this.feed({ kind: 'completion', taskId, epoch, run, durationMs, tail })
    })
    runner.onOutput((taskId, epoch, stream, bytes) => {
      this.logbook.say(taskId, epoch, stream, bytes)
      this.#observer.said(taskId, stream, bytes)
    })
    runner.onProgress((taskId, epoch, fraction, message) => {
      this.logbook.progress(taskId, epoch, fraction, message)
      this.#observer.progressed(taskId, fraction, message)
    })
    runner.useBlobs(this.blobs, (...saved) => this.saves.save(...saved))
    const { failure } = this.#ports.journal
    if (failure) {
      this.#noteDisk(failure)
      this.#after(DISK_RETRY_MS, () => this.#reviveDisk())
    }
    await transport.start(this.#receiver())
    this.feed({ kind: 'tick' })
    this.#loop.tickSoon()
  }

  /** Something has happened. What a step causes at once is taken up after it. */
  feed(input: Input): void {
    if (!this.#running) return
    this.#inputs.push(input, this.#ports.clock.now())
    this.#loop.run()
  }

  /** New tasks that have been fed, and that the core has not seen yet. */
  waitingTasks(): number {
    return this.#inputs.tasks
  }

  /** Whether everybody keeps far too many settled tasks, and lets go of them. */
  isFull(): boolean {
    return this.#core.view.isFull
  }

  /** What the core itself has yet to get to the disk, and to others. */
  backlog(): Backlog {
    return this.#core.view.backlog
  }

  #world(): World {
    const { clock } = this.#ports
    const isOver = (): boolean => !this.#running
    return {
      now: () => clock.now(),
      next: now => this.#next(now),
      perform: effect => this.#perform(effect),
      failed: ({ kind }, error) => this.#observer.failed(kind, error),
      get isOver() {
        return isOver()
      },
      tickIn: ms => this.#tickIn(ms),
      turned: () => this.#observer.turned()
    }
  }

  #next(now: number): Turn | 'later' | null {
    if (this.#inputs.isEmpty) return null
    const input = this.#clockSet() ?? this.#inputs.take(now, now < this.#portionEnd(now))
    return input === undefined ? 'later' : { input, isLateTick: false }
  }

  /** Before anything is stamped: the computer's clock may have been set. */
  #clockSet(): Input | undefined {
    const aheadMs = this.#ports.clock.aheadMs()
    const stepMs = aheadMs - this.#aheadMs
    if (stepMs === 0) return undefined
    this.#aheadMs = aheadMs
    this.#observer.clockSet(stepMs)
    return { kind: 'clock', aheadMs }
  }

  /** By when this turn of the event loop should go on to something else. */
  #portionEnd(now: number): number {
    if (this.#portionEndsAt === null) {
      this.#portionEndsAt = now + PORTION_MS
      setImmediate(() => {
        this.#portionEndsAt = null
        if (!this.#inputs.isEmpty) this.#loop.run()
      })
    }
    return this.#portionEndsAt
  }

  #tickIn(afterMs: number): void {
    const { clock } = this.#ports
    this.#stopTicking()
    const ms = Math.ceil(afterMs) + EARLY_MS
    const dueAt = clock.now() + ms
    this.#stopTicking = clock.every(ms, () => {
      const at = clock.now()
      this.loopLag.ticked(at, dueAt, this.#inputs.takeLateMs(at))
      this.#inputs.push({ kind: 'tick', loopLagMs: this.loopLag.maxMs }, at)
      this.#loop.ticked()
    })
  }

  /** Nothing goes in or out any more. */
  async stop(): Promise<void> {
    this.#running = false
    this.#inputs.clear()
    this.#stopTicking()
    this.logbook.close()
    this.saves.close()
    await this.#ports.runner.stop()
    await this.#ports.transport.stop()
    await this.#ports.journal.close()
  }

  #perform(effect: Effect): void {
    const { transport } = this.#ports
    switch (effect.kind) {
      case 'send':
        return transport.send(effect.to, effect.message)
      case 'publish':
        return transport.publish(effect.message, this.#core.view.isFullMesh)
      case 'turn':
        return void setImmediate(() => this.feed({ kind: 'turn' }))
      case 'wake':
        return this.#after(effect.afterMs, () => this.feed({ kind: 'wake' }))
      case 'sync':
        return transport.sync(effect.peer, effect.request)
      case 'probe':
        if (effect.afterMs > 0) return this.#after(effect.afterMs, () => this.#probe(effect))
        return this.#probe(effect)
      case 'meet':
        return this.#meet(effect.addresses)
      case 'persist':
        return this.#persist(effect)
      case 'fetch-blob':
        return this.#fetchBlob(effect)
      case 'drop-blob':
        return this.blobs.drop(effect.hash)
      case 'start':
        return this.#start(effect.run)
      case 'abort':
        return this.#abort(effect.taskId, effect.epoch)
      case 'created':
        return this.#observer.created(effect)
      case 'accepted':
        return this.#observer.accepted(effect)
      case 'refused':
        return this.#observer.refused(effect)
      case 'found':
        return this.#observer.found(effect)
      case 'loaded':
        return this.#observer.loaded(effect.request)
      case 'saved':
        return this.saves.answered(effect)
      case 'settled':
        return this.#observer.settled(effect.taskId)
      case 'notify':
        if (effect.event.name === 'task:pruned') this.logbook.forget(effect.event.taskId)
        return this.#observer.event(effect.event)
      case 'give-way':
        return this.#observer.giveWay(effect.why)
      case 'left':
        return this.#observer.left()
    }
  }

  #start(run: Run): void {
    const { runner, tracing } = this.#ports
    this.logbook.begin(run)
    this.spans.began(run)
    if (tracing === undefined) return runner.start(run)
    const submittedAt = hlcMs(this.#core.view.record(run.taskId)!.spec.submittedAt)
    tracing.run(run, submittedAt, traced => runner.start(traced))
  }

  /** Readers that follow the run hear what it says until it is over. */
  #abort(taskId: TaskId, epoch: number): void {
    this.spans.aborted(taskId, epoch)
    void this.#ports.runner.abort(taskId, epoch).then(() => {
      this.#ports.tracing?.ended(taskId, epoch, null)
      const tail = tailOf(this.logbook.end(taskId, epoch))
      if (tail !== null) this.feed({ kind: 'tail', taskId, epoch, tail })
    })
  }

  #persist({ flush }: Extract<Effect, { kind: 'persist' }>): void {
    this.#write(flush).then(
      () => {
        if (this.#diskFails) this.#noteDisk(null)
        this.feed({ kind: 'persisted', flush: flush.flush })
      },
      (error: unknown) => {
        if (!this.#running) return
        if (!this.#diskFails) this.#noteDisk(error)
        this.#after(DISK_RETRY_MS, () => this.#persist({ kind: 'persist', flush }))
      }
    )
  }

  /** What the journal throws at once counts as what it rejects with: the core waits for an answer. */
  async #write(flush: Flush): Promise<void> {
    await this.#ports.journal.write(flush)
  }

  /**
   * The disk was full when the node started. There may be nothing to write that would show that it takes something
   * again.
   */
  #reviveDisk(): void {
    const revived = this.#ports.journal.revive?.() ?? Promise.resolve()
    revived.then(
      () => {
        if (this.#running && this.#diskFails) this.#noteDisk(null)
      },
      () => this.#after(DISK_RETRY_MS, () => this.#reviveDisk())
    )
  }

  #after(ms: number, run: () => void): void {
    const stop = this.#ports.clock.every(ms, () => {
      stop()
      if (this.#running) run()
    })
  }

  #noteDisk(failure: unknown): void {
    this.#diskFails = failure !== null
    this.#observer.disk(failure)
    this.feed({ kind: 'disk', works: failure === null })
  }

  #fetchBlob({ ref, from }: Extract<Effect, { kind: 'fetch-blob' }>): void {
    const { hash } = ref
    void this.blobs.fetch(ref, from).then(fetched => {
      if (fetched !== 'kept') this.feed({ kind: 'blob-failed', hash, why: fetched })
    })
  }

  #probe({ peer, boot, addresses }: Extract<Effect, { kind: 'probe' }>): void {
    this.#ports.transport.probe(peer, addresses).then(
      refused => this.feed({ kind: 'probed', boot, refused }),
      () => this.feed({ kind: 'probed', boot, refused: false })
    )
  }

  #meet(addresses: readonly string[]): void {
    this.#ports.transport.meets(addresses).then(
      another => this.feed({ kind: 'met', another }),
      () => this.feed({ kind: 'met', another: false })
    )
  }

  #receiver(): Receiver {
    return {
      message: (from, message) => this.feed({ kind: 'message', from, message }),
      link: (peer, up) => this.feed({ kind: 'link', peer, up }),
      syncEnded: (peer, whole) => this.feed({ kind: 'sync-ended', peer, whole }),
      addresses: addresses => this.feed({ kind: 'addresses', addresses }),
      answerSync: (_from, request) => this.#core.answerSync(request),
      readBlob: hash => this.blobs.local(hash),
      answerOutput: request => this.logbook.answer(request),
      answerTimeline: request => this.spans.answer(request)
    }
  }
}
