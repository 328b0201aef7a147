/** Every reason for which a task may not run yet, brought about in cores that are driven by hand: what each node says. */
import { describe, expect, test } from 'vitest'
import { cluster, passing } from '../../support/crashes.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, idOf, keepersOf, taskOf } from '../../support/tasks.ts'
import { holdersOf } from '../../../src/core/blobs/holders.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { Queries, type QueriesParts } from '../../../src/node/queries/queries.ts'
import type { Transport } from '../../../src/ports/ports.ts'
import type { WhyView } from '../../../src/node/api/node-api.ts'
import { reasonOf } from '../../../src/node/queries/why.ts'

const backoff = { delayMs: 5000, factor: 2, maxDelayMs: 5000, jitter: 0 }
const zoneX = { require: [{ label: 'zone', anyOf: ['x'] }], prefer: [] }

/** What `why` says at a node. */
function why(pump: Pump, node: PumpNode, id: string): WhyView {
  const transport = { peers: () => [] } as unknown as Transport
  const clock = { now: () => pump.now, aheadMs: () => 0, every: () => () => {} }
  const queries = new Queries({
    core: node.core.view,
    ports: { transport, clock },
    progress: { of: () => null }
  } as unknown as QueriesParts)
  expect(queries.task(id).reason).toBe(queries.why(id).reason)
  return queries.why(id)
}

/** The reason for each node, by the node's name. */
const perNode = ({ nodes }: WhyView): Record<string, string> =>
  Object.fromEntries(nodes.map(({ node, reason }) => [node.split('/')[1], reason]))

/** Two nodes that know each other, neither of which can run anything. */
function pair(): { pump: Pump; a: PumpNode; b: PumpNode } {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  pump.pass(1000)
  return { pump, a, b }
}

type Given = Readonly<{ pump: Pump; a: PumpNode; b: PumpNode; id: string }>

/** Reason -> how it comes about, the state that the task is in, and words of it. */
const COMMON: Readonly<Record<string, [() => Given, string, RegExp]>> = {
  DependencyOpen: [
    () => {
      const nodes = pair()
      nodes.a.worker(1)
      const dependsOn = [idOf(bootOf('z'), 1), idOf(bootOf('z'), 2)]
      return { ...nodes, id: nodes.a.submit({ dependsOn }) }
    },
    'waiting',
    /it waits for [0-9a-f-]{36} and 1 more; of the first, nothing is known here$/
  ],
  NotBefore: [
    () => {
      const nodes = pair()
      nodes.a.worker(1)
      return { ...nodes, id: nodes.a.submit({ notBefore: nodes.pump.now + 60_000 }) }
    },
    'delayed',
    /not to start before 1970-01-01T00:17/
  ],
  Backoff: [
    () => {
      const nodes = pair()
      nodes.a.worker(1)
      const id = nodes.a.submit({ maxRetries: 1, backoff })
      nodes.pump.settle()
      nodes.a.fail(id)
      return { ...nodes, id }
    },
    'delayed',
    /attempt 2 follows at 1970/
  ],
  RetryAfter: [
    () => {
      const nodes = pair()
      nodes.a.worker(1)
      const id = nodes.a.submit()
      nodes.pump.settle()
      const error = { name: 'RetryAfterError', message: 'later', stack: null }
      const run = { status: 'failed', reason: 'HandlerError', retryAfterMs: 9000, error } as const
      nodes.a.end(id, run)
      return { ...nodes, id }
    },
    'delayed',
    /asked to be called again at 1970/
  ]
}

describe.each(Object.entries(COMMON))('%s', (reason, [bring, state, words]) => {
  test('is the reason on all nodes, for all nodes that could run it', () => {
    const { pump, a, b, id } = bring()
    pump.settle()
    for (const node of [a, b]) {
      const said = why(pump, node, id)
      expect(said).toMatchObject({ state, reason })
      expect(said.words).toMatch(words)
      expect(perNode(said)).toEqual({ a: reason, b: 'NoHandler' })
    }
  })
})

describe('NoHandler', () => {
  test('where no node has one, or nobody works', () => {
    const { pump, a, b } = pair()
    const id = a.submit()
    pump.settle()
    expect(why(pump, b, id)).toMatchObject({ state: 'queued', reason: 'NoHandler' })
    a.worker(1, ['other'])
    const said = why(pump, b, id)
    expect(said.words).toBe('no node has a handler for work')
    expect(said.nodes.map(({ words }) => words)).toEqual([
      'it has no handler for work',
      'it runs no tasks'
    ])
  })
})

describe('LabelsUnmatched', () => {
  test('where those with a handler lack the labels, each for itself', () => {
    const { pump, a, b } = pair()
    a.worker(1)
    b.feed({ kind: 'labels', labels: { zone: 'x' } })
    b.worker(1, ['other'])
    const id = b.submit({ labels: zoneX })
    pump.settle()
    const said = why(pump, a, id)
    expect(said).toMatchObject({ state: 'queued', reason: 'LabelsUnmatched' })
    expect(perNode(said)).toEqual({ a: 'LabelsUnmatched', b: 'NoHandler' })
    expect(said.nodes[0]!.words).toBe('its label zone is not there, and zone = x is required')
    a.feed({ kind: 'labels', labels: { zone: 'y' } })
    expect(why(pump, a, id).nodes[0]!.words).toBe('its label zone is y, and zone = x is required')
  })
})

