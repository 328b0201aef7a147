/**
 * A cluster that is looked into: one node in this process, which submits, and all others in processes of their own, on
 * 127.0.0.1, each with a data folder on a real disk. What a user sees is measured from outside (loads/).
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createNode } from '../../src/create-node.ts'
import { newKey } from '../../src/key.ts'
import type { Node } from '../../src/node/node.ts'
import type { NodeOptions } from '../../src/node-options.ts'
import { until } from '../support/until.ts'
import { sleep } from './sleep.ts'
import type { Profiled } from './profile.ts'
import { ownRestingUsage, ownUsage, type RestingUsage, type Usage } from './usage.ts'

export type Question = 'usage' | 'resting' | 'kept' | 'met' | 'profile' | 'profiled' | 'leave'
export type Answer = Usage | RestingUsage | Profiled | number | null

const script = fileURLToPath(new URL('children/node.ts', import.meta.url))
/** Twelve processes that start on two cores. */
const startTimeoutMs = 120_000

export class BenchCluster {
  /** The node in this process. */
  readonly node: Node
  readonly #folder: string
  readonly #children: ChildProcess[]

  private constructor(node: Node, folder: string, children: ChildProcess[]) {
    this.node = node
    this.#folder = folder
    this.#children = children
  }

  /** Resolves when all nodes are connected with each other and in sync. */
  static async start(count: number, settings: Partial<NodeOptions> = {}): Promise<BenchCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-bench-'))
    const common = {
      cluster: 'bench',
      computer: 'bench',
      key: newKey(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: false,
      concurrency: 4,
      logLevel: 'warn' as const,
      ...settings
    }
    const node = await createNode({ ...common, instance: 1, data: join(folder, '1') })
    node.registerTaskHandler('noop', () => null)
    node.registerTaskHandler('sleep', sleep)
    const children: ChildProcess[] = []
    const cluster = new BenchCluster(node, folder, children)
    for (let instance = 2; instance <= count; instance++) {
      const data = join(folder, String(instance))
      const options = { ...common, instance, data, peers: node.addresses }
      children.push(start(options))
    }
    try {
      await Promise.all(children.map(child => once(child, 'message')))
      await until(() => cluster.#haveMet(), 'all nodes to meet', startTimeoutMs)
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  /** Whether all nodes have all that this one has on its disk, on theirs. */
  get isSynced(): boolean {
    const others = this.node.nodes().filter(({ self }) => !self)
    return others.length === this.#children.length && others.every(({ synced }) => synced)
  }

  /** The usage of all nodes, this process first. */
  async usage(): Promise<Usage[]> {
    return [await ownUsage(join(this.#folder, '1')), ...(await this.ask<Usage>('usage'))]
  }

  /** The same, of nodes that have come to rest. */
  async restingUsage(): Promise<RestingUsage[]> {
    const own = await ownRestingUsage(join(this.#folder, '1'))
    return [own, ...(await this.ask<RestingUsage>('resting'))]
  }

  /** How many tasks each node keeps, this process first. */
  async kept(): Promise<number[]> {
    return [[...this.node.tasks()].length, ...(await this.ask<number>('kept'))]
  }

  /** CPU time of all nodes so far. */
  async cpuMs(): Promise<number> {
    return (await this.usage()).reduce((sum, { cpuMs }) => sum + cpuMs, 0)
  }

  /** Asks all other nodes. */
  async ask<T extends Answer>(question: Question): Promise<T[]> {
    return Promise.all(
      this.#children.map(async child => {
        const answered = once(child, 'message') as Promise<[{ value: T }]>
        child.send(question)
        return (await answered)[0].value
      })
    )
  }

  /** Kills the node of this name, which is not the one in this process. */
  async kill(name: string): Promise<void> {
    const child = this.#child(name)
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  /** Starts a node that was killed with what is on its disk. Resolves when all are connected and in sync. */
  async restart(name: string): Promise<void> {
    const dead = this.#child(name)
    const child = start(JSON.parse(dead.spawnargs.at(-1) ?? ''))
    this.#children[this.#children.indexOf(dead)] = child
    await once(child, 'message')
    await until(() => this.#haveMet(), `${name} to be in sync`, startTimeoutMs)
  }

  /** Whether each node is connected with all others and as far as they are. */
  async #haveMet(): Promise<boolean> {
    if (!this.isSynced) return false
    const met = await this.ask<number>('met')
    return met.every(count => count === met.length + 1)
  }

  #child(name: string): ChildProcess {
    const child = this.#children[Number(name.split('/')[1]) - 2]
    if (child === undefined) throw new Error(`there is no other node ${name}`)
    return child
  }

  async stop(): Promise<void> {
    for (const child of this.#children) if (child.connected) child.send('leave')
    await this.node.leave(0)
    await Promise.all(
      this.#children.map(async child => {
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      })
    )
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function start(options: NodeOptions): ChildProcess {
  return fork(script, [JSON.stringify(options)], { execArgv: [] })
}
