/** Workers outside the processes of nodes, as processes: started, listened to, and ended with the test. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '../../src/api/client.ts'
import { startApi, type Api } from '../../src/api/server.ts'
import type { Node } from '../../src/index.ts'
import { saveKey } from '../../src/key.ts'
import { until } from '../support/until.ts'
import { privateOptions } from './nodes.ts'

const cli = fileURLToPath(new URL('../cli/children/cli.ts', import.meta.url))
const program = fileURLToPath(new URL('children/outside-worker.ts', import.meta.url))

/** How a worker works: see children/outside-worker.ts. */
export type How = 'echo' | 'hold' | 'die' | 'late' | `late ${number}` | 'save'

let children: ChildProcess[] = []
let apis: Api[] = []

/** Serves the local API of a node in a folder of its own, which is returned. */
export async function serve(node: Node): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-outside-'))
  apis.push(await startApi(node, folder))
  return folder
}

export class Outside {
  readonly process: ChildProcess
  /** What it has said. */
  readonly lines: string[] = []

  private constructor(process: ChildProcess) {
    this.process = process
    let rest = ''
    process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop()!
      this.lines.push(...parts)
    })
  }

  /** Resolves when it is connected. @param folder of the node's data */
  static async start(
    folder: string,
    types: readonly string[],
    how: How = 'echo',
    slots = 1
  ): Promise<Outside> {
    const child = spawn(process.execPath, [program, folder, String(slots), how, ...types], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    children.push(child)
    const outside = new Outside(child)
    await outside.says(/^connected /)
    return outside
  }

  /** The name of its pool. */
  get name(): string {
    return this.lines[0]!.split(' ')[1]!
  }

  /** Resolves when it has said so. */
  async says(what: RegExp): Promise<string> {
    return until(
      () => this.lines.find(line => what.test(line)),
      `a worker to say ${what}, and not only: ${this.lines.join(', ')}`,
      20_000
    ) as Promise<string>
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.process.kill(signal)
  }
}

/** A node in a process of its own, which can be killed, and comes back with what it had on its disk. */
export class NodeProcess {
  readonly folder: string
  readonly #flags: readonly string[]
  #process: ChildProcess | null = null

  private constructor(folder: string, flags: readonly string[]) {
    this.folder = folder
    this.#flags = flags
  }

  /** Resolves when it is connected. @param other a node of its cluster */
  static async start(other: Node): Promise<NodeProcess> {
    const { key = '' } = await privateOptions()
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-outside-'))
    const keyFile = join(folder, 'cluster.key')
    await saveKey(key, keyFile)
    const peers = other.addresses.flatMap(address => ['--peer', address])
    const where = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', ...peers]
    const who = ['--cluster', other.cluster, '--computer', 'outside', '--instance', '1']
    const node = new NodeProcess(folder, [
      ...who,
      '--key-file',
      keyFile,
      '--data',
      folder,
      ...where
    ])
    await node.restart()
    return node
  }

  async restart(): Promise<void> {
    const child = spawn(process.execPath, [cli, 'start', ...this.#flags], {
      stdio: ['ignore', 'pipe', 'ignore']
    })
    children.push(child)
    this.#process = child
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    await until(() => said.startsWith('ready'), 'a node to be ready', 30_000)
    const client = await Client.open({ data: this.folder })
    const met = async (): Promise<boolean> => (await client.status()).members.connected > 0
    await until(met, 'it to meet the others', 20_000)
  }

  kill(): void {
    this.#process!.kill('SIGKILL')
  }
}

/** Ends all workers and nodes, and the APIs. */
export async function endOutside(): Promise<void> {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await Promise.all(apis.map(async api => api.close()))
  apis = []
}