describe('SlotsBusy', () => {
  test('where whoever could run it runs something else', () => {
    const { pump, a, b } = pair()
    a.worker(2)
    for (let i = 0; i < 2; i++) a.submit()
    const id = a.submit()
    pump.pass(1000)
    for (const node of [a, b]) {
      const said = why(pump, node, id)
      expect(said).toMatchObject({ state: 'queued', reason: 'SlotsBusy' })
      expect(said.nodes[0]!.words).toBe('2 of its 2 slots are taken')
      expect(perNode(said)).toEqual({ a: 'SlotsBusy', b: 'NoHandler' })
    }
  })
})

describe('HolderDraining', () => {
  test('while its holder has nobody to hand it on to', () => {
    const { pump, a, b } = pair()
    a.worker(1)
    pump.link(a, b, false)
    a.submit()
    const id = a.submit()
    a.feed({ kind: 'drain', node: a.id })
    pump.settle()
    const said = why(pump, a, id)
    expect(said).toMatchObject({ state: 'queued', reason: 'HolderDraining' })
    expect(said.words).toBe('test/a drains: it hands on what it holds')
    expect(perNode(said)).toEqual({ a: 'HolderDraining', b: 'NoHandler' })
  })
})

describe('ClaimSettling', () => {
  test('at the node that has taken a task over, until all have confirmed', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    const ids = Array.from({ length: 10 }, () => a.submit())
    pump.settle()
    c.holdDisk = true
    pump.crash(a)
    pump.settle()
    const id = ids.find(each => b.record(each).claim.holder === b.boot)!
    b.worker(1)
    expect(b.running.size).toBe(0)
    const said = why(pump, b, id)
    expect(said).toMatchObject({ state: 'queued', reason: 'ClaimSettling' })
    expect(perNode(said)).toEqual({ b: 'ClaimSettling', c: 'NoHandler' })
    c.releaseDisk()
    pump.settle()
    expect(b.running.size).toBe(1)
  })

  test('as long as its holder is gone and nobody has taken it over', () => {
    const pump = cluster(3)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    const id = a.submit()
    pump.settle()
    pump.probing = false
    pump.crash(a)
    pump.settle()
    expect(why(pump, b, id)).toMatchObject({ state: 'queued', reason: 'ClaimSettling' })
  })
})

describe('NoQuorum', () => {
  test('where its holder is silent, and too few others are seen to take it over', () => {
    const pump = cluster(3)
    const [a, b, c] = pump.of as [PumpNode, PumpNode, PumpNode]
    c.worker(1)
    const id = a.submit({ type: 'other' })
    pump.settle()
    pump.probing = false
    for (const other of [a, b]) pump.link(c, other, false)
    passing(pump, 10_000)
    const said = why(pump, c, id)
    expect(said).toMatchObject({ state: 'queued', reason: 'NoQuorum' })
    expect(said.words).toContain('test/a holds it and cannot be reached')
    expect(perNode(said)).toEqual({ c: 'NoHandler' })
    for (const other of [a, b]) pump.link(c, other)
    passing(pump, 1000)
    expect(why(pump, c, id).reason).toBe('NoHandler')
  })
})

describe('a node that begins nothing', () => {
  test('because its disk cannot be written to says so', () => {
    const { pump, a } = pair()
    a.worker(1)
    a.feed({ kind: 'disk', works: false })
    const id = a.submit()
    pump.settle()
    const said = why(pump, a, id)
    expect(said).toMatchObject({ state: 'queued', reason: 'DiskFull' })
    expect(said.words).toMatch(/test\/a holds it, and neither .* its disk can be written to again/)
    expect(said.nodes[0]!.words).toBe(said.words)
    a.feed({ kind: 'disk', works: true })
    pump.settle()
    expect(why(pump, a, id).state).toBe('running')
  })

  test('says why to the others too, which tell it of what it holds and of what it could run', () => {
    const { pump, a, b } = pair()
    const id = a.submit()
    pump.settle()
    a.feed({ kind: 'disk', works: false })
    a.worker(1)
    pump.pass(3000)
    const said = why(pump, b, id)
    expect(said).toMatchObject({ state: 'queued', reason: 'DiskFull' })
    expect(said.words).toMatch(/^test\/a holds it, and neither .* its disk can be written to again/)
    const own = b.submit()
    pump.settle()
    expect(why(pump, b, own)).toMatchObject({ reason: 'DiskFull' })
    expect(why(pump, b, own).nodes[0]).toMatchObject({ node: 'test/a', reason: 'DiskFull' })
    a.feed({ kind: 'disk', works: true })
    pump.pass(3000)
    expect(why(pump, b, id).state).toBe('running')
  })

  test('because it is cut off says so to whoever is cut off with it', () => {
    const pump = pumpOf(
      ['a', 'b', 'c', 'd', 'e'].map(name => bootOf(name)),
      { stopAfterIsolatedMs: 10_000 }
    )
    const [a, b, ...others] = pump.nodes as [PumpNode, PumpNode, ...PumpNode[]]
    for (let i = 0; i < 3; i++) pump.pass(1000)
    a.worker(1)
    a.submit()
    const id = a.submit()
    pump.settle()
    pump.probing = false
    for (const here of [a, b]) for (const other of others) pump.link(here, other, false)
    passing(pump, 15_000)
    expect(why(pump, b, id)).toMatchObject({ state: 'queued', reason: 'Isolated' })
    expect(why(pump, b, id).words).toMatch(/^test\/a holds it/)
  })

  test('because it is cut off says so, of what is queued and of what it ran', () => {
    const pump = pumpOf(
      ['a', 'b', 'c'].map(name => bootOf(name)),
      { stopAfterIsolatedMs: 10_000 }
    )
    const [a, b, c] = pump.nodes as [PumpNode, PumpNode, PumpNode]
    for (let i = 0; i < 3; i++) pump.pass(1000)
    a.worker(1)
    const [ran, queued] = [a.submit(), a.submit()]
    pump.settle()
    pump.probing = false
    for (const other of [b, c]) pump.link(a, other, false)
    passing(pump, 12_000)
    const said = why(pump, a, queued)
    expect(said).toMatchObject({ state: 'queued', reason: 'Isolated' })
    expect(said.words).toMatch(/neither starts nor hands on anything before it sees more/)
    expect(why(pump, a, ran).words).toMatch(/has ended its run, and takes it up again/)
  })
})

