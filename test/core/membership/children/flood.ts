/**
 * Floods one core with what a member can invent, in a process of its own: members, boots, offers, counts, vectors, questions.
 * Argument: how many of each. Prints how many MB of heap are left of it, and what is on its disk.
 */
import { bootId } from '../../../../src/core/base/ids.ts'
import { Core } from '../../../../src/core/core.ts'
import type { Input } from '../../../../src/core/input.ts'
import type { Message } from '../../../../src/core/message.ts'
import { Disk } from '../../../../src/sim/world/disk.ts'
import { bootOf, heartbeatOf, taskOf } from '../../../support/tasks.ts'

const count = Number(process.argv[2])
const core = new Core({ boot: bootOf('a'), name: 'test/a', version: '0', labels: {} })
const disk = new Disk()
let now = 1_000_000

function feed(input: Input): void {
  for (const effect of core.step(now, input)) {
    if (effect.kind !== 'persist') continue
    disk.write(effect.flush)
    feed({ kind: 'persisted', flush: effect.flush.flush })
  }
}

const TYPES = Array.from({ length: 10 }, (_, i) => `type-${i}`)

function* invented(i: number): Generator<Message> {
  const boot = bootId(`m${i}`, 1000 + i, 0)
  const text = String(i).padEnd(100, 'x')
  yield heartbeatOf(boot, {
    at: now * 1000,
    name: text,
    handlers: TYPES.map(type => `${type} ${text}`),
    addresses: [text],
    roster: [{ name: `${text}/1`, at: 1, expected: true }],
    departures: [{ boot: bootId(`d${i}`, 1000 + i, 0), at: 1, forgotten: true, upTo: 0 }],
    met: [bootId(`x${i}`, 1000, 0)],
    vector: new Map(TYPES.map(type => [bootId(`${type}${text}`, 1000, 0), 1]))
  })
  yield { kind: 'introduction', heartbeat: heartbeatOf(bootId(`i${i}`, 1000, 0)) }
  yield { kind: 'batch', origin: boot, after: 0, records: [], writes: [] }
  const blobs = TYPES.map((_, j) => ({ hash: `${i * 10 + j}`.padStart(64, '0'), bytes: 100_000 }))
  yield { kind: 'offer', boot: bootOf('b'), blobs }
  const runs = { sumMs: 1, counts: TYPES.map(() => 1) }
  const counts = { completed: 1, failed: 1, cancelled: 1, retried: 1, runs }
  yield { kind: 'counts', boot, sequence: 1, types: TYPES.map(type => ({ type, ...counts })) }
  yield { kind: 'ack', boot: bootOf('b'), vector: new Map([[bootId(text, i + 1, 0), 1]]) }
  yield { kind: 'find', boot: bootOf('b'), ids: [taskOf(boot, 1).spec.id] }
  yield { kind: 'who', boots: [boot] }
  yield { kind: 'forgotten', spans: [{ origin: boot, after: 0, upTo: 9 }], boots: [], more: true }
  yield { kind: 'replaced', boot, why: 'name', addresses: [] }
}

feed({ kind: 'link', peer: 'b', up: true })
feed({ kind: 'message', from: 'b', message: heartbeatOf(bootOf('b')) })
for (let i = 0; i < count; i++) {
  now++
  for (const message of invented(i)) feed({ kind: 'message', from: 'b', message })
  if (i % 500 === 0) feed({ kind: 'tick' })
}
// Twice: what only weak references held is given up after the first.
for (let i = 0; i < 2; i++) globalThis.gc?.()
const heapMb = Math.round(process.memoryUsage().heapUsed / 2 ** 20)
console.log(JSON.stringify({ heapMb, members: disk.members.size, roster: disk.roster.size }))
