/**
 * One simulated node: the real core, with a disk, a runner and a network made of dice.
 */
import type { BootId, NodeId, TaskId } from '../../core/base/ids.ts'
import { nodeOf, startTimeOf } from '../../core/base/ids.ts'
import { Core } from '../../core/core.ts'
import type { Effect, Flush, Run } from '../../core/effect.ts'
import type { Input, RunResult } from '../../core/input.ts'
import { CORE_DEFAULTS } from '../../core/options.ts'
import type { Message, NamedPool } from '../../core/message.ts'
import type { Pool } from '../../core/claim/pools.ts'
import type { Labels } from '../../core/task/labels.ts'
import type { Content } from '../../core/task/content.ts'
import { Loop, type Turn, type World } from '../../node/runtime/loop.ts'
import type { EventQueue } from './event-queue.ts'
import { Cpu } from './cpu.ts'
import type { Disk } from './disk.ts'
import type { Network, Seat } from './network.ts'
import type { Random } from './random.ts'
import { SimJournal } from './sim-journal.ts'
import { poolsOf, workerOf, type WorkerInput } from './sim-pools.ts'
import { SimSaves, type SaveObserver } from './sim-saves.ts'
import { resultOutside, SimWorkers } from './sim-workers.ts'
import type { LeaseChecker } from '../checkers/execution/leases.ts'
import type { Scenario } from '../scenario.ts'

/** Sees everything that a node does. */
export interface SimObserver {
  /** Steps of a node from one check of its own invariants to the next. @default 1, more with many tasks */
  readonly stepsPerCheck?: number
  /** The core of a node has taken an input in. The effects are performed after this call. */
  stepped(node: SimNode, input: Input, effects: readonly Effect[]): void
  /** A handler that was not aborted has ended, and the core is about to be told. */
  ran(node: SimNode, run: Run, result: RunResult): void
  /** Whether a boot is running. */
  isAlive(boot: BootId): boolean
  /** Sees what becomes of runs by workers outside the process of a node. */
  readonly leases?: LeaseChecker
  /** Sees what runs save for the next attempt. */
  readonly checkpoints?: SaveObserver
}

export type SimNodeOptions = Readonly<{
  boot: BootId
  name: string
  slots: number
  handlers: readonly string[]
  /** Beside the default one. @default none */
  pools?: readonly NamedPool[]
  labels: Labels
  disk: Disk
  /** Where it is in the network. @default at its id */
  seat?: Seat
  /** How far its wall clock is ahead of the right one when it starts, in ms. */
  skewMs: number
  version: string
  /** Turns a message into what a node of its version reads; null: every message is read as it is. */
  read: ((message: Message) => Message) | null
  /** How a run ends; null, or not given: as the dice say. */
  ending?: (run: Run) => RunResult | null
}>

/** Options of the core: blobs and settled tasks that are not needed any more go within the time of a scenario. */
const QUICK_CLEANUP = { blobSpareMs: 1000, blobOrphanMs: 5000, roomMs: 1000, roomPressedMs: 200 }
/** Time for a node that leaves to finish its runs. As the real shell gives by default. */
const GRACE_MS = 30_000
/** Time after that to hand on the runs that were aborted. As the real shell gives. */
const HAND_ON_MS = 5000
/** Time after which a flush is tried again that the disk has refused. As in the real shell. */
const DISK_RETRY_MS = 1000
/** Time after which a task runs again whose result did not fit on the disk. As in the real shell. */
const RESULT_RETRY_MS = 10_000
/**
 * How many tasks a node has at most to check its own invariants after every step: it looks at each task. Beyond that
 * the number of steps from one check to the next grows with theirs. Measured with 96 scenarios by the dice, of 15 to 40
 * tasks: a run takes a fifth longer than with a check after every fifth step.
 */
const TASKS_PER_CHECK = 200
const TASKS_PER_STEP = 20
/** Virtual time starts here, so that stamps look like real ones. */
export const EPOCH_MS = 1_800_000_000_000

