/**
 * Nodes of several versions in one cluster on 127.0.0.1: each is a process that runs the sources of its version, and is
 * asked through its socket. Key and data live in a folder of their own, which goes with the cluster.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '../../src/api/client.ts'
import { newKey, saveKey } from '../../src/key.ts'
import { ClusterNode, type Answer } from '../lan/cluster.ts'
import { until } from '../support/until.ts'
import type { Tree } from './baseline.ts'

const handlers = fileURLToPath(new URL('./fixtures/handlers.ts', import.meta.url))
const cliOf = (tree: Tree): string => join(tree.root, 'test/cli/children/cli.ts')
const meetTimeoutMs = 30_000

/** A node that runs, and how to ask it. */
export type Running = Readonly<{ process: ClusterNode; client: Client; tree: Tree; name: string }>

export class MixedCluster {
  readonly #cluster: string
  readonly #folder: string
  readonly #nodes = new Map<string, Running>()
  /** All that ever ran, for what they said. */
  readonly #processes: ClusterNode[] = []

  private constructor(cluster: string, folder: string) {
    this.#cluster = cluster
    this.#folder = folder
  }

  static async make(cluster = 'mixed', key = newKey()): Promise<MixedCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-mixed-'))
    await saveKey(key, join(folder, 'cluster.key'))
    return new MixedCluster(cluster, folder)
  }

  /** What all nodes said on stderr. */
  get stderr(): string {
    return this.#processes.map(({ stderr }) => stderr).join('\n')
  }

  path(name: string): string {
    return join(this.#folder, name)
  }

  /** Starts a node, on the data folder of its name, and resolves when all that run are connected. */
  async start(tree: Tree, name: string, ...flags: string[]): Promise<Running> {
    const [computer = '', instance = ''] = name.split('/')
    const data = this.path(name.replace('/', '-'))
    const who = ['--cluster', this.#cluster, '--computer', computer, '--instance', instance]
    const where = ['--data', data, '--key-file', this.path('cluster.key')]
    const net = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', ...(await this.#peers())]
    const work = ['--handlers', handlers, '--commands', '--concurrency', '2', ...flags]
    const args = [cliOf(tree), 'start', '--json', ...who, ...where, ...net, ...work]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    const started = new ClusterNode(name, 'a', data, child)
    this.#processes.push(started)
    await started.ready()
    const running = { process: started, client: await Client.open({ data }), tree, name }
    this.#nodes.set(name, running)
    await until(() => this.#allConnected(), `${name} to be connected`, meetTimeoutMs)
    return running
  }

  /** Ends a node. Gives its exit code, or the signal that ended it. */
  async stop({ process, name }: Running, signal: NodeJS.Signals): Promise<number | string | null> {
    this.#nodes.delete(name)
    return process.stop(signal)
  }

  /** Runs a verb against a node, by the sources of this version. */
  async verb(tree: Tree, { process: { data } }: Running, ...args: string[]): Promise<Answer> {
    const [verb = '', ...rest] = args
    const at = verb === 'state' ? [verb, rest.shift()!] : [verb]
    const child = spawn(process.execPath, [cliOf(tree), ...at, '--data', data, ...rest], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env
    })
    const answer: Answer = { code: null, stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', text => (answer.stdout += text))
    child.stderr.setEncoding('utf8').on('data', text => (answer.stderr += text))
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', code => resolve({ ...answer, code }))
    })
  }

  async down(): Promise<void> {
    await Promise.all(this.#processes.map(each => each.stop('SIGKILL')))
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #peers(): Promise<string[]> {
    const ready = await Promise.all([...this.#nodes.values()].map(node => node.process.ready()))
    return ready.flatMap(({ id, addresses: [address = ''] }) => [
      '--peer',
      address.includes('/p2p/') ? address : `${address}/p2p/${id}`
    ])
  }

  async #allConnected(): Promise<boolean> {
    const views = await Promise.all([...this.#nodes.values()].map(({ client }) => client.nodes()))
    return views.every(
      nodes => nodes.filter(({ self, connected }) => !self && connected).length === views.length - 1
    )
  }
}

/** Settings of the person who runs the tests must not reach the nodes. */
const env: NodeJS.ProcessEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('HEARSAY_'))
  ),
  NO_COLOR: '1'
}
