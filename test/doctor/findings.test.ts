/**
 * What is concluded from what was seen, where a network is not needed to see it: identities that are in use
 * twice, a disk that takes nothing.
 */
import type { DiagnosisView } from '../../src/node/api/node-api.ts'
import { expect, test } from 'vitest'
import { findingsOf, type Facts } from '../../src/doctor/findings.ts'
import type { Heard } from '../../src/doctor/hearing.ts'
import { FakeNode } from '../api/fake-node.ts'

const lan = { name: 'lan0', address: '10.77.0.1', cidr: '10.77.0.1/24', internal: false }

function facts(heard: Heard[], node: Facts['node'] = null): Facts {
  const all = [...heard, heardAt('neighbour', '10.77.0.9')]
  const network = { interfaces: [lan], used: lan, deaf: null, heard: all }
  const fingerprints = { test: 'cafe' }
  const linkedBefore = new Set(all.map(({ id }) => id))
  const nothing = { noKey: null, unlinked: [], unanswered: [] }
  return { cluster: 'test', fingerprints, node, network, linkedBefore, ...nothing }
}

function heardAt(id: string, ...hosts: string[]): Heard {
  const announced = hosts.map(host => [`/ip4/${host}/tcp/4001`])
  return { cluster: 'test', fingerprint: 'cafe', id, from: hosts, announced }
}

const codes = (of: Facts): string[] => findingsOf(of).map(({ code }) => code)

test('a computer without a network is told so, unless its nodes hear each other without one', () => {
  const lo = { name: 'lo', address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true }
  const alone = (heard: Heard[]): Facts => ({
    ...facts(heard),
    network: { interfaces: [lo], used: null, deaf: null, heard }
  })
  expect(codes(alone([]))).toEqual(['no-multicast'])
  expect(codes(alone([heardAt('x', '127.0.0.1')]))).toEqual([])
})

test('an identity that is announced from two computers was copied', () => {
  expect(codes(facts([heardAt('x', '10.77.0.2', '10.77.0.3')]))).toEqual(['cloned-identity'])
  expect(codes(facts([heardAt('x', '10.77.0.2', '10.77.0.2')]))).toEqual([])
})

test("this node's identity that is announced from elsewhere was copied", () => {
  const node = new FakeNode()
  expect(codes(facts([heardAt(node.id, '10.77.0.3')], node.diagnosis()))).toEqual([
    'cloned-identity'
  ])
  expect(codes(facts([heardAt(node.id, '10.77.0.1')], node.diagnosis()))).toEqual([])
})

test.each([
  [
    'refused',
    /10\.0\.0\.2:4001.* for 9 s: the connection is refused/,
    /--listen \/ip4\/0\.0\.0\.0\/tcp\/4001/
  ],
  ['silent', /nothing comes back/, /no firewall drops TCP/],
  ['answered', /a program listens there/, /another key or another --cluster/],
  [null, /for 9 s$/, /start this node without it/]
] as const)('an address of --peer that nobody answers at is named: %s', (answer, what, cure) => {
  const address = '/ip4/10.0.0.2/tcp/4001'
  const node = new FakeNode().diagnosis()
  const silent = { ...facts([], node), unanswered: [{ address, silentMs: 9100, answer }] }
  const [found, ...rest] = findingsOf(silent)
  expect(found).toMatchObject({ code: 'peer-unanswered', severity: 'error' })
  expect(found!.what).toMatch(what)
  expect(found!.cure).toMatch(cure)
  expect(rest).toEqual([])
  // It is linked, the other way round.
  const other = { ...node.nodes[0]!, self: false, connected: true, addresses: [`${address}/p2p/x`] }
  expect(codes({ ...silent, node: { ...node, nodes: [...node.nodes, other] } })).toEqual([])
})

