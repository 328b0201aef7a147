/**
 * A worker of a node, for programs that know nothing of it: it takes tasks over the local API, has them run by other
 * processes, and says how they ended. If the node goes, what runs is ended, for it is another's by now, and the worker
 * connects again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../api/client.ts'
import type { WorkerClient } from '../../api/worker/worker-client.ts'
import type { BlobRef, LeasedTask, LeaseFailure, WorkerOptions } from '../../node/api/node-api.ts'
import { SIGNAL_EXIT_CODES } from '../exit-code.ts'
import type { Terminal } from '../terminal.ts'
import { LeaseLog } from './lease-log.ts'

/** How a task ended here. `given back`: it is to run elsewhere, or was cancelled. */
export type Ended =
  | Readonly<{ kind: 'completed'; text: string }>
  /** The same with a result that the node has on its disk already. */
  | Readonly<{ kind: 'stored'; blob: BlobRef }>
  | Readonly<{ kind: 'failed'; failure: LeaseFailure }>
  | Readonly<{ kind: 'given back' }>

/** What a process is given of a task, and says of it. */
export type TakenTask = Readonly<{
  task: LeasedTask
  /** The payload as JSON text, however large it is. */
  payload: string
  /** What the attempt before saved last; null: nothing. */
  checkpoint: string | null
  /** Saves for the next attempt, one after the other. @throws what the node says if it does not take it */
  save: (text: string) => Promise<void>
  log: (lines: readonly string[]) => void
  progress: (fraction: number, message: string | undefined) => void
  /** Has the node keep JSON text that is too large to be told. */
  store: (pieces: AsyncIterable<string>) => Promise<BlobRef>
}>

/** A task that is being run by a process. */
export type Running = Readonly<{
  ended: Promise<Ended>
  /** It is to stop. Has to lead to its end. */
  cancel: (reason: string) => void
}>

/** Runs tasks in other processes. */
export interface Hands {
  run(taken: TakenTask): Running
  /** Ends all processes. */
  stop(): Promise<void>
}

/** Between attempts to find the node again. */
const RECONNECT_MS = 1000

/** Tasks that are named when it is said what is waited for. */
const SHOWN_MAX = 3

type Signal = 'SIGINT' | 'SIGTERM'

export class Work {
  readonly #client: Client
  readonly #options: WorkerOptions
  readonly #hands: Hands
  readonly #terminal: Terminal
  readonly #running = new Map<string, Pick<Running, 'cancel'> & Readonly<{ task: LeasedTask }>>()
  readonly #ending = new Set<Promise<void>>()
  #name: string | null = null
  #signals = 0
  #fault: Error | null = null

  constructor(client: Client, options: WorkerOptions, hands: Hands, terminal: Terminal) {
    this.#client = client
    this.#options = options
    this.#hands = hands
    this.#terminal = terminal
  }

  /** Works until a signal, or the node, says that it is enough. @throws what nothing can be done without */
  async run(): Promise<void> {
    const onSignal = (signal: Signal): void => this.#onSignal(signal)
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
    try {
      while (this.#signals === 0) {
        const isOver = await this.#work()
        if (isOver) break
        this.#terminal.words('the node is gone, and what ran is ended: connects again')
        await sleep(RECONNECT_MS)
      }
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
      await this.#stopAll('the worker ends')
      await this.#hands.stop()
    }
    if (this.#fault !== null) throw this.#fault
  }

  get #workers(): WorkerClient {
    return this.#client.workers
  }

