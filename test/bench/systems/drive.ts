/**
 * What a submitter does when it is told, whatever the system is: it submits, waits, and looks at the clock. It runs in the
 * process that submits, so that no word to another process is in what it measures.
 */
import { serve } from './children/serve.js'
import type { Many, Order, Ran, Sequence, Task } from './order.ts'

/** A system, as its users see it. */
export type Client = Readonly<{
  /** Resolves with the result of one task. */
  run: (task: Task) => Promise<Ran>
  /** Submits all of them, tells each result once, and resolves after the last one. */
  runAll: (tasks: readonly Task[], onRan: (ran: Ran) => void) => Promise<unknown>
  leave: () => Promise<unknown>
}>

const TEXT = 'x'.repeat(100)

let tasksMade = 0

/** Answers from here on. */
export function drive(client: Client): void {
  const order = async (given: Order): Promise<unknown> => {
    if (given.kind === 'sequence') return sequence(client, given.count)
    if (given.kind === 'many') return many(client, given.lengthsMs, given.tellAt)
    throw new Error(`a submitter does not know what "${given.kind}" is`)
  }
  serve(null, { leave: client.leave, order })
}

function made(ms: number): Task {
  tasksMade++
  return { id: tasksMade, ms, text: TEXT }
}

async function sequence(client: Client, count: number): Promise<Sequence> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now()
    await client.run(made(0))
    times.push(performance.now() - startedAt)
  }
  return { sortedMs: times.sort((x, y) => x - y) }
}

async function many(
  client: Client,
  lengthsMs: readonly number[],
  tellAt: number | null
): Promise<Many> {
  const tasks = lengthsMs.map(made)
  const ran = new Map<number, number>()
  const startedAt = performance.now()
  await client.runAll(tasks, ({ id, ranMs }) => {
    ran.set(id, ranMs)
    if (ran.size === tellAt) process.send?.({ reached: ran.size })
  })
  const ms = performance.now() - startedAt
  return {
    ms,
    ranMs: tasks.map(({ id }) => {
      const one = ran.get(id)
      if (one === undefined) throw new Error(`task ${id} has no result`)
      return one
    })
  }
}
