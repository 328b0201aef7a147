/**
 * Six cores in virtual time, whose disks, links and handlers take as long as they are told: how well work spreads can
 * be measured without a computer's own moods.
 */
import { nodeOf, type BootId } from '../../src/core/base/ids.ts'
import { Core } from '../../src/core/core.ts'
import type { Effect } from '../../src/core/effect.ts'
import type { Input } from '../../src/core/input.ts'
import type { CoreOptions } from '../../src/core/options.ts'
import { EventQueue } from '../../src/sim/world/event-queue.ts'
import { bootOf, DRAFT } from './tasks.ts'

export type Costs = Readonly<{ linkMs: number; diskMs: number; callMs: number }>

const EPOCH_MS = 1_800_000_000_000
const TICK_MS = 200
const UP_MS = 3000

/** `moves`: how often the task had been handed on. */
export type Slept = Readonly<{
  node: string
  startedAt: number
  endedAt: number
  priority: number
  moves: number
}>

/** How long a task takes, and how urgent it is. */
export type Work = Readonly<{ ms: number; priority: number }>

/**
 * Runs tasks of these lengths, all submitted on the first of `count` nodes, and says when each ran. With `lateMs` the
 * last node comes that much later than they do.
 */
export function spread(
  count: number,
  lengthsMs: readonly (number | Work)[],
  costs: Costs,
  { lateMs, ...options }: Partial<CoreOptions> & { lateMs?: number } = {}
): Slept[] {
  const eventQueue = new EventQueue()
  const slept: Slept[] = []
  const boots: BootId[] = Array.from({ length: count }, (_, i) => bootOf(`n${i}`))
  const cores = new Map(
    boots.map(boot => [
      nodeOf(boot),
      new Core({ boot, name: `virtual/${nodeOf(boot)}`, version: '0.0.0', labels: {} }, options)
    ])
  )
  /** Nodes that have come. */
  const here = new Set<string>()
  const queues = new Map<string, Input[]>()
  const feed = (node: string, input: Input): void => {
    const waiting = queues.get(node)
    if (waiting !== undefined) return void waiting.push(input)
    const inputs = [input]
    queues.set(node, inputs)
    for (let next = inputs.shift(); next !== undefined; next = inputs.shift()) {
      const effects = cores.get(node)!.step(EPOCH_MS + eventQueue.now, next)
      for (const effect of effects) perform(node, effect)
    }
    queues.delete(node)
  }
  const deliver = (
    from: string,
    to: string,
    message: Extract<Effect, { kind: 'send' }>['message']
  ) => eventQueue.after(costs.linkMs, () => feed(to, { kind: 'message', from, message }))
  const perform = (node: string, effect: Effect): void => {
    if (effect.kind === 'send') deliver(node, effect.to, effect.message)
    else if (effect.kind === 'publish') {
      for (const to of here) if (to !== node) deliver(node, to, effect.message)
    } else if (effect.kind === 'turn') {
      feed(node, { kind: 'turn' })
    } else if (effect.kind === 'wake') {
      eventQueue.after(effect.afterMs, () => feed(node, { kind: 'wake' }))
    } else if (effect.kind === 'persist') {
      const { flush } = effect.flush
      eventQueue.after(costs.diskMs, () => feed(node, { kind: 'persisted', flush }))
    } else if (effect.kind === 'sync') {
      const messages = [...cores.get(effect.peer)!.answerSync(effect.request)]
      eventQueue.after(2 * costs.linkMs, () => {
        for (const message of messages) feed(node, { kind: 'message', from: effect.peer, message })
        feed(node, { kind: 'sync-ended', peer: effect.peer, whole: true })
      })
    } else if (effect.kind === 'start') {
      const { taskId, epoch, payload } = effect.run
      const durationMs = Number(payload)
      const { priority } = cores.get(node)!.view.record(taskId)!.spec
      const startedAt = eventQueue.now
      eventQueue.after(durationMs, () => {
        slept.push({ node, startedAt, endedAt: eventQueue.now, priority, moves: epoch })
        const run = { status: 'completed', result: '1' } as const
        eventQueue.after(costs.callMs, () =>
          feed(node, { kind: 'completion', taskId, epoch, run, durationMs })
        )
      })
    }
  }
  const tick = (node: string): void => {
    feed(node, { kind: 'tick' })
    eventQueue.after(TICK_MS, () => tick(node))
  }
  const join = (node: string): void => {
    for (const peer of here) {
      feed(node, { kind: 'link', peer, up: true })
      feed(peer, { kind: 'link', peer: node, up: true })
    }
    here.add(node)
    feed(node, { kind: 'worker', slots: 1, handlers: ['work'] })
    tick(node)
  }
  const nodes = [...cores.keys()]
  const late = lateMs === undefined ? undefined : nodes.at(-1)
  for (const node of nodes) if (node !== late) join(node)
  while (eventQueue.runNext(UP_MS));
  const [first] = nodes
  const wanted = lengthsMs.length
  for (const [request, work] of lengthsMs.entries()) {
    const { ms, priority } = typeof work === 'number' ? { ms: work, priority: 5 } : work
    const draft = { ...DRAFT, payload: String(ms), priority }
    feed(first!, { kind: 'submit', request, id: null, draft, acks: 0 })
  }
  if (late !== undefined) eventQueue.after(lateMs!, () => join(late))
  while (slept.length < wanted && eventQueue.runNext(UP_MS + 600_000));
  return slept
}

/** How long workers would take who pull these tasks one after the other, without any overhead. */
export function floorOf(workers: number, durationsMs: readonly number[]): number {
  const free = Array.from({ length: workers }, () => 0)
  for (const ms of durationsMs) free[free.indexOf(Math.min(...free))]! += ms
  return Math.max(...free)
}

/** 600 tasks: 90 % of 5 ms, 9 % of 50 ms, 1 % of 500 ms, in an order that the seed says. */
export function skewed(seed: number): number[] {
  const all = [
    ...Array<number>(540).fill(5),
    ...Array<number>(54).fill(50),
    ...Array<number>(6).fill(500)
  ]
  let state = seed
  for (let i = all.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const j = Math.floor((state / 2 ** 32) * (i + 1))
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all
}

/** Of each task, how long after it the last of those began that are more urgent; below zero if none did. */
export function earlyMs(slept: readonly Pick<Slept, 'startedAt' | 'priority'>[]): number[] {
  const last = (above: number): number =>
    Math.max(...slept.filter(({ priority }) => priority > above).map(each => each.startedAt))
  const lastAbove = Array.from({ length: 11 }, (_, priority) => last(priority))
  return slept.map(({ startedAt, priority }) => lastAbove[priority]! - startedAt)
}