test.each([
  [null, null, /has never seen it/],
  ['left', 90_000, /has left/],
  ['crashed', 90_000, /has crashed/],
  ['unreachable', 90_000, /is silent for 90 s/],
  ['unreachable', null, /is not heard since computer-a\/1 was started/]
] as const)('an expected node that is not there is named: %s', (status, heartbeatAgeMs, what) => {
  const node = new FakeNode().diagnosis()
  const other = { ...node.nodes[0]!, name: 'b/2', self: false, connected: false }
  const seen = (as: Partial<typeof other>): Facts =>
    facts([], { ...node, expected: ['b/2'], nodes: [node.nodes[0]!, { ...other, ...as }] })
  const [found, ...rest] = findingsOf(seen({ status, heartbeatAgeMs }))
  expect(found).toMatchObject({ code: 'missing-node', severity: 'warning' })
  expect(found!.what).toMatch(what)
  expect(found!.cure).toMatch(/"hearsay forget b\/2"/)
  expect(rest).toEqual([])
  expect(codes(seen({ status: 'alive' }))).toEqual([])
  // Its earlier identity has left, and it runs.
  const both = [node.nodes[0]!, { ...other, status }, { ...other, id: 'y' }]
  expect(codes(facts([], { ...node, expected: ['b/2'], nodes: both }))).toEqual([])
})

test.each([
  ['crashed', 90_000, /^b\/2 was a member, and has crashed$/],
  ['unreachable', 90_000, /is silent for 90 s/],
  ['left', 90_000, null],
  ['suspect', 90_000, null],
  ['alive', 0, null]
] as const)('a member that no list names is missed if it is %s', (status, heartbeatAgeMs, what) => {
  const node = new FakeNode().diagnosis()
  const self = node.nodes[0]!
  const other = { ...self, name: 'b/2', self: false, connected: false, status, heartbeatAgeMs }
  const found = findingsOf(facts([], { ...node, expected: [], nodes: [self, other] }))
  expect(found.map(({ code }) => code)).toEqual(what === null ? [] : ['missing-node'])
  if (what !== null) expect(found[0]!.what).toMatch(what)
  // It was started again, with a data folder of its own.
  const back = { ...other, id: 'y', status: 'alive' as const }
  expect(codes(facts([], { ...node, expected: [], nodes: [self, other, back] }))).toEqual([])
})

test('nobody heard, where multicast works, is a finding, unless somebody is linked or another one says why', () => {
  const node = new FakeNode().diagnosis()
  const network = { interfaces: [lan], used: lan, deaf: null, heard: [] }
  const lonely: Facts = { ...facts([], node), network }
  expect(codes(lonely)).toEqual(['nobody-heard'])
  expect(codes({ ...lonely, node: null })).toEqual(['nobody-heard'])
  const self = heardAt(node.id, '10.77.0.1')
  expect(codes({ ...lonely, network: { ...network, heard: [self] } })).toEqual(['nobody-heard'])
  expect(codes({ ...lonely, network: { ...network, deaf: 'nothing came back' } })).toEqual([
    'no-multicast'
  ])
  expect(codes({ ...lonely, noKey: 'there is no key' })).toEqual(['no-key'])
  const other = { ...node.nodes[0]!, name: 'b/2', self: false, connected: true }
  expect(codes({ ...lonely, node: { ...node, nodes: [...node.nodes, other] } })).toEqual([])
})

test('a copy that a node has seen within a minute is named, also when it is gone', () => {
  const copy = { node: 'c/6', id: 'x', at: '2026-01-02T03:04:05.000Z' }
  const [found] = findingsOf(facts([], { ...new FakeNode().diagnosis(), duplicates: [copy] }))
  expect(found).toMatchObject({ code: 'cloned-identity' })
  expect(found!.what).toMatch(/c\/6 \(seen at 2026/)
})

test('a clock that was set while the node ran is told, if people notice that much', () => {
  const set = (byMs: number): string[] => {
    const clockSet = { at: '2026-01-02T03:04:05.000Z', byMs }
    return findingsOf(facts([], { ...new FakeNode().diagnosis(), clockSet })).map(
      ({ what }) => what
    )
  }
  expect(set(-3_600_000)).toMatchObject([expect.stringMatching(/set 3600.0 s back at 2026/)])
  expect(set(4000)).toEqual([])
})

test('a node of an older version, which says nothing of its disk, is not blamed for it', () => {
  const {
    disk: _,
    unreadable: __,
    unconfirmed: ___,
    clockSet: ____,
    overfull: _____,
    ...older
  } = new FakeNode().diagnosis()
  expect(findingsOf(facts([], older as DiagnosisView))).toEqual([])
})

test('records that a node cannot read are named, with the versions that are at odds and what to do', () => {
  const own = { ...new FakeNode().diagnosis(), version: '1.0.0' }
  const unreadable = [
    { node: 'b/2', id: 'x', writes: 3, readers: ['1.0.0'], writer: '2.0.0', stuck: false }
  ]
  const [found] = findingsOf(facts([], { ...own, unreadable }))
  expect(found).toMatchObject({ code: 'unreadable-records', severity: 'warning' })
  expect(found!.what).toMatch(/hearsay 1.0.0\) cannot read 3 records of b\/2, which runs 2.0.0/)
  expect(found!.cure).toMatch(/^upgrade /)
  const [stuck] = findingsOf(
    facts([], { ...own, unreadable: [{ ...unreadable[0]!, stuck: true }] })
  )
  expect(stuck).toMatchObject({ severity: 'error', what: expect.stringMatching(/nothing more/) })
})