export class SimNode {
  readonly id: NodeId
  /** Where the node is in the network. Its id; or another seat, if its disk is a copy of that of another process. */
  readonly seat: Seat
  readonly options: SimNodeOptions
  readonly core: Core
  /** What it can run now: at first, what its options say. */
  pools: readonly Pool[]
  /** Task -> what runs here. */
  readonly running: Map<TaskId, Run> = new Map()
  /** The process has ended. */
  gone: boolean = false
  /** The node has said goodbye, so it holds no tasks. It goes on running until that has been answered. */
  hasSaidGoodbye: boolean = false
  /** It has been told to go with what it has, and to wait for nobody. */
  isHurried: boolean = false
  /** The disk has refused the last flush, or was full at the start, and has taken none since. */
  isDiskFailing: boolean = false
  readonly #eventQueue: EventQueue
  readonly #random: Random
  readonly #network: Network
  readonly #scenario: Scenario
  readonly #simObserver: SimObserver
  readonly #cpu: Cpu
  readonly #workers: SimWorkers
  readonly #saves: SimSaves
  readonly #loop: Loop
  readonly #journal: SimJournal
  /** The longest turn: for how long at most the node gathers what happens before it goes to disk. */
  readonly #turnMsMax: number
  #worker: WorkerInput
  #labels: Labels
  /** The CPU time of the last step is not over. */
  #busy = false
  /** How many ticks have been asked for. Each replaces the one before it: only the last of them comes. */
  #ticks = 0
  #stepsToCheck = 0
  #paused = false
  /** By how much the wall clock has been set since the start, in ms. */
  #aheadMs = 0

