/** `hearsay dashboard` as a process of its own, as a user starts it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SCHEMAS } from '../../cli/schemas.ts'
import { until } from '../../support/until.ts'

const hearsay = fileURLToPath(new URL('../../../bin/hearsay.js', import.meta.url))

export class DashboardProcess {
  readonly #process: ChildProcess
  readonly #links: string[] = []
  #stderr = ''

  private constructor(process: ChildProcess) {
    this.#process = process
    let open = ''
    process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (open + text).split('\n')
      open = lines.pop()!
      for (const line of lines) {
        this.#links.push(SCHEMAS['dashboard-link'].parse(JSON.parse(line)).link)
      }
    })
    process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
  }

  /** @param data the data folder of the node that it asks */
  static start(data: string, flags: readonly string[] = []): Promise<DashboardProcess> {
    return DashboardProcess.#start(['--data', data, ...flags], process.env)
  }

  /** Asks whichever node it finds. @param home the folder in the place of the user's own */
  static startAnywhere(home: string): Promise<DashboardProcess> {
    return DashboardProcess.#start([], { ...process.env, XDG_DATA_HOME: home })
  }

  static async #start(flags: readonly string[], env: NodeJS.ProcessEnv): Promise<DashboardProcess> {
    const args = [hearsay, 'dashboard', '--json', '--no-open', ...flags]
    const started = new DashboardProcess(spawn(process.execPath, args, { stdio: 'pipe', env }))
    await until(() => started.#links.length > 0 || started.#process.exitCode !== null, 'the link')
    if (started.#links.length === 0) throw new Error(`it has ended: ${started.#stderr}`)
    return started
  }

  /** Enter in its terminal. */
  async newLink(): Promise<string> {
    const before = this.#links.length
    this.#process.stdin!.write('\n')
    await until(() => this.#links.length > before, 'another link')
    return this.#links.at(-1)!
  }

  get firstLink(): string {
    return this.#links[0]!
  }

  get stderr(): string {
    return this.#stderr
  }

  /** @returns its exit code */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#process.exitCode === null) {
      const ended = once(this.#process, 'exit')
      this.#process.kill(signal)
      await ended
    }
    return this.#process.exitCode
  }
}
