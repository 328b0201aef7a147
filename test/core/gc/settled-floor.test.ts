/** How many settled tasks are kept, which go first, and what may still depend on them. */
import { expect, test } from 'vitest'
import '../forbid.ts'
import { Disk } from '../../../src/sim/world/disk.ts'
import type { Heartbeat, Message } from '../../../src/core/message.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf } from '../../support/tasks.ts'

const AGE_MS = 60_000
const PRESSED_MS = 5000
const few = { settledMax: 4 }

function passing(pump: Pump, ms: number): void {
  for (let passed = 0; passed < ms; passed += 500) pump.pass(500)
}

/** Some tasks, one after the other, completed by the first node. */
function completed(pump: Pump, count: number): string[] {
  const [a] = pump.nodes as [PumpNode]
  a.worker(1)
  return Array.from({ length: count }, () => {
    const id = a.submit()
    pump.settle()
    a.end(id)
    passing(pump, 500)
    return id
  })
}

function kept(node: PumpNode): string[] {
  return [...node.core.view.records()].map(({ spec }) => spec.id)
}

test('the oldest go everywhere, and not before they are a minute old', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')], few)
  passing(pump, 2000)
  const ids = completed(pump, 6)
  passing(pump, AGE_MS - 10_000)
  for (const node of pump.nodes) expect(kept(node)).toHaveLength(6)
  passing(pump, 20_000)
  for (const node of pump.nodes) expect(kept(node)).toEqual(ids.slice(2))
})

test('where there are far too many they go sooner, and everybody is told how many there are', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')], few)
  passing(pump, 2000)
  const ids = completed(pump, 9)
  passing(pump, 500)
  for (const { core } of pump.nodes) expect(core.view.isFull).toBe(true)
  passing(pump, PRESSED_MS + 5000)
  for (const node of pump.nodes) expect(kept(node)).toEqual(ids.slice(-4))
  passing(pump, 2000)
  for (const { core } of pump.nodes) expect(core.view.isFull).toBe(false)
})

test('the least that a member says counts for all', () => {
  const pump = pumpOf([bootOf('a')], few)
  const b = pump.add(bootOf('b'), { settledMax: 2 })
  for (const node of pump.nodes) if (node !== b) pump.link(node, b, true)
  passing(pump, 2000)
  const ids = completed(pump, 5)
  passing(pump, AGE_MS + 10_000)
  for (const node of pump.nodes) expect(kept(node)).toEqual(ids.slice(-2))
})

test('who is away keeps all there is, and holds nobody back', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b'), bootOf('c')], few)
  passing(pump, 2000)
  const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
  pump.probing = false
  pump.link(a, c, false)
  pump.link(b, c, false)
  completed(pump, 9)
  passing(pump, AGE_MS + 10_000)
  for (const node of [a, b]) {
    expect(kept(node)).toHaveLength(9)
    expect(node.core.view.isFull).toBe(false)
  }
})

test('a submission below the floor is refused by name; above it what it depends on stays', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')], few)
  passing(pump, 2000)
  const [a] = pump.nodes as [PumpNode]
  const ids = completed(pump, 6)
  passing(pump, AGE_MS + 10_000)
  expect(() => a.submit({ dependsOn: [ids[0]!] })).toThrow('undefined')
  expect(a.of('refused').at(-1)).toMatchObject({ dependency: ids[0] })
  const notBefore = pump.now + 10 * AGE_MS
  const needs = a.submit({ dependsOn: [ids[2]!], notBefore })
  const more = completed(pump, 6)
  passing(pump, AGE_MS + 10_000)
  for (const node of pump.nodes) {
    expect(kept(node)).toEqual([ids[2], needs, ...more.slice(-4)])
    expect(node.state(needs)).toBe('delayed')
  }
})

test('a node that comes back follows the floor of the others, and keeps its own on disk', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')], few)
  passing(pump, 2000)
  completed(pump, 6)
  passing(pump, AGE_MS + 10_000)
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  expect(b.disk.floor).toBe(a.disk.floor)
  expect(a.disk.floor).toBeGreaterThan(0)
  const newcomer = pump.add(bootOf('c'), few, new Disk())
  for (const node of [a, b]) pump.link(node, newcomer, true)
  passing(pump, 5000)
  expect(newcomer.disk.floor).toBe(a.disk.floor)
})

/** A member of a version that says nothing of floors. */
function older(message: Message): Message {
  if (message.kind !== 'heartbeat') return message
  const said: Heartbeat = { ...message, floor: null, settledMax: 10_000, settledKept: 0 }
  return said
}

test('a member of the version before is not waited for', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')], few)
  pump.read = (to, message) =>
    to === 'a' && message.kind === 'heartbeat' && message.boot.startsWith('b')
      ? older(message)
      : message
  passing(pump, 2000)
  const ids = completed(pump, 6)
  passing(pump, AGE_MS + 10_000)
  expect(kept(pump.nodes[0]!)).toEqual(ids.slice(2))
})

test('an outcome that comes with a task counts where it is forgotten', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  passing(pump, 2000)
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  const first = a.submit({ retentionMs: 10_000 })
  a.worker(1)
  pump.settle()
  a.end(first)
  passing(pump, 2000)
  // The other one has forgotten it before it hears of what depends on it.
  pump.lose = (from, _to, { kind }) => from === 'a' && kind !== 'ack' && kind !== 'heartbeat'
  pump.mute.add('a')
  a.worker(0)
  const second = a.submit({ dependsOn: [first] })
  passing(pump, 11_000)
  expect(a.core.view.record(first)).toBeDefined()
  expect(b.core.view.record(first)).toBeUndefined()
  pump.lose = () => false
  pump.mute.clear()
  b.worker(1)
  passing(pump, 4000)
  expect(b.state(second)).toBe('running')
  expect(b.running.get(second)!.dependencies.get(first)).toBe('"done"')
})
