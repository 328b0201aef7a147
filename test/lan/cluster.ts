/**
 * A cluster of six `hearsay start` processes, two on each of three computers, driven through the CLI as a user would.
 *
 * On a LAN (lan.ts) the nodes find each other by mDNS. Without one, all of them are on 127.0.0.1 and are told where the
 * first one is. Key and data live in a folder of their own, which goes with the cluster.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '../../src/api/client.ts'
import { newKey, saveKey } from '../../src/key.ts'
import { until } from '../support/until.ts'
import { computers, type Computer, type Lan } from './lan.ts'

const hearsay = fileURLToPath(new URL('../../bin/hearsay.js', import.meta.url))
/** Six processes start on two cores at once; one alone is there in under a second. */
const readyTimeoutMs = 30_000
const meetTimeoutMs = 30_000
const stopTimeoutMs = 15_000

export type Answer = { code: number | null; stdout: string; stderr: string }

/** One node process, from its start to its end. */
export class ClusterNode {
  readonly name: string
  readonly computer: Computer
  readonly data: string
  readonly process: ChildProcess
  #stdout = ''
  #stderr = ''

  constructor(name: string, computer: Computer, data: string, process: ChildProcess) {
    this.name = name
    this.computer = computer
    this.data = data
    this.process = process
    process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
  }

  /** What it said on stderr, for the message of a test that fails. */
  get stderr(): string {
    return `--- ${this.name}\n${this.#stderr}`
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  /** Its `ready` line. */
  async ready(): Promise<{ name: string; id: string; addresses: string[] }> {
    const line: string = await until(
      () => {
        if (!this.#stdout.includes('\n') && !this.hasEnded) return ''
        return this.#stdout.split('\n')[0] || 'ended'
      },
      `${this.name} to be ready`,
      readyTimeoutMs
    )
    if (line === 'ended') throw new Error(`a node ended at its start\n${this.stderr}`)
    return JSON.parse(line)
  }

  /** Sends a signal and waits for the end of the process; gives its exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    if (!this.hasEnded) this.process.kill(signal)
    await until(() => this.hasEnded, `${this.name} to end`, stopTimeoutMs)
    return this.process.exitCode ?? this.process.signalCode
  }
}

export class Cluster {
  readonly nodes: readonly ClusterNode[]
  readonly #folder: string

  private constructor(nodes: readonly ClusterNode[], folder: string) {
    this.nodes = nodes
    this.#folder = folder
  }

  /**
   * Starts six nodes, and resolves when each is ready and connected to all others.
   *
   * @param lan null: all on 127.0.0.1, without mDNS
   * @param handlersOf the handlers files of the node of a name
   */
  static async start(
    lan: Lan | null,
    handlersOf: (name: string) => readonly string[]
  ): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-cluster-'))
    const keyFile = join(folder, 'cluster.key')
    await saveKey(newKey(), keyFile)
    const nodes: ClusterNode[] = []
    const cluster = new Cluster(nodes, folder)
    try {
      let peer: string | null = null
      for (const [index, computer] of [...computers, ...computers].sort().entries()) {
        const name = `computer-${computer}/${index + 1}`
        const flags = [
          '--key-file',
          keyFile,
          ...handlersOf(name).flatMap(file => ['--handlers', file])
        ]
        const node = startNode(lan, folder, name, computer, [...flags, ...network(lan, peer)])
        nodes.push(node)
        if (lan === null && peer === null) peer = await addressOf(node)
      }
      await cluster.#met()
    } catch (error) {
      const said = cluster.stderr
      await cluster.down()
      throw new Error(`the cluster did not come up\n${said}`, { cause: error })
    }
    return cluster
  }

  /** A node by its name. */
  node(name: string): ClusterNode {
    const found = this.nodes.find(node => node.name === name)
    if (!found) throw new Error(`there is no node ${name} in this cluster`)
    return found
  }

  /** What all nodes said on stderr. */
  get stderr(): string {
    return this.nodes.map(node => node.stderr).join('\n')
  }

  /** Runs a verb of the CLI against a node. */
  async cli(name: string, verb: string, ...args: string[]): Promise<Answer> {
    const child = spawn(
      process.execPath,
      [hearsay, verb, '--data', this.node(name).data, ...args],
      { stdio: ['ignore', 'pipe', 'pipe'], env: environment() }
    )
    const answer: Answer = { code: null, stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', text => (answer.stdout += text))
    child.stderr.setEncoding('utf8').on('data', text => (answer.stderr += text))
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', code => resolve({ ...answer, code }))
    })
  }

  /** The same with --json, for verbs that succeed: the objects it printed, one a line. */
  async json<T>(name: string, verb: string, ...args: string[]): Promise<T[]> {
    const { code, stdout, stderr } = await this.cli(name, verb, '--json', ...args)
    if (code !== 0) {
      throw new Error(
        `hearsay ${verb} ${args.join(' ')} at ${name}: exit ${code}\n${stderr}${stdout}`
      )
    }
    return stdout
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line))
  }

  /** Stops all nodes and removes what they kept. */
  async down(): Promise<void> {
    const ends = this.nodes.map(node => node.stop().catch(() => node.stop('SIGKILL')))
    await Promise.all(ends)
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #met(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.ready()))
    for (const { name, data } of this.nodes) {
      const client = await Client.open({ data })
      await until(
        async () => {
          const others = (await client.nodes()).filter(({ self }) => !self)
          return others.filter(({ connected }) => connected).length === this.nodes.length - 1
        },
        `${name} to be connected to all others`,
        meetTimeoutMs
      )
    }
  }
}

function startNode(
  lan: Lan | null,
  folder: string,
  name: string,
  computer: Computer,
  flags: readonly string[]
): ClusterNode {
  const [, instance = ''] = name.split('/')
  const data = join(folder, name.replace('/', '-'))
  const who = ['--computer', `computer-${computer}`, '--instance', instance, '--data', data]
  const args = [
    hearsay,
    'start',
    '--json',
    '--cluster',
    'test',
    ...who,
    '--concurrency',
    '1',
    ...flags
  ]
  const options = {
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    env: environment()
  }
  const child =
    lan === null
      ? spawn(process.execPath, args, options)
      : lan.spawn(computer, process.execPath, args, options)
  return new ClusterNode(name, computer, data, child)
}

function network(lan: Lan | null, peer: string | null): string[] {
  if (lan !== null) return []
  const local = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
  return peer === null ? local : [...local, '--peer', peer]
}

async function addressOf(node: ClusterNode): Promise<string> {
  const { id, addresses } = await node.ready()
  const [address] = addresses
  if (address === undefined) throw new Error(`${node.name} listens nowhere`)
  return address.includes('/p2p/') ? address : `${address}/p2p/${id}`
}

/** Settings of the person who runs the tests must not reach the nodes. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('HEARSAY_'))
  return { ...Object.fromEntries(kept), NO_COLOR: '1' }
}
