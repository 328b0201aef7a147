/** A node of a trial (children/node.ts), seen from the process that started it. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { NodeOptions } from '../../src/node-options.ts'

/** Times are in ms since 1970; null: not yet. */
export type Report = Readonly<{
  openedAt: number
  ranAt: number | null
  syncedAt: number | null
  runs: number
  ids: readonly string[]
  peakRssBytes: number
}>

const script = fileURLToPath(new URL('children/node.ts', import.meta.url))

export class TrialNode {
  readonly startedAt: number = Date.now()
  readonly #child: ChildProcess

  constructor(options: NodeOptions) {
    this.#child = fork(script, [JSON.stringify(options)], { execArgv: [] })
  }

  /** Resolves when it is there. */
  async ready(): Promise<void> {
    await once(this.#child, 'message')
  }

  async report(): Promise<Report> {
    const answered = once(this.#child, 'message') as Promise<[Report]>
    this.#child.send('report')
    return (await answered)[0]
  }

  /** It gets no time to say anything. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }
}
