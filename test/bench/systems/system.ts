/**
 * A cluster under test: workers, each a process with one slot; a process that submits; and a broker, if the system has one.
 * This process only tells them what to do.
 */
import type { Child } from './child.ts'
import type { Many, Sequence, Used } from './order.ts'

/** What can be measured: hearsay in its forms, and others. */
export type System = Readonly<{
  name: string
  /** Resolves when all workers take tasks. */
  start: (workers?: number) => Promise<Stage>
}>

export type Broker = Readonly<{ used: () => Promise<Used>; stop: () => Promise<void> }>

export type Parts = Readonly<{
  workers: readonly Child[]
  broker: Broker | null
  /** Starts the process that submits. */
  submitter: () => Child
  /** What is left to do when all have ended. */
  clean: () => Promise<void>
}>

export const WORKERS = 6
const ANSWER_MS_MAX = 30_000
const RUN_MS_MAX = 100_000
/** Whom a run kills that kills one. */
const VICTIM = 2

export class Stage {
  readonly #parts: Parts
  #submitter: Child | null = null

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Starts the submitter; resolves when it can reach everybody. */
  async connect(): Promise<void> {
    this.#submitter = this.#parts.submitter()
    await this.#submitter.ready
  }

  /** Ends the submitter. */
  async disconnect(): Promise<void> {
    await this.#submitter?.leave()
    this.#submitter = null
  }

  /** So many tasks that do nothing, one after the other. */
  async sequence(count: number): Promise<Sequence> {
    return this.#submit.ask<Sequence>({ kind: 'sequence', count }, RUN_MS_MAX)
  }

  /** Tasks of these lengths, all at once. */
  async many(lengthsMs: readonly number[]): Promise<Many> {
    return this.#submit.ask<Many>({ kind: 'many', lengthsMs, tellAt: null }, RUN_MS_MAX)
  }

  /** The same; a worker is killed as soon as the results of this share of the tasks are in. */
  async manyKilling(lengthsMs: readonly number[], share: number): Promise<Many> {
    let killed = Promise.resolve()
    const tellAt = Math.max(1, Math.round(lengthsMs.length * share))
    const kill = (): void => {
      killed = this.#parts.workers[VICTIM]!.kill()
    }
    const run = await this.#submit.ask<Many>({ kind: 'many', lengthsMs, tellAt }, RUN_MS_MAX, kill)
    await killed
    return run
  }

  /** CPU time and memory of all that there is, the submitter included while it is connected. */
  async used(): Promise<Used> {
    const { workers, broker } = this.#parts
    const children = this.#submitter === null ? workers : [...workers, this.#submitter]
    const all = await Promise.all([
      ...children.map(child => child.ask<Used>({ kind: 'usage' }, ANSWER_MS_MAX)),
      ...(broker === null ? [] : [broker.used()])
    ])
    return {
      cpuMs: all.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
      rssBytes: all.reduce((sum, { rssBytes }) => sum + rssBytes, 0)
    }
  }

  /** With how many others each worker is connected and in sync; null of those that need no other. */
  async met(): Promise<(number | null)[]> {
    return Promise.all(
      this.#parts.workers.map(child => child.ask<number | null>({ kind: 'met' }, ANSWER_MS_MAX))
    )
  }

  async stop(): Promise<void> {
    const { workers, broker, clean } = this.#parts
    await this.disconnect()
    await Promise.all(workers.map(child => child.leave()))
    await broker?.stop()
    await clean()
  }

  get #submit(): Child {
    if (this.#submitter === null) throw new Error('nobody is there to submit')
    return this.#submitter
  }
}

/** Measures on a cluster of its own. */
export async function staged<T>(
  { start }: System,
  measure: (stage: Stage) => Promise<T>
): Promise<T> {
  const stage = await start()
  try {
    return await measure(stage)
  } finally {
    await stage.stop()
  }
}
