/**
 * hearsay as a program uses it: the built product, six nodes with one slot each, and a seventh that submits and runs
 * nothing. They are on 127.0.0.1, by name on four computers, each with a data folder on a real disk.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newKey } from '../../../src/key.ts'
import type { NodeOptions } from '../../../src/node-options.ts'
import { Child } from './child.ts'
import { Stage, WORKERS, type System } from './system.ts'

type Form = Readonly<{ modules: boolean; submitterWorks: boolean; slots: number }>

const product = new URL('../../../dist/index.js', import.meta.url).href
const handlers = fileURLToPath(new URL('children/handler.js', import.meta.url))
const COMPUTERS = ['computer-a', 'computer-b', 'computer-c']

/** Handlers are functions, on the thread of the node. */
export const functions: System = systemOf('functions', {
  modules: false,
  submitterWorks: false,
  slots: 1
})
/** Handlers are modules, in worker threads. */
export const modules: System = systemOf('modules', {
  modules: true,
  submitterWorks: false,
  slots: 1
})
/** Six nodes in all with four slots each: the submitter is one of them, and runs what it submits as far as it can. */
export const submitterWorks: System = systemOf('the submitter runs them', {
  modules: false,
  submitterWorks: true,
  slots: 4
})

function systemOf(name: string, form: Form): System {
  return { name, start: (workers = WORKERS) => start(form, workers) }
}

async function start(form: Form, nodes: number): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-bench-'))
  const common: NodeOptions = {
    cluster: 'bench',
    key: newKey(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: false,
    concurrency: form.slots,
    logLevel: 'warn'
  }
  const workers: Child[] = []
  const add = (peers: readonly string[]): Child => {
    const instance = workers.length + 1
    const computer = COMPUTERS[Math.floor(workers.length / 2) % COMPUTERS.length]!
    const options = { ...common, computer, instance, peers, data: join(folder, String(instance)) }
    const child = new Child('hearsay-worker.js', {
      product,
      handlers: form.modules ? handlers : null,
      options
    })
    workers.push(child)
    return child
  }
  const others = form.submitterWorks ? nodes - 1 : nodes
  const clean = (): Promise<void> => rm(folder, { recursive: true, force: true })
  let peers: string[] = []
  const submitter = (): Child => {
    const data = join(folder, 'submitter')
    const options = { ...common, computer: 'computer-d', peers, data }
    return new Child('hearsay-submitter.ts', {
      product,
      options,
      others,
      works: form.submitterWorks
    })
  }
  const stage = new Stage({ workers, broker: null, submitter, clean })
  try {
    peers = (await add([]).ready) as string[]
    while (workers.length < others) add(peers)
    await Promise.all(workers.map(({ ready }) => ready))
    return stage
  } catch (error) {
    await stage.stop()
    throw error
  }
}
