/**
 * Three kinds of programs on three computers: an agent that submits over MCP on one, workers in a shell on another, and
 * workers in Python on the third.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { NodeView, TaskView } from '../../../src/node/api/node-api.ts'
import { until } from '../../support/until.ts'
import type { Cluster } from '../cluster.ts'
import type { Computer, Lan } from '../lan.ts'

const hearsay = fileURLToPath(new URL('../../../bin/hearsay.js', import.meta.url))
const clients = fileURLToPath(new URL('../../../config/clients/python', import.meta.url))

const AGENT = 'computer-a/1'
const SHELL = 'computer-b/3'
const PYTHON = 'computer-c/5'
/** Of a computer that has much else to do: what is promised is a second. */
const WAIT_MS = 20_000

/** Answers at once, but to what it is told to hold: that it answers when it is told on its stdin. */
const PROGRAM = `
import sys, hearsay
worker = hearsay.connect().worker(name="python")
def run(payload, task):
    if payload == "hold":
        print("holds", task.id, flush=True)
        sys.stdin.readline()
        print("answers", task.id, flush=True)
    return "python"
for type in sys.argv[1:]:
    worker.task(type)(run)
worker.run()
`

export class OutsideWorkers {
  readonly cluster: Cluster
  readonly #lan: Lan
  readonly #started: ChildProcess[] = []

  constructor(lan: Lan, cluster: Cluster) {
    this.#lan = lan
    this.cluster = cluster
  }

  /** Resolves when its node shows its pool. */
  async python(...types: string[]): Promise<Program> {
    const { data } = this.cluster.node(PYTHON)
    const env = { HEARSAY_DATA: data, PYTHONPATH: clients, PYTHONDONTWRITEBYTECODE: '1' }
    const program = this.#start('c', ['python3', '-u', '-c', PROGRAM, ...types], env)
    await this.shown(PYTHON, types)
    return program
  }

  async shell(...types: string[]): Promise<Program> {
    const { data } = this.cluster.node(SHELL)
    const flags = ['--data', data, '--result-from', 'stdout', '--', 'sh', '-c', 'printf shell']
    const program = this.#start('b', [process.execPath, hearsay, 'work', ...types, ...flags])
    await this.shown(SHELL, types)
    return program
  }

  /** As an agent does. */
  async submit(type: string, payload: string): Promise<string> {
    const { data } = this.cluster.node(AGENT)
    const agent = this.#start('a', [process.execPath, hearsay, 'mcp', '--data', data])
    const clientInfo = { name: 'test', version: '1' }
    const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
    const asked = { name: 'submit', arguments: { tasks: [{ type, payload }] } }
    agent.tell({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello })
    agent.tell({ jsonrpc: '2.0', method: 'notifications/initialized' })
    agent.tell({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: asked })
    const line = await agent.says(/^.*"id":2\b.*$/m)
    agent.process.stdin!.end()
    const { result } = JSON.parse(line) as {
      result: { structuredContent: { tasks: { id: string }[] } }
    }
    return result.structuredContent.tasks[0]!.id
  }

  /** Resolves when the node of an agent shows that a node has a pool for these types. */
  async shown(name: string, types: readonly string[]): Promise<void> {
    const shows = async (): Promise<boolean> =>
      poolsOf(await this.nodes(), name).includes(types.join())
    await until(shows, `${name} to show a pool for ${types.join()}`, WAIT_MS)
  }

  nodes(): Promise<NodeView[]> {
    return this.cluster.json<NodeView>(AGENT, 'nodes')
  }

  /** What `top` shows of the nodes. */
  async top(): Promise<NodeView[]> {
    const { data } = this.cluster.node(AGENT)
    const top = this.#start('a', [process.execPath, hearsay, 'top', '--json', '--data', data])
    const line = await top.says(/^\{.*\}$/m)
    top.process.kill()
    return (JSON.parse(line) as { nodes: NodeView[] }).nodes
  }

  async wait(id: string): Promise<TaskView> {
    const [task] = await this.cluster.json<TaskView>(AGENT, 'wait', '--timeout', '30s', id)
    return task!
  }

  end(): void {
    for (const each of this.#started) each.kill('SIGKILL')
  }

  #start(
    computer: Computer,
    [command = '', ...args]: string[],
    more: NodeJS.ProcessEnv = {}
  ): Program {
    const env = { ...process.env, ...more }
    const child = this.#lan.spawn(computer, command, args, { env, stdio: 'pipe' })
    this.#started.push(child)
    return new Program(child)
  }
}

class Program {
  readonly process: ChildProcess
  #said = ''

  constructor(process: ChildProcess) {
    this.process = process
    process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
    process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
  }

  tell(line: object | string): void {
    this.process.stdin!.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
  }

  /** Resolves when it has said so. */
  async says(what: RegExp): Promise<string> {
    const found = (): string | undefined => what.exec(this.#said)?.[0]
    return (await until(found, `${what}, and not only: ${this.#said}`, WAIT_MS)) as string
  }
}

function poolsOf(nodes: readonly NodeView[], name: string): string[] {
  const { pools = [] } = nodes.find(node => node.name === name) ?? {}
  return pools.filter(({ external }) => external).map(({ types }) => types.join())
}

/** The worker in Python is killed while it has a task, and then its node while its successor has one. */
export async function checkOutsideWorkers(outside: OutsideWorkers): Promise<void> {
  const { cluster } = outside
  const first = await outside.python('model', 'shared')
  expect(poolsOf(await outside.top(), PYTHON)).toEqual(['model,shared'])
  const easy = await outside.submit('model', 'any')
  expect(await outside.wait(easy)).toMatchObject({ result: 'python', holder: PYTHON })
  const held = await outside.submit('shared', 'hold')
  await first.says(new RegExp(`holds ${held}`))
  await outside.shell('shared')
  expect(poolsOf(await outside.top(), SHELL)).toEqual(['shared'])
  first.process.kill('SIGKILL')
  expect(await outside.wait(held)).toMatchObject({
    result: 'shell',
    holder: SHELL,
    attempt: 1,
    lost: [PYTHON]
  })

  const second = await outside.python('late')
  const late = await outside.submit('late', 'hold')
  await second.says(new RegExp(`holds ${late}`))
  await outside.shell('late')
  const node = cluster.node(PYTHON).process
  node.kill('SIGKILL')
  await once(node, 'exit')
  expect(await outside.wait(late)).toMatchObject({ result: 'shell', holder: SHELL })
  second.tell('now')
  await second.says(new RegExp(`answers ${late}`))
  const [task] = await cluster.json<TaskView>(AGENT, 'get', late)
  expect(task).toMatchObject({ state: 'completed', result: 'shell', holder: SHELL })
}
