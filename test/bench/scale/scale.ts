/**
 * What becomes of a task's cost as a cluster grows, in virtual time: messages, bytes, merges and flushes for whoever has
 * submitted it, whoever runs it, and everybody else, with tasks that come one by one and with all of them at once.
 *
 * A task costs everybody else something because all keep a replica. That is to be less the more there is to do, and no
 * more on a large cluster than on a small one. What does grow is shown by kind of message: whoever tells everybody sends
 * as many messages as there are others, and each heartbeat has an entry for every boot.
 *
 * The figures are exact, and the same on every computer. The messages are what the codec makes of them; what a transport
 * adds to each (a frame, encryption, a system call at each end) is not in there.
 */
import type { Arrival } from '../../../src/sim/scenario.ts'
import type { Message } from '../../../src/core/message.ts'
import type { KindCost } from '../../../src/sim/costs.ts'
import type { Row } from '../figures.ts'
import { measure, type Measured } from './virtual-cluster.ts'

/** Nodes, and as many tasks as one core gets through in less than a minute. Measured: 160 to 180 s for all. */
const SIZES: readonly (readonly [number, number])[] = [
  [3, 10_000],
  [6, 10_000],
  [12, 10_000],
  [25, 2000],
  [50, 1000],
  [100, 500]
]
const ARRIVALS: readonly Arrival[] = ['one-by-one', 'at-once']
/** Kinds that are told as time passes, whether there are tasks or not. */
const TIMED: ReadonlySet<string> = new Set<Message['kind']>(['heartbeat', 'counts'])
const ROLES = ['submitter', 'runner', 'bystander'] as const

type Figures = Readonly<{
  messagesIn: number
  messagesOut: number
  bytesIn: number
  bytesOut: number
  merges?: number
  flushes?: number
  knownMs?: number
  ofTheFloor?: number
}>

export const inVirtualTime =
  'in virtual time: 1 ms a message, 0 to 4 ms a sync, tasks of 0 to 100 ms, each node on a computer of its own'

export async function scale(say: (text: string) => void): Promise<Row[]> {
  const rows: Row[] = []
  for (const arrival of ARRIVALS) {
    for (const [nodes, tasks] of SIZES) {
      const startedAt = performance.now()
      const measured = measure(arrival, nodes, tasks)
      rows.push(...rowsOf(measured))
      const seconds = (performance.now() - startedAt) / 1000
      say(`${tasks} tasks ${arrival} on ${nodes} nodes: took ${seconds.toFixed(0)} s`)
    }
  }
  return rows
}

/** One row for the whole, one for each role, and one for each kind of message. */
function rowsOf({ arrival, nodes, tasks, costs, elapsedMs, knownMs, ofTheFloor }: Measured): Row[] {
  const row = (of: string, figures: Figures): Row => ({
    arrival,
    nodes,
    tasks,
    of,
    'messages in': figures.messagesIn,
    'messages out': figures.messagesOut,
    'bytes in': figures.bytesIn,
    'bytes out': figures.bytesOut,
    merges: figures.merges ?? null,
    flushes: figures.flushes ?? null,
    'known to all ms': figures.knownMs ?? null,
    'of the floor': figures.ofTheFloor ?? null
  })
  const kinds = [...costs.kinds()]
  const sum = (pick: keyof KindCost): number =>
    kinds.reduce((all, [, cost]) => all + cost[pick], 0) / tasks
  const roles = ROLES.map(role => [role, costs.mean(role, nodes)] as const)
  return [
    row('a task, all nodes', {
      ...both(sum('messages'), sum('bytes')),
      flushes: costs.flushes / tasks,
      knownMs,
      ofTheFloor
    }),
    ...roles.map(([role, { sent, received, bytesSent, bytesReceived, merges, flushes }]) =>
      row(`a task, ${role === 'bystander' ? 'a bystander' : `its ${role}`}`, {
        messagesIn: received,
        messagesOut: sent,
        bytesIn: bytesReceived,
        bytesOut: bytesSent,
        merges,
        flushes
      })
    ),
    ...kinds.map(([kind, { messages, bytes }]) => {
      const isTimed = TIMED.has(kind)
      const count = nodes * (isTimed ? elapsedMs / 1000 : tasks)
      const per = `a ${isTimed ? 'second' : 'task'} and node, ${kind}`
      return row(per, both(messages / count, bytes / count))
    })
  ]
}

/** What comes in at all nodes together goes out there. */
function both(messages: number, bytes: number): Figures {
  return { messagesIn: messages, messagesOut: messages, bytesIn: bytes, bytesOut: bytes }
}