test('a run that is to be cancelled, and has not heard of it, is said to be so', () => {
  const { pump, a, b } = pair()
  a.worker(1)
  const id = a.submit()
  pump.settle()
  expect(why(pump, b, id).words).toBe('it runs on test/a')
  pump.lose = () => true
  b.feed({ kind: 'cancel', taskId: id })
  pump.settle()
  const words = 'it runs on test/a, which has not heard yet that it is cancelled'
  expect(why(pump, b, id).words).toBe(words)
})

describe('PayloadUnavailable', () => {
  test('at the node that would run it, while nobody can send what it reads', () => {
    const pump = cluster(5)
    const [a] = pump.of as [PumpNode]
    const blob = blobFor(pump.of.slice(1))
    a.submitBlob(blob, 0)
    passing(pump, CORE_DEFAULTS.blobSpareMs + 10_000)
    expect(a.has(blob)).toBe(false)
    const [record] = [...a.core.view.records()]
    const { id } = record!.spec
    pump.probing = false
    for (const other of pump.of) if (other !== a) pump.link(a, other, false)
    a.worker(1)
    const said = why(pump, a, id)
    expect(said).toMatchObject({ state: 'queued', reason: 'PayloadUnavailable' })
    expect(said.words).toBe('test/a would run it, and nobody can send what it reads')
  })

  test('while what it reads is on its way there', () => {
    const record = taskOf(bootOf('a'), 1)
    const pending = { kind: 'stage', taskId: record.spec.id } as const
    const until = { on: 'blobs', hashes: ['b'], retryAt: null } as const
    const said = reasonOf({
      record,
      open: [],
      isOpenKnown: true,
      readiness: 'PayloadUnavailable',
      broken: undefined,
      pending: [{ pending, until }],
      missing: [],
      holder: { name: 'test/a', isAlive: true, draining: false },
      seesMajority: true,
      workers: []
    })
    const words = 'what it reads is on its way to test/a, which runs it then'
    expect(said).toEqual({ reason: 'PayloadUnavailable', words })
  })
})

describe('StartUnconfirmed', () => {
  test('where another node has to know of the start first, with who is waited for', () => {
    const pump = cluster(2)
    const [a, b] = pump.of as [PumpNode, PumpNode]
    a.worker(1)
    b.holdDisk = true
    const id = a.submit({ delivery: 'at-most-once' })
    pump.settle()
    const begun = why(pump, a, id)
    expect(begun).toMatchObject({ state: 'queued', reason: 'StartUnconfirmed' })
    expect(begun.words).toMatch(/another node knows of the start, and none has confirmed it yet$/)
    pump.crash(b)
    passing(pump, 2000)
    for (const each of [id, a.submit({ delivery: 'at-most-once' })]) {
      const said = why(pump, a, each)
      expect(said).toMatchObject({ state: 'queued', reason: 'StartUnconfirmed' })
      expect(said.words).toMatch(/none is connected: test\/b; .* "hearsay forget"$/)
      expect(perNode(said)).toEqual({ a: 'StartUnconfirmed' })
    }
    const plain = a.submit()
    pump.settle()
    expect(why(pump, a, plain).words).toBe('it runs on test/a')
  })
})

/** A blob whose keepers are among these. */
function blobFor(keepers: readonly PumpNode[]): { hash: string; bytes: number } {
  const nodes = ['a', ...keepers.map(({ id }) => id)]
  for (let i = 0; ; i++) {
    const hash = i.toString(16).padStart(64, '0')
    if (!holdersOf(hash, keepersOf(nodes)).includes('a')) return { hash, bytes: 20_000 }
  }
}
