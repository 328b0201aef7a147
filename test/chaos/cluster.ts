/**
 * Six `hearsay start` processes on 127.0.0.1 that can be killed and started again: each keeps its port and its data
 * folder, so that it comes back as the same node at the same place.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '../../src/api/client.ts'
import { newKey, saveKey } from '../../src/key.ts'
import type { TaskView } from '../../src/node/handle.ts'
import { ClusterNode } from '../lan/cluster.ts'
import { until } from '../support/until.ts'

const hearsay = fileURLToPath(new URL('../../bin/hearsay.js', import.meta.url))
const handlers = fileURLToPath(new URL('fixtures/nap.ts', import.meta.url))
const NODES = 6
const MEET_MS_MAX = 40_000

export class ChaosCluster {
  readonly #folder: string
  readonly #ports: readonly number[]
  readonly #nodes = new Map<number, ClusterNode>()
  #ended: ClusterNode[] = []

  private constructor(folder: string, ports: readonly number[]) {
    this.#folder = folder
    this.#ports = ports
  }

  /** Resolves when all six are connected to each other. */
  static async start(): Promise<ChaosCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-chaos-'))
    const cluster = new ChaosCluster(folder, await freePorts(NODES))
    await saveKey(newKey(), join(folder, 'cluster.key'))
    try {
      await cluster.startAll()
    } catch (error) {
      const said = cluster.stderr
      await cluster.down()
      throw new Error(`the cluster did not come up\n${said}`, { cause: error })
    }
    return cluster
  }

  /** Places of nodes that run. */
  get running(): number[] {
    return [...this.#nodes.keys()].sort((x, y) => x - y)
  }

  get stderr(): string {
    return [...this.#ended, ...this.#nodes.values()].map(node => node.stderr).join('\n')
  }

  name(place: number): string {
    return `chaos/${place}`
  }

  client(place: number): Promise<Client> {
    return Client.open({ data: this.#data(place) })
  }

  /** Starts those that do not run, and waits until all that run are connected. */
  async startAll(): Promise<void> {
    for (const place of this.#ports.keys()) if (!this.#nodes.has(place)) this.#start(place)
    await Promise.all([...this.#nodes.values()].map(node => node.ready()))
    await Promise.all(this.running.map(place => this.#met(place)))
  }

  /** Kills nodes in one instant; returns when that was, and resolves when they are gone. */
  async kill(...places: number[]): Promise<number> {
    const dying = places.map(place => this.#nodes.get(place)!)
    for (const { process } of dying) process.kill('SIGKILL')
    const killedAt = Date.now()
    for (const place of places) this.#nodes.delete(place)
    this.#ended.push(...dying)
    await Promise.all(dying.map(node => until(() => node.hasEnded, `${node.name} to be gone`)))
    return killedAt
  }

  /** Removes all that a node had, which makes another node of it. */
  async loseDisk(place: number): Promise<void> {
    await rm(this.#data(place), { recursive: true })
  }

  /** All tasks as a node sees them, by id. */
  async tasks(place: number): Promise<Map<string, TaskView>> {
    const tasks = new Map<string, TaskView>()
    const client = await this.client(place)
    for await (const task of client.list({})) tasks.set(task.id, task)
    return tasks
  }

  /** Waits until each node that runs has settled all that it knows. */
  async settled(timeoutMs: number): Promise<void> {
    for (const place of this.running) {
      const client = await this.client(place)
      await until(
        async () => {
          const { tasks } = await client.status()
          return tasks.waiting + tasks.queued + tasks.running === 0
        },
        `${this.name(place)} to have settled everything`,
        timeoutMs
      )
    }
  }

  async down(): Promise<void> {
    await this.kill(...this.running)
    await rm(this.#folder, { recursive: true, force: true })
  }

  #data(place: number): string {
    return join(this.#folder, String(place))
  }

  #start(place: number): void {
    const peers = this.#ports.filter((_, other) => other !== place).flatMap(addressFlag('--peer'))
    const who = ['--computer', 'chaos', '--instance', String(place), '--data', this.#data(place)]
    const key = ['--key-file', join(this.#folder, 'cluster.key')]
    const work = ['--handlers', handlers, '--concurrency', '4']
    const listen = addressFlag('--listen')(this.#ports[place]!)
    const start = [hearsay, 'start', '--json', '--cluster', 'chaos', '--no-mdns']
    const args = [...start, ...who, ...key, ...work, ...listen, ...peers]
    // The kernel ends it with the test process, however that ends.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: this.#folder, NO_COLOR: '1' }
    })
    this.#nodes.set(place, new ClusterNode(this.name(place), 'a', this.#data(place), child))
  }

  async #met(place: number): Promise<void> {
    const client = await this.client(place)
    await until(
      async () => {
        const others = (await client.nodes()).filter(({ self, connected }) => !self && connected)
        return others.length === this.#nodes.size - 1
      },
      `${this.name(place)} to be connected to all others`,
      MEET_MS_MAX
    )
  }
}

function addressFlag(flag: string): (port: number) => string[] {
  return port => [flag, `/ip4/127.0.0.1/tcp/${port}`]
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  for (let i = 0; i < count; i++) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    servers.push(server)
  }
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => server.close() && once(server, 'close')))
  return ports
}
