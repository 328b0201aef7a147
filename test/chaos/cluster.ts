/**
 * Six `hearsay start` processes that can be killed, stopped, paused and started again: each keeps its data folder, so
 * that it comes back as the same node. On 127.0.0.1 they also keep their ports; on a LAN they find each other by mDNS,
 * and each start is on another port.
 */
import { spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '../../src/api/client.ts'
import { newKey, saveKey } from '../../src/key.ts'
import type { TaskView } from '../../src/node/api/node-api.ts'
import { ClusterNode } from '../lan/cluster.ts'
import type { Computer, Lan } from '../lan/lan.ts'
import { until } from '../support/until.ts'

const hearsay = fileURLToPath(new URL('../../bin/hearsay.js', import.meta.url))
const handlers = ['nap.ts', 'work.ts'].map(name =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
)
/** Where the six are, unless a test says otherwise: two to a computer. */
const TWO_EACH: readonly Computer[] = ['a', 'a', 'b', 'b', 'c', 'c']
const MEET_MS_MAX = 40_000

export type ChaosOptions = Readonly<{
  /** The computer of each node. @default two to a computer */
  places?: readonly Computer[]
  /** Whether a node says on which computer it is, also where all are on one. @default on a LAN only */
  named?: boolean
  /** Further flags of the node at a place. @default none */
  flags?: (place: number) => readonly string[]
}>

export class ChaosCluster {
  readonly #folder: string
  readonly #ports: readonly number[]
  readonly #lan: Lan | null
  readonly #places: readonly Computer[]
  readonly #isNamed: boolean
  readonly #flags: (place: number) => readonly string[]
  readonly #nodes = new Map<number, ClusterNode>()
  #ended: ClusterNode[] = []

  private constructor(
    folder: string,
    ports: readonly number[],
    lan: Lan | null,
    { places = TWO_EACH, named = lan !== null, flags = () => [] }: ChaosOptions
  ) {
    this.#folder = folder
    this.#ports = ports
    this.#lan = lan
    this.#places = places
    this.#isNamed = named
    this.#flags = flags
  }

  /**
   * Resolves when all six are connected to each other.
   *
   * @param lan null: all on 127.0.0.1
   */
  static async start(lan: Lan | null = null, options: ChaosOptions = {}): Promise<ChaosCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-chaos-'))
    const ports = await freePorts((options.places ?? TWO_EACH).length)
    const cluster = new ChaosCluster(folder, ports, lan, options)
    await saveKey(newKey(), cluster.keyFile)
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

  /** Whoever has it is in. */
  get keyFile(): string {
    return join(this.#folder, 'cluster.key')
  }

  /** The data folder of a node. */
  data(place: number): string {
    return join(this.#folder, String(place))
  }

  /** Where a node listens; on a LAN, where it would without one. */
  address(place: number): string {
    return addressOf(this.#ports[place]!)
  }

  name(place: number): string {
    return `${this.#isNamed ? `computer-${this.#places[place]}` : 'chaos'}/${place}`
  }

  /** Whether a node that was started runs still. */
  lives(place: number): boolean {
    return this.#nodes.get(place)?.hasEnded === false
  }

  pid(place: number): number {
    return this.#nodes.get(place)!.process.pid!
  }

  /** What the handlers of `work` have noted so far, a line each. */
  async history(): Promise<string> {
    // There is none before the first handler is called.
    return existsSync(this.#historyFile) ? readFile(this.#historyFile, 'utf8') : ''
  }

  client(place: number): Promise<Client> {
    return Client.open({ data: this.data(place) })
  }

  /** Starts a node, and resolves when it is ready, whether or not it has met anybody. */
  async start(place: number): Promise<void> {
    this.#start(place)
    await this.#nodes.get(place)!.ready()
  }

  /** SIGSTOP or SIGCONT. */
  signal(place: number, signal: NodeJS.Signals): void {
    this.#nodes.get(place)!.process.kill(signal)
  }

  /** Lets a node leave, and resolves with its exit code. */
  async stop(place: number, timeoutMs: number): Promise<number | null> {
    const node = this.#nodes.get(place)!
    this.#nodes.delete(place)
    this.#ended.push(node)
    node.process.kill('SIGTERM')
    await until(() => node.hasEnded, `${node.name} to leave`, timeoutMs)
    return node.process.exitCode
  }

  /** Starts those that do not run, and waits until all that run are connected. */
  async startAll(): Promise<void> {
    for (const place of this.#ports.keys()) if (!this.#nodes.has(place)) this.#start(place)
    await Promise.all([...this.#nodes.values()].map(node => node.ready()))
    await Promise.all(this.running.map(place => this.#met(place)))
  }

  /**
   * Starts again whoever ends by itself, as a supervisor does.
   *
   * @returns what ends that, and gives how many have ended until then
   */
  supervise(): () => number {
    let deaths = 0
    let isOver = false
    const watch = (place: number): void => {
      const node = this.#nodes.get(place)!
      node.process.once('exit', () => {
        // Whoever was killed or stopped on purpose has been taken out.
        if (isOver || this.#nodes.get(place) !== node) return
        deaths++
        this.#ended.push(node)
        this.#start(place)
        watch(place)
      })
    }
    for (const place of this.running) watch(place)
    return () => {
      isOver = true
      return deaths
    }
  }

  /** A node has left by itself: waits for the end of its process, and takes it out. */
  async ended(place: number, timeoutMs: number): Promise<void> {
    const node = this.#nodes.get(place)!
    await until(() => node.hasEnded, `${node.name} to end`, timeoutMs)
    this.#nodes.delete(place)
    this.#ended.push(node)
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
    await rm(this.data(place), { recursive: true })
  }

  /** All tasks as a node sees them, by id. */
  async tasks(place: number): Promise<Map<string, TaskView>> {
    const tasks = new Map<string, TaskView>()
    const client = await this.client(place)
    for await (const task of client.list({})) tasks.set(task.id, task)
    return tasks
  }

  /** Waits until the nodes that run know equally many tasks, and none that is open. */
  async settled(timeoutMs: number): Promise<void> {
    const clients = await Promise.all(this.running.map(place => this.client(place)))
    await until(
      async () => {
        const counts = await Promise.all(clients.map(async client => (await client.status()).tasks))
        const open = counts.some(tasks => tasks.waiting + tasks.queued + tasks.running > 0)
        const known = counts.map(tasks => Object.values(tasks).reduce((sum, n) => sum + n, 0))
        return !open && new Set(known).size === 1
      },
      'all that run to have settled everything, and to know the same tasks',
      timeoutMs
    )
  }

  async down(): Promise<void> {
    await this.kill(...this.running)
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #historyFile(): string {
    return join(this.#folder, 'history.ndjson')
  }

  #start(place: number): void {
    const [computer, instance] = this.name(place).split('/') as [string, string]
    const who = ['--computer', computer, '--instance', instance, '--data', this.data(place)]
    const key = ['--key-file', this.keyFile]
    const work = [...handlers.flatMap(file => ['--handlers', file]), '--concurrency', '4']
    const start = [hearsay, 'start', '--json', '--cluster', 'chaos']
    const args = [...start, ...who, ...key, ...work, ...this.#network(place), ...this.#flags(place)]
    const options: SpawnOptions = {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: this.#folder,
        NO_COLOR: '1',
        CHAOS_HISTORY: this.#historyFile
      }
    }
    // The kernel ends it with the test process, however that ends.
    const child =
      this.#lan?.spawn(this.#places[place]!, process.execPath, args, options) ??
      spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, ...args], options)
    const node = new ClusterNode(this.name(place), this.#places[place]!, this.data(place), child)
    this.#nodes.set(place, node)
  }

  #network(place: number): string[] {
    if (this.#lan !== null) return []
    const peers = this.#ports.filter((_, other) => other !== place)
    const listen = addressFlag('--listen')(this.#ports[place]!)
    return ['--no-mdns', ...listen, ...peers.flatMap(addressFlag('--peer'))]
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
  return port => [flag, addressOf(port)]
}

function addressOf(port: number): string {
  return `/ip4/127.0.0.1/tcp/${port}`
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
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