  /** Works over one connection. Resolves to whether that ended as it should. */
  async #work(): Promise<boolean> {
    try {
      for await (const line of this.#workers.connect(this.#options)) {
        if ('worker' in line) this.#connected(line.worker)
        else if ('task' in line) this.#take(line)
        else if ('cancel' in line) this.#running.get(line.cancel)?.cancel(line.reason)
      }
      return true
    } catch (error) {
      const { name } = error as Error
      if (name !== 'NoNodeError' && name !== 'NodeClosedError') throw error
      if (this.#name === null && this.#signals === 0 && this.#running.size === 0) {
        this.#terminal.words((error as Error).message)
      }
      return false
    } finally {
      this.#name = null
      await this.#stopAll('LeaseLost')
    }
  }

  #connected(name: string): void {
    this.#name = name
    const { types } = this.#options
    this.#terminal.words(`works as ${name} on ${types.join(', ')}; Ctrl-C drains`)
  }

  #take(task: LeasedTask): void {
    const ending = this.#perform(task)
      .catch((error: Error) => this.#note(task, error))
      .finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }

  async #perform(task: LeasedTask): Promise<void> {
    const { lease } = task
    const log = new LeaseLog(lines => this.#workers.log(lease, lines))
    const payload =
      task.payloadBlob === null
        ? JSON.stringify(task.payload)
        : await this.#workers.blob(task.payloadBlob)
    const { checkpointBlob = null } = task
    const checkpoint = checkpointBlob === null ? null : await this.#workers.blob(checkpointBlob)
    let saved: Promise<unknown> = Promise.resolve()
    const running = this.#hands.run({
      task,
      payload,
      checkpoint,
      save: async text => {
        const saving = saved.then(() => this.#workers.save(lease, text))
        saved = saving.catch(() => {})
        await saving
      },
      log: lines => log.add(lines),
      progress: (fraction, message) => {
        this.#workers.progress(lease, fraction, message).catch(() => {})
      },
      store: pieces => this.#workers.store(pieces)
    })
    this.#running.set(lease, { task, cancel: running.cancel })
    let ended: Ended
    try {
      ended = await running.ended
    } catch (error) {
      // Nothing that this worker is given can run.
      this.#fault ??= error as Error
      await this.#workers.release(lease)
      return this.#giveBack()
    } finally {
      this.#running.delete(lease)
      await log.end()
    }
    // What was saved before the end is taken before it.
    await saved
    await this.#tell(lease, ended)
  }

  #tell(lease: string, ended: Ended): Promise<void> {
    switch (ended.kind) {
      case 'completed':
        return this.#workers.complete(lease, ended.text)
      case 'stored':
        return this.#workers.completeWith(lease, ended.blob)
      case 'failed':
        return this.#workers.fail(lease, ended.failure)
      case 'given back':
        return this.#workers.release(lease)
    }
  }

  /** Who has lost a lease has heard so already, and a node that is gone is looked for again. */
  #note({ task }: LeasedTask, { name, message }: Error): void {
    if (['LeaseLost', 'LeaseEnded', 'NoNodeError', 'NodeClosedError'].includes(name)) return
    this.#terminal.words(`${task}: ${message}`)
  }

  async #stopAll(why: string): Promise<void> {
    for (const running of this.#running.values()) running.cancel(why)
    await Promise.all(this.#ending)
  }

  #onSignal(signal: Signal): void {
    this.#signals++
    if (this.#signals === 1) {
      this.#terminal.words(`${signal}: takes no more${this.#awaited()}`)
      if (this.#name !== null) this.#workers.drain(this.#name).catch(() => {})
    } else {
      this.#terminal.exitCode = SIGNAL_EXIT_CODES[signal]
      this.#giveBack()
    }
  }

  /** What the worker waits for before it ends, in words. */
  #awaited(): string {
    const tasks = Array.from(
      this.#running.values(),
      ({ task: { task, type } }) => `${type} ${task}`
    )
    const more = tasks.length > SHOWN_MAX ? ` and ${tasks.length - SHOWN_MAX} more` : ''
    return tasks.length === 0
      ? ', and has nothing to wait for'
      : `, and waits for ${tasks.slice(0, SHOWN_MAX).join(', ')}${more}; once more to give that back`
  }

  /** Leaves, and gives back what runs; nothing counts as lost. */
  #giveBack(): void {
    if (this.#name !== null) this.#workers.disconnect(this.#name).catch(() => {})
    for (const running of this.#running.values()) running.cancel('the worker ends')
  }
}