test('nodes that are to keep different numbers of settled tasks are named, and what counts', () => {
  const diagnosis = new FakeNode().diagnosis()
  const [self] = diagnosis.nodes
  const named = (name: string, settledMax: number, status: 'alive' | 'left' = 'alive') => ({
    ...self!,
    name,
    settledMax,
    status
  })
  const of = (...nodes: DiagnosisView['nodes']) => findingsOf(facts([], { ...diagnosis, nodes }))
  expect(of(named('a/1', 500), named('b/1', 500), named('c/1', 7, 'left'))).toEqual([])
  const [found] = of(named('a/1', 10_000), named('b/1', 500), named('c/1', 10_000))
  expect(found).toMatchObject({ code: 'settled-max-mismatch', severity: 'warning' })
  expect(found!.what).toMatch(/than 500 .* as b\/1 says; a\/1 and c\/1 would/)
})

test('who keeps settled tasks from being forgotten is named, and what to do about each', () => {
  const behind = [
    { node: 'b/1', why: 'away' as const },
    { node: 'c/1', why: 'records' as const }
  ]
  const overfull = { kept: 25_000, max: 10_000, behind }
  const [found] = findingsOf(facts([], { ...new FakeNode().diagnosis(), overfull }))
  expect(found).toMatchObject({ code: 'overfull', severity: 'warning' })
  expect(found!.what).toMatch(/keeps 25000 .* 10000 .*: b\/1 cannot be reached, c\/1 does not have/)
  expect(found!.cure).toMatch(/"hearsay forget b\/1"; if it stays so .*start c\/1 again/)
})

test('a disk that takes nothing is named, with what it says', () => {
  const [found] = findingsOf(facts([], { ...new FakeNode().diagnosis(), disk: 'No space left' }))
  expect(found).toMatchObject({ code: 'disk-full', severity: 'error' })
  expect(found!.what).toMatch(/No space left/)
})

test('tasks that wait until another node knows of their start are named, with whom to start or to forget', () => {
  const unconfirmed = { tasks: 2, missing: ['b/1', 'c/1'] }
  const [found] = findingsOf(facts([], { ...new FakeNode().diagnosis(), unconfirmed }))
  expect(found).toMatchObject({ code: 'start-unconfirmed', severity: 'error' })
  expect(found!.what).toMatch(/runs 2 tasks when .* none is connected: b\/1 and c\/1$/)
  expect(found!.cure).toMatch(/"hearsay forget b\/1", "hearsay forget c\/1"$/)
})

test('a computer without a network is told that it has none, whether or not it hears itself', () => {
  const lo = { name: 'lo', address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true }
  for (const used of [lo, null]) {
    const network = { interfaces: [lo], used, deaf: null, heard: [] }
    const [found] = findingsOf({ ...facts([]), network })
    expect(found).toMatchObject({ code: 'no-multicast' })
    expect(found!.what).toMatch(/no network interface but/)
  }
  expect(codes(facts([]))).toEqual([])
})

test('another node that begins nothing is named, and why; one that has left is not', () => {
  const diagnosis = new FakeNode().diagnosis()
  const [self] = diagnosis.nodes
  const other = (name: string, more: object): typeof self => ({
    ...self!,
    self: false,
    name,
    ...more
  })
  const nodes = [
    self!,
    other('computer-b/1', { paused: 'disk' })!,
    other('computer-c/1', { paused: 'alone' })!,
    other('computer-d/1', { paused: 'disk', status: 'left' })!
  ]
  const found = findingsOf(facts([], { ...diagnosis, nodes }))
  expect(found.map(({ code, what }) => [code, what.split(' ')[0]])).toEqual([
    ['disk-full', 'computer-b/1'],
    ['isolated', 'computer-c/1']
  ])
})
