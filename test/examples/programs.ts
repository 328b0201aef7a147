/** Programs of the examples, and the nodes that they need, as a user starts them: built, each in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newKey } from '../../src/key.ts'
import { until } from '../support/until.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const hearsay = join(root, 'bin/hearsay.js')

export class Program {
  readonly process: ChildProcess
  stdout = ''
  stderr = ''
  readonly #ended: Promise<number | null>

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.process = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.process.stdout!.on('data', (piece: Buffer) => (this.stdout += piece.toString()))
    this.process.stderr!.on('data', (piece: Buffer) => (this.stderr += piece.toString()))
    this.#ended = once(this.process, 'close').then(([code]) => code as number | null)
  }

  ended(): Promise<number | null> {
    return this.#ended
  }

  /** What it has printed when it has ended well. @throws Error with what it says, if it fails */
  async output(): Promise<string> {
    const code = await this.#ended
    if (code !== 0) throw new Error(`it ended with ${code}: ${this.stderr}`)
    return this.stdout
  }
}

/** A computer with a key and folders of its own, on loopback. */
export class Computer {
  readonly env: Readonly<Record<string, string>>
  readonly #home: string
  readonly #programs: Program[] = []
  #first: string | null = null

  private constructor(home: string) {
    this.#home = home
    this.env = {
      XDG_DATA_HOME: join(home, 'data'),
      XDG_CONFIG_HOME: join(home, 'config'),
      HEARSAY_KEY: newKey(),
      HEARSAY_MDNS: 'false',
      HEARSAY_LISTEN: '/ip4/127.0.0.1/tcp/0'
    }
  }

  static async make(): Promise<Computer> {
    return new Computer(await mkdtemp(join(tmpdir(), 'hearsay-examples-')))
  }

  /** @param args of `node` */
  node(...args: readonly string[]): Program {
    return this.#run(process.execPath, args)
  }

  /** @param program a path in config/examples */
  python(program: string, ...args: readonly string[]): Program {
    return this.#run('python3', [join(root, 'config/examples', program), ...args], {
      PYTHONPATH: join(root, 'config/clients/python'),
      PYTHONDONTWRITEBYTECODE: '1'
    })
  }

  /** A node that is ready, and dials the first one. */
  async start(name: string, ...flags: readonly string[]): Promise<Program> {
    const [computer = '', instance = ''] = name.split('/')
    const names = ['--computer', computer, '--instance', instance]
    const peers = this.#first === null ? {} : { HEARSAY_PEERS: this.#first }
    const args = [hearsay, 'start', '--json', ...names, ...flags]
    const node = this.#run(process.execPath, args, peers)
    const ready = await until(() => /^\{.*"ready".*$/m.exec(node.stdout)?.[0], name, 30_000)
    const { addresses } = JSON.parse(ready!) as { addresses: string[] }
    this.#first ??= addresses.find(address => address.includes('127.0.0.1')) ?? null
    return node
  }

  async end(): Promise<void> {
    for (const program of this.#programs) program.process.kill('SIGKILL')
    await Promise.all(this.#programs.map(program => program.ended()))
    await rm(this.#home, { recursive: true, force: true })
  }

  #run(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {}
  ): Program {
    const program = new Program(command, args, { ...this.env, ...env })
    this.#programs.push(program)
    return program
  }
}
