/** What the simulator counts of what tasks cost, and what that says of the protocol. */
import { describe, expect, test } from 'vitest'
import '../core/forbid.ts'
import { bootId } from '../../src/core/base/ids.ts'
import type { Batch, Message } from '../../src/core/message.ts'
import { Costs, type Role } from '../../src/sim/costs.ts'
import { SimNode } from '../../src/sim/world/sim-node.ts'
import { Disk } from '../../src/sim/world/disk.ts'
import { EventQueue } from '../../src/sim/world/event-queue.ts'
import { Network } from '../../src/sim/world/network.ts'
import { Random } from '../../src/sim/world/random.ts'
import { SCENARIO_DEFAULTS } from '../../src/sim/scenario.ts'
import { measure, type Measured } from '../bench/scale/virtual-cluster.ts'
import { bootOf, DRAFT, taskOf } from '../support/tasks.ts'

const A = bootOf('a')
const BATCH: Batch = {
  kind: 'batch',
  origin: A,
  after: 0,
  records: [taskOf(A, 1), taskOf(A, 2)],
  writes: [0, 1]
}

/** A node that nobody is linked to. */
function alone(id: string): SimNode {
  const eventQueue = new EventQueue()
  const random = new Random(1)
  const network = new Network(eventQueue, random, SCENARIO_DEFAULTS.network)
  const options = {
    boot: bootId(id, 1, 1),
    name: `test/${id}`,
    slots: 0,
    handlers: [],
    labels: {},
    disk: new Disk(),
    skewMs: 0,
    version: '0.0.0',
    read: null
  }
  const world = { eventQueue, random, network, scenario: SCENARIO_DEFAULTS }
  return new SimNode(options, world, { stepped: () => {}, ran: () => {}, isAlive: () => true })
}

/** Counts, from now on. */
function begun(): Costs {
  const costs = new Costs()
  const submit = { kind: 'submit', request: 1, id: null, draft: DRAFT, acks: null } as const
  costs.stepped(alone('s'), submit, [])
  return costs
}

/** A node hears of it twice. */
function heardTwice(costs: Costs, message: Message): void {
  const node = alone('b')
  for (let i = 0; i < 2; i++) {
    node.feed({ kind: 'message', from: 'a', message })
    costs.stepped(node, { kind: 'message', from: 'a', message }, [])
  }
}

describe('counted is', () => {
  test('a message at both of its ends, for each of the tasks that it tells of its share', () => {
    const costs = begun()
    costs.delivered('a', 'b', BATCH, 100, 'to all')
    costs.delivered('a', 'c', BATCH, 100, 'to all')
    expect(costs.kinds()).toEqual(new Map([['batch, to all', { messages: 2, bytes: 200 }]]))
    expect(costs.mean('submitter', 3)).toMatchObject({ sent: 1, bytesSent: 100, received: 0 })
    expect(costs.mean('bystander', 3)).toMatchObject({ received: 0.5, bytesReceived: 50, sent: 0 })
  })

  test('by its kind alone what tells of no task', () => {
    const costs = begun()
    costs.delivered('b', 'a', { kind: 'ack', boot: bootOf('b'), vector: new Map() }, 10, 'straight')
    expect(costs.kinds()).toEqual(new Map([['ack', { messages: 1, bytes: 10 }]]))
    expect(costs.tasks).toBe(0)
  })

  test('a merge of what a replica takes in, and none of what it has', () => {
    const costs = begun()
    heardTwice(costs, BATCH)
    expect(costs.mean('bystander', 2).merges).toBe(1)
  })

  test('no merge of what connects to nothing', () => {
    const costs = begun()
    heardTwice(costs, { ...BATCH, after: 7 })
    expect(costs.mean('bystander', 2).merges).toBe(0)
  })

  test('nothing before the first submission', () => {
    const costs = new Costs()
    costs.delivered('a', 'b', BATCH, 100, 'to all')
    expect(costs.kinds().size).toBe(0)
  })
})

/** Messages of a task that come to a node of this role, and their bytes. */
function received(role: Role, { costs, nodes }: Measured): { messages: number; bytes: number } {
  const mean = costs.mean(role, nodes)
  return { messages: mean.received, bytes: mean.bytesReceived }
}

describe('a task costs', () => {
  const [light, heavy] = [measure('one-by-one', 6, 60), measure('at-once', 6, 600)]
  const large = measure('one-by-one', 24, 60)

  test('a bystander less, the more there is to do', () => {
    const [few, many] = [received('bystander', light), received('bystander', heavy)]
    expect(many.messages).toBeLessThan(few.messages / 2)
    expect(many.bytes).toBeLessThan(few.bytes)
    const flushes = [light, heavy].map(({ costs }) => costs.mean('bystander', 6).flushes)
    expect(flushes[1]).toBeLessThan(flushes[0]! / 2)
  })

  test.each(['submitter', 'runner', 'bystander'] as const)(
    'a %s no more to hear of on a larger cluster',
    role => {
      const [on6, on24] = [received(role, light), received(role, large)]
      expect(on24.bytes).toBeLessThan(on6.bytes * 1.25)
      if (role !== 'bystander') expect(on24.messages).toBeLessThan(on6.messages * 1.25)
    }
  )

  test('a bystander two messages at most, one of its submitter and one of its runner', () => {
    for (const measured of [light, heavy, large]) {
      expect(received('bystander', measured).messages).toBeLessThanOrEqual(2)
    }
  })

  test('nothing that has an entry for every node; a heartbeat has', () => {
    const each = ({ costs }: Measured, kind: string): number => {
      const { messages, bytes } = costs.kinds().get(kind)!
      return bytes / messages
    }
    expect(each(large, 'heartbeat')).toBeGreaterThan(2 * each(light, 'heartbeat'))
    for (const kind of large.costs.kinds().keys()) {
      if (kind === 'heartbeat' || !light.costs.kinds().has(kind)) continue
      expect(each(large, kind)).toBeLessThan(1.25 * each(light, kind))
    }
  })
})
