/**
 * The node processes of the demo: the same `hearsay start` that a user would type, several times on one computer, with
 * a key and data folders that are thrown away afterwards.
 *
 * Whatever happens to one of them is an answer: `ready` rejects if one does not come up, `failed` rejects if one ends
 * later on, both with what it said last. `stop` leaves no process behind; and if the demo itself is killed, its end of
 * their stdin closes, upon which they leave.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { newKey, saveKey } from '../key.ts'
import type { NodeOptions } from '../node-options.ts'
import { packageFile, programFile } from '../shared/own-files.ts'
import { NODE_NAME_VARIABLE } from './tasks.ts'

const executable = fileURLToPath(packageFile('bin/hearsay.js'))
const handlersFile = fileURLToPath(programFile('demo/handlers'))

/** Measured: six nodes that start at once on 2 cores are ready in 2 s. The rest is for slow computers. */
const readyTimeoutMs = 30_000
/** A node that has left takes tenths of a second to end. */
const stopTimeoutMs = 8000
/** What of a node's last words is shown when it fails. */
const tailLength = 2000

const computerLetters = 'abcdef'

/** `computer-a/1`, `computer-a/2`, `computer-b/3`, ...: two on each of the make-believe computers. */
export function demoNodeNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    return `computer-${computerLetters[Math.floor(index / 2)]}/${index + 1}`
  })
}

type DemoNode = { name: string; process: ChildProcess; stderr: string }

export class DemoNodes {
  readonly names: readonly string[]
  readonly #folder: string
  readonly #nodes: DemoNode[] = []
  readonly #crashed = new Set<DemoNode>()
  readonly #failed = Promise.withResolvers<never>()
  #isStopping = false

  /** @param folder where key, settings and data go */
  constructor(count: number, folder: string) {
    this.names = demoNodeNames(count)
    this.#folder = folder
    // Looked at when a caller asks for it; until then it is no unhandled rejection.
    this.#failed.promise.catch(() => {})
  }

  /** The data folder of a node. */
  dataOf(name: string): string {
    return join(this.#folder, name.replace('/', '-'))
  }

  /** Rejects when a node ends that was not told to. */
  get failed(): Promise<never> {
    return this.#failed.promise
  }

  /**
   * Starts all nodes and resolves when each says that it is ready.
   *
   * @param lan listen on all interfaces and use mDNS there; otherwise everything stays on 127.0.0.1
   */
  async start(lan: boolean): Promise<void> {
    const keyFile = join(this.#folder, 'cluster.key')
    await saveKey(newKey(), keyFile)
    const starting = this.names.map(async name => {
      const file = join(this.#folder, `${name.replace('/', '-')}.json`)
      await writeFile(file, JSON.stringify(this.#settings(name, keyFile, lan)))
      if (!this.#isStopping) await this.#startOne(name, file)
    })
    await Promise.race([Promise.all(starting), this.failed])
  }

  /** Tells all nodes to leave; ends those that do not. */
  async stop(): Promise<void> {
    this.#isStopping = true
    const ends = this.#nodes.map(async ({ process }) => {
      if (hasEnded(process)) return
      const ended = once(process, 'exit')
      process.kill('SIGTERM')
      const giveUp = new AbortController()
      const late = sleep(stopTimeoutMs, 'late', { signal: giveUp.signal }).catch(() => 'ended')
      if ((await Promise.race([ended, late])) === 'late') process.kill('SIGKILL')
      giveUp.abort()
      await ended
    })
    await Promise.all(ends)
  }

  /** Kills a node without a word, as a crash would. Nobody is told. */
  crash(name: string): void {
    const node = this.#nodes.find(node => node.name === name)
    if (node === undefined) return
    this.#crashed.add(node)
    node.process.kill('SIGKILL')
  }

  #settings(name: string, keyFile: string, lan: boolean): NodeOptions {
    const [computer = '', instance = ''] = name.split('/')
    const reach: NodeOptions = lan
      ? { mdns: true }
      : { mdns: { interface: '127.0.0.1' }, listen: ['/ip4/127.0.0.1/tcp/0'] }
    return {
      cluster: 'demo',
      computer,
      instance,
      data: this.dataOf(name),
      keyFile,
      handlers: [handlersFile],
      concurrency: 1,
      logLevel: 'warn',
      ...reach
    }
  }

  async #startOne(name: string, settingsFile: string): Promise<void> {
    const child = spawn(
      process.execPath,
      [executable, 'start', '--json', '--until-stdin-ends', '--config', settingsFile],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: environmentOf(name)
      }
    )
    const node: DemoNode = { name, process: child, stderr: '' }
    this.#nodes.push(node)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      node.stderr = (node.stderr + text).slice(-tailLength)
    })
    child.once('error', error => this.#fail(node, error.message))
    // `close` comes after the last words, `exit` may come before them.
    child.once('close', (code, signal) =>
      this.#fail(node, `ended with ${signal ?? `code ${code}`}`)
    )
    const ready = once(child.stdout, 'data')
    const giveUp = new AbortController()
    const late = sleep(readyTimeoutMs, 'late', { signal: giveUp.signal, ref: false }).catch(
      () => 'ready'
    )
    if ((await Promise.race([ready, late])) === 'late') {
      this.#fail(node, `was not ready after ${readyTimeoutMs / 1000} s`)
    }
    giveUp.abort()
    child.stdout.resume()
  }

  #fail(node: DemoNode, what: string): void {
    if (this.#isStopping || this.#crashed.has(node)) return
    const said = node.stderr.trim() || '(nothing)'
    this.#failed.reject(new Error(`the node ${node.name} ${what}; it said last:\n${said}`))
  }
}

function hasEnded(process: ChildProcess): boolean {
  // Without a pid it never began.
  return process.pid === undefined || process.exitCode !== null || process.signalCode !== null
}

/** Settings of the user's own cluster must not reach the nodes of the demo. */
function environmentOf(name: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('HEARSAY_'))
  return { ...Object.fromEntries(kept), [NODE_NAME_VARIABLE]: name }
}
