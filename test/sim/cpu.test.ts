/** Load in the simulator: where work costs time, nodes are slower, and never wrong. */
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import type * as LatenessRoom from '../../src/core/liveness/lateness.ts'
import { readScenario } from '../../src/sim/scenario-file.ts'
import { EventQueue } from '../../src/sim/world/event-queue.ts'
import { Cpu, CPU_DEFAULTS, type CpuOptions } from '../../src/sim/world/cpu.ts'
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'
import { failureOf } from './support/failure.ts'
import { brokenBy, plant, uproot } from './planting.ts'

afterEach(uproot)

/** Nothing but load happens. */
function loaded(cpu: Partial<CpuOptions>, scenario: Partial<Scenario> = {}): Partial<Scenario> {
  const network = { gossipLoss: 0, gossipRepeat: 0, linkBreak: 0, syncBreak: 0 }
  return {
    nodes: 6,
    crashes: 0,
    leaving: 0,
    late: 0,
    types: ['red'],
    runMsMax: 0,
    busyMs: 20_000,
    retentionMs: 3_600_000,
    ...scenario,
    cpu: { ...CPU_DEFAULTS, ...cpu },
    network: { ...SCENARIO_DEFAULTS.network, ...network }
  }
}

describe('the line in front of a node', () => {
  const heartbeat = { kind: 'message', from: 'n1', message: { kind: 'heartbeat' } } as never
  const steal = { kind: 'message', from: 'n1', message: { kind: 'steal' } } as never

  test('has those in front that say that they live, and ticks', () => {
    const cpu = new Cpu(new EventQueue(), { ...CPU_DEFAULTS, stepMs: 1 }, false)
    for (const input of [steal, heartbeat]) cpu.add(input)
    cpu.add({ kind: 'tick' })
    expect([cpu.next()?.input, cpu.next()?.input.kind]).toEqual([heartbeat, 'tick'])
    expect([cpu.next()?.input, cpu.isEmpty]).toEqual([steal, true])
  })

  test('is in the order in which things came, if nothing jumps it', () => {
    const cpu = new Cpu(new EventQueue(), { ...CPU_DEFAULTS, stepMs: 1, inTurn: true }, false)
    for (const input of [steal, heartbeat]) cpu.add(input)
    expect([cpu.next()?.input, cpu.next()?.input]).toEqual([steal, heartbeat])
  })

  test('makes a tick late by as long as it stood there, and the node says so for a while', () => {
    const eventQueue = new EventQueue()
    const cpu = new Cpu(eventQueue, { ...CPU_DEFAULTS, stepMs: 1 }, false)
    const lagAt = (ms: number, since: number): unknown => {
      eventQueue.after(since - eventQueue.now, () => cpu.add({ kind: 'tick' }))
      eventQueue.after(ms - eventQueue.now, () => {})
      while (eventQueue.runNext(ms));
      return cpu.next()?.input
    }
    expect(lagAt(700, 200)).toEqual({ kind: 'tick', loopLagMs: 500 })
    expect(lagAt(1000, 1000)).toEqual({ kind: 'tick', loopLagMs: 500 })
    expect(lagAt(30_000, 29_990)).toEqual({ kind: 'tick', loopLagMs: 10 })
  })

  test('costs the first node more, for each step, message and task', () => {
    const cpu = new Cpu(
      new EventQueue(),
      { ...CPU_DEFAULTS, stepMs: 1, messageMs: 2, taskMs: 0.5, slowest: 5 },
      true
    )
    const batch = { kind: 'batch', origin: 'n1', after: 0, records: [], writes: [0, 0] }
    const input = { kind: 'message', from: 'n1', message: batch } as never
    expect(cpu.costMs(input, [])).toBe(5 * (1 + 2 + 2 * 0.5))
  })
})

test('where steps take their time, everything settles, and nobody is taken for gone', () => {
  const scenario = loaded({ stepMs: 5, messageMs: 2, burstMs: 5000 }, { tasks: 200 })
  for (let seed = 1; seed <= 2; seed++) expect(failureOf(simulate(seed, scenario))).toBeNull()
})

test('a node that is five times slower is given less to do, and nobody is taken for gone', () => {
  const scenario = loaded({ stepMs: 5, messageMs: 2, slowest: 5, burstMs: 5000 }, { tasks: 200 })
  for (let seed = 1; seed <= 2; seed++) expect(failureOf(simulate(seed, scenario))).toBeNull()
})

/** 2000 tasks within 5 s, a sixth of them at a node that takes in some thirty things a second. */
const overload = await readScenario(
  fileURLToPath(new URL('../../config/sim/overload.json', import.meta.url))
)

/** Nodes that stand still now and then, at last for nine seconds at a time. */
const stalling = loaded(
  { stepMs: 1, messageMs: 1, stallMsMax: 9000 },
  { tasks: 100, busyMs: 60_000 }
)

test('nodes that stand still ever longer say so, and nobody is taken for gone', () => {
  for (let seed = 1; seed <= 2; seed++) expect(failureOf(simulate(seed, stalling))).toBeNull()
})

describe('the simulator reports', () => {
  test('ticks and heartbeats that stand in line behind a burst', async () => {
    const scenario = { ...overload, cpu: { ...overload.cpu, inTurn: true } }
    expect(await brokenBy(scenario, 1, 2)).toMatch(
      /^invariant (23:.* takes sim\/0 for gone|6:.* from n0)/
    )
  })

  test('silence that is not measured against how late a member said it was', async () => {
    plant<typeof LatenessRoom>('../../src/core/liveness/lateness.ts', ({ Lateness }) => ({
      Lateness: class extends Lateness {
        override of(): number {
          return 0
        }
      }
    }))
    expect(await brokenBy(stalling, 4)).toMatch(/^invariant 23:.* takes .* for gone/)
  })
})