  constructor(
    options: SimNodeOptions,
    world: Readonly<{
      eventQueue: EventQueue
      random: Random
      network: Network
      scenario: Scenario
    }>,
    simObserver: SimObserver
  ) {
    this.id = nodeOf(options.boot)
    this.seat = options.seat ?? this.id
    this.options = options
    this.#worker = workerOf(options)
    this.#labels = options.labels
    this.pools = poolsOf(this.#worker, this.#labels)
    this.#eventQueue = world.eventQueue
    this.#random = world.random
    this.#network = world.network
    this.#scenario = world.scenario
    this.#simObserver = simObserver
    this.#cpu = new Cpu(world.eventQueue, world.scenario.cpu, options.name === 'sim/0')
    const { boot, name, version, labels, disk } = options
    this.#journal = new SimJournal(disk, startTimeOf(boot), world, world.scenario)
    const { turnMsMax } = world.scenario
    this.#turnMsMax = turnMsMax > 0 && world.random.chance(0.7) ? turnMsMax : 0
    const { unreachableMs, stopAfterIsolatedMs, settledMax } = world.scenario
    const pace = unreachableMs / CORE_DEFAULTS.unreachableMs
    const suspicion = {
      heartbeatMs: CORE_DEFAULTS.heartbeatMs * pace,
      idleHeartbeatMs: CORE_DEFAULTS.idleHeartbeatMs * pace,
      suspectMs: CORE_DEFAULTS.suspectMs * pace,
      probeMs: CORE_DEFAULTS.probeMs * pace,
      unreachableMs,
      stopAfterIsolatedMs: stopAfterIsolatedMs > 0 ? stopAfterIsolatedMs : null,
      restTickMs: Math.max(CORE_DEFAULTS.tickMs, CORE_DEFAULTS.restTickMs * pace)
    }
    const identity = { boot, name, version, labels }
    this.core = new Core(identity, { ...QUICK_CLEANUP, ...suspicion, settledMax })
    this.core.restore({ ...disk.replay(), blobs: disk.blobs.values() })
    this.#loop = new Loop(this.core, this.#world())
    this.#workers = new SimWorkers(this, world, {
      leases: simObserver.leases,
      ran: (run, result) => simObserver.ran(this, run, result)
    })
    this.#saves = new SimSaves(this, world, simObserver.checkpoints)
  }

  start(): void {
    this.#network.join(this.seat, {
      message: (from, sent) => {
        const message = this.options.read?.(sent) ?? sent
        this.feed({ kind: 'message', from, message })
      },
      link: (peer, up) => this.feed({ kind: 'link', peer, up }),
      syncEnded: (peer, whole) => this.feed({ kind: 'sync-ended', peer, whole }),
      addresses: () => {},
      answerSync: (_from, request) => this.core.answerSync(request),
      hasBlob: hash => this.options.disk.blobs.has(hash)
    })
    this.feed({ kind: 'addresses', addresses: [this.options.boot] })
    this.feed(this.#worker)
    if (this.options.disk.isFull) this.#watchFullDisk()
    this.feed({ kind: 'tick' })
    this.#loop.tickSoon()
  }

  feed(input: Input): void {
    if (this.gone) return
    this.#cpu.add(input)
    this.#loop.run()
  }

  /** The process stands still: what comes waits, and no tick is taken in. */
  pause(ms: number): void {
    if (this.#paused) return
    this.#paused = true
    this.#eventQueue.after(ms, () => {
      this.#paused = false
      this.feed({ kind: 'tick' })
    })
  }

  /** Sets the wall clock; the monotonic clock runs on. @param offMs how far ahead of the right one it is from now on */
  setClock(offMs: number): void {
    this.#aheadMs = offMs - this.options.skewMs
    this.feed({ kind: 'clock', aheadMs: this.#aheadMs })
  }

  /**
   * Leaves on purpose. When its time is over, the process ends in any case, as in the real shell.
   *
   * @param abort aborts and hands on at once what runs. @default not before the grace is over
   */
  leave(abort: boolean = false): void {
    this.isHurried = abort
    this.feed({ kind: 'leave', abort })
    this.#eventQueue.after(GRACE_MS, () => {
      this.isHurried = true
      this.feed({ kind: 'leave', abort: true })
      this.#eventQueue.after(HAND_ON_MS, () => this.#end())
    })
  }

  /** Dies without a word. What was on its way to disk may have arrived. */
  crash(): void {
    this.#stop()
    this.#network.end(this.seat)
  }

  /** The node's computer loses power. No member sees a link close, and none is refused at the node's addresses. */
  losePower(): void {
    this.#stop()
    this.#network.losePower(this.seat)
  }

  /** A payload or result: as it is, or in a blob if the dice say so. Null if the disk has no room for the blob. */
  content(text: string): Content | null {
    const { blobs } = this.#scenario
    if (blobs === 0 || !this.#random.chance(blobs)) return text
    if (this.options.disk.isFull) return null
    const digit = (): string => this.#random.whole(0, 15).toString(16)
    const ref = { hash: Array.from({ length: 64 }, digit).join(''), bytes: 20_000 }
    this.options.disk.blobs.set(ref.hash, ref)
    return ref
  }

  /** Whether something waits for the node: it stands still, or has not come to all that has arrived. */
  get isBehind(): boolean {
    return this.#paused || !this.#cpu.isEmpty
  }

  /** How far its wall clock is ahead of the right one now, in ms. */
  get offMs(): number {
    return this.options.skewMs + this.#aheadMs
  }

  /** What the monotonic clock shows, in ms. */
  get now(): number {
    return EPOCH_MS + this.#eventQueue.now + this.options.skewMs
  }

  #check(): void {
    if (this.#stepsToCheck-- > 0) return
    this.core.assertInvariants()
    const { stepsPerCheck = 1 } = this.#simObserver
    const tasks = this.core.view.taskCount
    this.#stepsToCheck = stepsPerCheck - 1
    if (tasks > TASKS_PER_CHECK) this.#stepsToCheck += Math.floor(tasks / TASKS_PER_STEP)
  }

  #world(): World {
    const isOver = (): boolean => this.gone
    return {
      now: () => this.now,
      next: () => this.#next(),
      stepped: (input, effects) => {
        this.#check()
        this.#simObserver.stepped(this, input, effects)
      },
      perform: effect => this.#perform(effect),
      failed: (_effect, error) => {
        throw error
      },
      performed: (input, effects) => this.#spend(this.#cpu.costMs(input, effects)),
      get isOver() {
        return isOver()
      },
      tickIn: ms => this.#tickIn(ms)
    }
  }

  /** The next input, if the node has time for one. */
  #next(): Turn | 'later' | null {
    if (this.#busy || this.#paused) return 'later'
    const turn = this.gone ? undefined : this.#cpu.next()
    if (turn === undefined) return null
    this.#noteCapability(turn.input)
    return turn
  }

  #noteCapability(input: Input): void {
    if (input.kind === 'worker') this.#worker = input
    else if (input.kind === 'labels') this.#labels = input.labels
    else return
    this.pools = poolsOf(this.#worker, this.#labels)
  }

  #spend(ms: number): void {
    if (ms <= 0) return
    this.#busy = true
    this.#eventQueue.after(ms, () => {
      this.#busy = false
      this.#loop.run()
    })
  }

  #tickIn(ms: number): void {
    const number = ++this.#ticks
    this.#eventQueue.after(ms, () => {
      if (this.gone || number !== this.#ticks) return
      const isLate = !this.#cpu.isFree
      this.#cpu.add({ kind: 'tick' }, isLate)
      this.#loop.ticked(isLate)
    })
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        this.hasSaidGoodbye ||= effect.message.kind === 'goodbye'
        return this.#network.send(this.seat, effect.to, effect.message)
      case 'publish':
        return this.#network.publish(this.seat, effect.message, this.core.view.isFullMesh)
      case 'turn':
        return this.#endTurn()
      case 'wake':
        return this.#eventQueue.after(effect.afterMs, () => this.feed({ kind: 'wake' }))
      case 'sync':
        return this.#network.sync(this.seat, effect.peer, effect.request)
      case 'persist':
        return this.#persist(effect.flush)
      case 'probe': {
        const { boot, peer, afterMs } = effect
        const isAlive = (): boolean => this.#simObserver.isAlive(boot)
        return this.#eventQueue.after(afterMs, () =>
          this.#network.probe(this.seat, peer, isAlive, refused =>
            this.feed({ kind: 'probed', boot, refused })
          )
        )
      }
      case 'meet':
        return this.#eventQueue.after(1, () =>
          this.feed({ kind: 'met', another: this.#meets(effect) })
        )
      case 'fetch-blob':
        return this.#fetchBlob(effect)
      case 'drop-blob':
        this.options.disk.blobs.delete(effect.hash)
        return
      case 'start':
        return this.#run(effect.run)
      case 'abort':
        this.running.delete(effect.taskId)
        this.#workers.abort(effect)
        return this.#eventQueue.after(1, () =>
          this.feed({ ...effect, kind: 'tail', tail: 'aborted' })
        )
      case 'saved':
        return this.#saves.answered(effect)
      case 'give-way':
        // No goodbye: members would take it for one of the process that stays.
        return this.crash()
      case 'left':
        return this.#end()
      case 'created':
      case 'accepted':
      case 'refused':
      case 'found':
      case 'loaded':
      case 'settled':
      case 'notify':
        return
    }
  }

  /**
   * Whether another process answers at one of these addresses by our key; an address is the boot that listens there.
   */
  #meets({ addresses }: Extract<Effect, { kind: 'meet' }>): boolean {
    const isTwin = (boot: BootId): boolean => nodeOf(boot) === this.id && boot !== this.options.boot
    return addresses.some(boot => isTwin(boot) && this.#simObserver.isAlive(boot))
  }

  /** At once, if nothing else happens at this moment; otherwise more may happen in the same turn. */
  #endTurn(): void {
    const end = (): void => this.feed({ kind: 'turn' })
    if (this.#turnMsMax === 0) return end()
    this.#eventQueue.after(this.#random.whole(0, this.#turnMsMax), end)
  }

  #persist(flush: Flush): void {
    this.#journal.write(flush, isWritten => {
      if (this.gone) return
      if (isWritten === this.isDiskFailing) this.#noteDisk(isWritten)
      if (isWritten) return this.feed({ kind: 'persisted', flush: flush.flush })
      this.#eventQueue.after(DISK_RETRY_MS, () => {
        if (!this.gone) this.#persist(flush)
      })
    })
  }

  /** A disk that was full at the start is looked at again and again: there may be no flush to show that it has room. */
  #watchFullDisk(): void {
    if (this.gone) return
    const { isFull } = this.options.disk
    if (isFull !== this.isDiskFailing) this.#noteDisk(!isFull)
    if (isFull) this.#eventQueue.after(DISK_RETRY_MS, () => this.#watchFullDisk())
  }

  #noteDisk(works: boolean): void {
    this.isDiskFailing = !works
    this.feed({ kind: 'disk', works })
  }

  #fetchBlob({ ref, from }: Extract<Effect, { kind: 'fetch-blob' }>): void {
    const { disk } = this.options
    this.#network.fetchBlob(this.seat, from, ref.hash, has => {
      if (this.gone) return
      const why = has && disk.isFull ? 'no-room' : 'nobody'
      if (!has || disk.isFull) return this.feed({ kind: 'blob-failed', hash: ref.hash, why })
      disk.blobs.set(ref.hash, ref)
      this.feed({ kind: 'blob-kept', ref })
    })
  }

  #run(run: Run): void {
    const durationMs = this.#random.whole(0, this.#scenario.runMsMax)
    const fails = this.#random.chance(this.#scenario.failing)
    this.running.set(run.taskId, run)
    const { outside, saving } = this.#scenario
    if (saving > 0 && this.#random.chance(saving)) this.#saves.begin(run, durationMs)
    if (outside > 0 && this.#random.chance(outside)) {
      return this.#workers.run(run, resultOutside(fails), durationMs)
    }
    this.#eventQueue.after(durationMs, () => {
      if (this.gone || this.running.get(run.taskId)?.epoch !== run.epoch) return
      this.running.delete(run.taskId)
      const result = this.options.ending?.(run) ?? this.#resultOf(fails)
      this.#simObserver.ran(this, run, result)
      this.feed({
        kind: 'completion',
        taskId: run.taskId,
        epoch: run.epoch,
        run: result,
        durationMs
      })
    })
  }

  /** @param fails whether the handler throws */
  #resultOf(fails: boolean): RunResult {
    const error = { name: 'Error', message: 'the dice said so', stack: null }
    if (fails) return { status: 'failed', error, reason: 'HandlerError' }
    const result = this.content(JSON.stringify(this.options.name))
    if (result !== null) return { status: 'completed', result }
    return {
      status: 'failed',
      error: { ...error, message: 'the disk is full' },
      reason: 'HandlerError',
      retryAfterMs: RESULT_RETRY_MS
    }
  }

  #end(): void {
    if (this.gone) return
    this.gone = true
    this.#network.leave(this.seat)
  }

  #stop(): void {
    this.core.assertInvariants()
    this.gone = true
    this.running.clear()
    this.#journal.crash()
  }
}
