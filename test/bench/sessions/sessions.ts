/**
 * What a thousand short tasks cost that go through one session of an external worker, beside a handler of the node's
 * own that is a module in a worker thread. One node, alone in its cluster, accepts them all and runs them in turns: so
 * network and replication, which are the same for all, are not in the figures. The CPU time of the node includes its
 * threads; that of the worker is told apart.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newKey } from '../../../src/key.ts'
import { hasPython } from '../../clients/python.ts'
import { figure, type Row } from '../figures.ts'
import { usageOf } from '../usage.ts'
import { MODULE_TYPE, type Cost, type Order, type Reply } from './order.ts'

const TASKS = 1000
const SLOTS = [1, 4]
/** Until all that is called often has been compiled. */
const WARMING_RUNS = 3

type Took = Readonly<{ node: Cost; workerMs: number | null }>
type Arm = Readonly<{ name: string; run: () => Promise<Took> }>

/** @param reps how often, after some times that do not count */
export async function sessions(say: (text: string) => void, reps: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const slots of SLOTS) rows.push(...(await withSlots(slots, say, reps)))
  return rows
}

async function withSlots(slots: number, say: (text: string) => void, reps: number): Promise<Row[]> {
  const bench = await SessionBench.start(slots)
  try {
    const arms = [bench.module(), await bench.session('node')]
    if (hasPython()) arms.push(await bench.session('python'))
    const took = arms.map((): Took[] => [])
    for (let i = 1; i <= WARMING_RUNS + reps; i++) {
      for (const [n, arm] of arms.entries()) {
        const one = await arm.run()
        if (i > WARMING_RUNS) took[n]!.push(one)
      }
      say(`${slots} slots: run ${i} of ${WARMING_RUNS + reps}`)
    }
    return arms.map(({ name }, n) => rowOf(name, slots, took[n]!, took[0]!))
  } finally {
    await bench.stop()
  }
}

function rowOf(by: string, slots: number, took: readonly Took[], own: readonly Took[]): Row {
  const perTask = (ms: number): number => ms / TASKS
  return {
    by,
    slots,
    tasks: TASKS,
    'node CPU ms/task': figure(took.map(({ node }) => perTask(node.cpuMs))),
    'of the module': figure(took.map(({ node }, i) => node.cpuMs / own[i]!.node.cpuMs)),
    'worker CPU ms/task': took.some(({ workerMs }) => workerMs === null)
      ? null
      : figure(took.map(({ workerMs }) => perTask(workerMs!))),
    'ms/task': figure(took.map(({ node }) => perTask(node.ms)))
  }
}

const fileOf = (name: string): string => fileURLToPath(new URL(`children/${name}`, import.meta.url))
const clients = fileURLToPath(new URL('../../../config/clients/python', import.meta.url))

class SessionBench {
  readonly #folder: string
  readonly #slots: number
  readonly #node: ChildProcess
  readonly #workers: ChildProcess[] = []

  private constructor(folder: string, slots: number, node: ChildProcess) {
    this.#folder = folder
    this.#slots = slots
    this.#node = node
  }

  static async start(slots: number): Promise<SessionBench> {
    const folder = await mkdtemp(join(tmpdir(), 'hearsay-bench-'))
    const options = {
      cluster: 'bench',
      computer: 'bench',
      key: newKey(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      mdns: false,
      concurrency: slots,
      logLevel: 'warn',
      data: folder
    }
    const node = fork(fileOf('node.ts'), [JSON.stringify(options)], { execArgv: [] })
    await once(node, 'message')
    return new SessionBench(folder, slots, node)
  }

  module(): Arm {
    return {
      name: 'a module of the node',
      run: async () => ({ node: await this.#run(MODULE_TYPE), workerMs: null })
    }
  }

  async session(by: 'node' | 'python'): Promise<Arm> {
    const args = [this.#folder, by, String(this.#slots)]
    const worker =
      by === 'node'
        ? spawn(process.execPath, [fileOf('worker.ts'), ...args], { stdio: 'inherit' })
        : spawn('python3', [fileOf('worker.py'), ...args], {
            stdio: 'inherit',
            env: { ...process.env, PYTHONPATH: clients, PYTHONDONTWRITEBYTECODE: '1' }
          })
    this.#workers.push(worker)
    await this.ask({ kind: 'await', type: by })
    return {
      name: `a session, worker in ${by === 'node' ? 'Node' : 'Python'}`,
      run: async () => {
        const before = await usageOf(worker.pid!)
        const node = await this.#run(by)
        const after = await usageOf(worker.pid!)
        return { node, workerMs: after.cpuMs - before.cpuMs }
      }
    }
  }

  async ask(order: Order): Promise<Reply> {
    const answered = once(this.#node, 'message') as Promise<[{ value: Reply }]>
    this.#node.send(order)
    return (await answered)[0].value
  }

  async stop(): Promise<void> {
    for (const worker of this.#workers) worker.kill('SIGKILL')
    await this.ask({ kind: 'leave' })
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #run(type: string): Promise<Cost> {
    return (await this.ask({ kind: 'run', type, tasks: TASKS })) as Cost
  }
}
