/** A process of a cluster under test, which answers one order at a time. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order, Said } from './order.ts'

/** Twelve processes that start on two busy cores. */
const READY_MS_MAX = 120_000
const LEAVE_MS_MAX = 20_000

export class Child {
  readonly #process: ChildProcess
  readonly #name: string
  /** What it says when it is there. */
  readonly ready: Promise<unknown>

  /** @param script of children/ @param given what it is told at its start */
  constructor(script: string, given: object) {
    const path = fileURLToPath(new URL(`children/${script}`, import.meta.url))
    this.#process = fork(path, [JSON.stringify(given)], { execArgv: [] })
    this.#name = script
    this.ready = this.#said(READY_MS_MAX)
    // Whoever waits for several of them hears of the first that fails.
    this.ready.catch(() => {})
  }

  /**
   * Resolves with its answer.
   *
   * @param onReached called when it says that it is so far
   * @throws Error if it fails, ends, or says nothing in time
   */
  async ask<T>(order: Order, msMax: number, onReached: () => void = () => {}): Promise<T> {
    if (this.#hasEnded) throw new Error(`${this.#name} has ended`)
    const said = this.#said(msMax, onReached)
    // Whether it still hears is told by its exit.
    this.#process.send(order, () => {})
    return (await said) as T
  }

  /** Resolves when it has ended. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }

  /** Lets it end in order, or else without. */
  async leave(): Promise<void> {
    if (!this.#hasEnded && this.#process.connected) {
      await this.ask({ kind: 'leave' }, LEAVE_MS_MAX).catch(() => {})
    }
    await this.kill()
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  async #said(msMax: number, onReached: () => void = () => {}): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const onMessage = (said: Said): void => {
      if ('reached' in said) onReached()
      else if ('error' in said) reject(new Error(`${this.#name}: ${said.error}`))
      else resolve('ready' in said ? said.ready : said.value)
    }
    const onExit = (): void => reject(new Error(`${this.#name} has ended`))
    const late = (): void => reject(new Error(`${this.#name} said nothing for ${msMax} ms`))
    const timer = setTimeout(late, msMax)
    this.#process.on('message', onMessage).once('exit', onExit)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#process.off('message', onMessage).off('exit', onExit)
    }
  }
}
