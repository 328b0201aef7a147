/**
 * What a node's work costs, in virtual time: while it works on one thing, whatever else comes stands in line.
 *
 * With nothing to pay for, everything happens at once, as in most scenarios. Otherwise every step and every message
 * takes its time, and each node has a line of inputs, in the order that the real engine gives them. How late its ticks
 * are, and how long things wait, is what a node calls its loop lag.
 */
import type { Effect } from '../../core/effect.ts'
import type { Input } from '../../core/input.ts'
import type { Message } from '../../core/message.ts'
import { Inputs } from '../../node/runtime/inputs.ts'
import type { Turn } from '../../node/runtime/loop.ts'
import { LoopLag } from '../../node/runtime/loop-lag.ts'
import type { EventQueue } from './event-queue.ts'
import type { Random } from './random.ts'

/** What work costs on a simulated node. Times are in ms, and may be parts of one. */
export type CpuOptions = Readonly<{
  /** Cost of a step. */
  stepMs: number
  /** Cost of each message that came with a step, or goes out by it. */
  messageMs: number
  /** Cost of each task in a message that comes or goes, and of each that goes to disk. */
  taskMs: number
  /** How many times longer all work takes the first node. */
  slowest: number
  /**
   * Whether heartbeats and ticks wait their turn, as where one loop reads all that has come before it looks at the
   * clock.
   */
  inTurn: boolean
  /** Nodes stand still now and then, ever longer, up to this at the end of the busy time. */
  stallMsMax: number
  /** Time within which all tasks are submitted; 0: within the busy time. */
  burstMs: number
}>

export const CPU_DEFAULTS: CpuOptions = {
  stepMs: 0,
  messageMs: 0,
  taskMs: 0,
  slowest: 1,
  inTurn: false,
  stallMsMax: 0,
  burstMs: 0
}

/** Whether work costs anything. */
export function isCostly({ stepMs, messageMs, taskMs, stallMsMax }: CpuOptions): boolean {
  return stepMs + messageMs + taskMs + stallMsMax > 0
}

export class Cpu {
  readonly #eventQueue: EventQueue
  readonly #options: CpuOptions
  readonly #factor: number
  readonly #lag = new LoopLag()
  /** The lanes of the real engine. */
  readonly #lanes = new Inputs()
  /** Inputs in the order in which they came. */
  readonly #line: Input[] = []
  /** When a tick was due, and whether the next one waits for it. */
  readonly #ticks = new Map<Input, Readonly<{ dueAt: number; isLateTick: boolean }>>()

  /** @param isFirst whether it is the slowest */
  constructor(eventQueue: EventQueue, options: CpuOptions, isFirst: boolean) {
    this.#eventQueue = eventQueue
    this.#options = options
    this.#factor = isFirst ? options.slowest : 1
  }

  /** Whether everything happens at once. */
  get isFree(): boolean {
    return !isCostly(this.#options)
  }

  /** Whether nothing stands in line. */
  get isEmpty(): boolean {
    return this.#line.length === 0 && this.#lanes.isEmpty
  }

  /** Takes its place in line. */
  add(input: Input, isLateTick: boolean = false): void {
    const { now } = this.#eventQueue
    if (input.kind === 'tick') this.#ticks.set(input, { dueAt: now, isLateTick })
    if (this.isFree || this.#options.inTurn) this.#line.push(input)
    else this.#lanes.push(input, now)
  }

  /** Whose turn it is. */
  next(): Turn | undefined {
    const { now } = this.#eventQueue
    const input = this.#line.shift() ?? this.#lanes.take(now, true)
    if (input === undefined) return undefined
    const tick = this.#ticks.get(input)
    if (tick === undefined) return { input, isLateTick: false }
    this.#ticks.delete(input)
    const { dueAt, isLateTick } = tick
    if (this.isFree) return { input, isLateTick }
    this.#lag.ticked(now, dueAt, this.#lanes.takeLateMs(now))
    return { input: { kind: 'tick', loopLagMs: this.#lag.maxMs }, isLateTick }
  }

  /** For how long a step keeps its node from everything else. */
  costMs(input: Input, effects: readonly Effect[]): number {
    if (this.isFree) return 0
    const { stepMs, messageMs, taskMs } = this.#options
    const messages = input.kind === 'message' ? [input.message] : []
    let tasks = 0
    for (const effect of effects) {
      if (effect.kind === 'persist') tasks += effect.flush.tasks.length
      if (effect.kind === 'send' || effect.kind === 'publish') messages.push(effect.message)
    }
    for (const message of messages) tasks += tasksIn(message)
    return this.#factor * (stepMs + messages.length * messageMs + tasks * taskMs)
  }
}

/** Has a node stand still again and again, ever longer until `busyMs`. */
export function planStalls(
  eventQueue: EventQueue,
  random: Random,
  { busyMs, cpu: { stallMsMax } }: Readonly<{ busyMs: number; cpu: CpuOptions }>,
  stall: (ms: number) => void
): void {
  if (stallMsMax === 0) return
  const again = (): void => {
    if (eventQueue.now >= busyMs) return
    const worst = (stallMsMax * eventQueue.now) / busyMs
    const ms = random.whole(Math.floor(worst / 2), Math.floor(worst))
    stall(ms)
    eventQueue.after(ms + random.whole(0, stallMsMax), again)
  }
  eventQueue.after(random.whole(0, stallMsMax), again)
}

function tasksIn(message: Message): number {
  if (message.kind === 'grant') return message.records.length + message.dependencies.length
  return message.kind === 'batch' ? message.writes.length : 0
}
