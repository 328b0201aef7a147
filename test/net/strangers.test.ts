/** Who does not have the key: silent connections, garbage, and more of both than there is room for. */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { MultiaddrConnection } from '@libp2p/interface'
import { generateKey } from '@libp2p/pnet'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import { Arrivals, Door } from '../../src/net/door.ts'
import { GREETING, greeted } from '../../src/net/patches/greeting.ts'
import { thriftyProtector } from '../../src/net/patches/protector.ts'
import {
  arrivalsPerHostAndSecond,
  halfOpenMax,
  halfOpenPerHostMax
} from '../../src/net/protocol.ts'
import { Shares } from '../../src/net/shares.ts'
import { until } from '../support/until.ts'
import { closeAll, open } from './cluster.ts'

const sockets = new Set<Socket>()
let flooding = false

afterEach(async () => {
  flooding = false
  for (const socket of sockets) socket.destroy()
  await closeAll()
})

/** Both ends of a connection; what arrives at the second one, which expects the greeting. */
async function greetedPair(): Promise<[MultiaddrConnection, MultiaddrConnection, Buffer[]]> {
  const psk = new Uint8Array(95)
  generateKey(psk)
  const [x, y] = multiaddrConnectionPair()
  const ends = await Promise.all([
    thriftyProtector(psk)().protect(x),
    greeted(thriftyProtector(psk))().protect(y)
  ])
  const [from, to] = ends as [MultiaddrConnection, MultiaddrConnection]
  const arrived: Buffer[] = []
  to.addEventListener('message', ({ data }) => arrived.push(Buffer.from(data.subarray())))
  return [from, to, arrived]
}

test.each([
  ['other words', Buffer.from('\x13/multistream/2.0.0\n')],
  ['a length that never ends', Buffer.alloc(100_000, 0x80)],
  ['noise', randomBytes(100_000)]
])('a connection that begins with %s is closed, and nothing of it is read', async (_, bytes) => {
  const [from, to, arrived] = await greetedPair()
  from.send(bytes)
  await until(() => to.status === 'aborted', 'the connection to be closed')
  expect(arrived).toEqual([])
})

test('a greeting that comes in pieces is one, and whatever follows it is read', async () => {
  const [from, to, arrived] = await greetedPair()
  const said = Buffer.concat([GREETING, randomBytes(1000)])
  for (const at of [0, 1, 19]) from.send(said.subarray(at, at === 0 ? 1 : at === 1 ? 19 : 1020))
  await until(() => Buffer.concat(arrived).length === said.length, 'all of it to arrive')
  expect(Buffer.concat(arrived).equals(said)).toBe(true)
  expect(to.status).toBe('open')
})

/** As much of an incoming connection as a door looks at. */
class Incoming extends EventTarget {
  readonly remoteAddr: ReturnType<typeof multiaddr>
  status = 'open'

  constructor(host: string) {
    super()
    this.remoteAddr = multiaddr(`/ip4/${host}/tcp/1`)
  }

  abort(): void {
    this.status = 'aborted'
    this.dispatchEvent(new Event('close'))
  }
}

function knockAt(door: Door, host: string): Incoming {
  const incoming = new Incoming(host)
  expect(door.denyInboundConnection(incoming as unknown as MultiaddrConnection)).toBe(false)
  return incoming
}

test('of the connections of one host without the key, the oldest makes room for a new one', () => {
  const ended: string[] = []
  const door = new Door(host => ended.push(host))
  const other = knockAt(door, '10.0.0.2')
  const flood = Array.from({ length: halfOpenPerHostMax + 3 }, () => knockAt(door, '10.0.0.1'))
  expect(flood.map(({ status }) => status).slice(0, 4)).toEqual([
    'aborted',
    'aborted',
    'aborted',
    'open'
  ])
  expect(other.status).toBe('open')
  expect(ended).toEqual(Array(3).fill('10.0.0.1'))
})

test('when all places are taken, the host that has most makes room', () => {
  const door = new Door(() => {})
  const first = knockAt(door, '10.0.0.1')
  const large = Array.from({ length: halfOpenPerHostMax }, () => knockAt(door, '10.0.0.2'))
  for (let host = 3; door.waiting < halfOpenMax; host++) {
    for (let i = 0; i < 10 && door.waiting < halfOpenMax; i++) knockAt(door, `10.0.0.${host}`)
  }
  const last = knockAt(door, '10.0.0.1')
  expect(door.waiting).toBe(halfOpenMax)
  expect([first, last, ...large.slice(1)].every(({ status }) => status === 'open')).toBe(true)
  expect(large[0]?.status).toBe('aborted')
})

test('who has shown the key has no place to lose', () => {
  const door = new Door(() => {})
  const member = knockAt(door, '10.0.0.1')
  door.denyInboundUpgradedConnection(null, member as unknown as MultiaddrConnection)
  for (let i = 0; i < 2 * halfOpenPerHostMax; i++) knockAt(door, '10.0.0.1')
  expect(member.status).toBe('open')
})

test('a host has its share of arrivals, and another one has its own', () => {
  const arrivals = new Arrivals(() => {})
  const turnedAway = Array.from({ length: 3 * arrivalsPerHostAndSecond }, () =>
    arrivals.check('10.0.0.1')
  ).filter(Boolean)
  expect(turnedAway.length).toBeGreaterThan(arrivalsPerHostAndSecond)
  expect(arrivals.check('10.0.0.2')).toBe(false)
})

test('a share fills evenly, and what many sources take together is bounded', () => {
  const shares = new Shares({ perSecond: 10, perSourceAndSecond: 4 })
  const taken = (sources: readonly string[], nowMs: number): number =>
    sources.filter(source => shares.take(source, nowMs)).length
  const often = (source: string): string[] => Array<string>(20).fill(source)
  expect(taken(often('a'), 1000)).toBe(4)
  expect(taken(often('a'), 1250)).toBe(1)
  expect(taken(often('a'), 1500)).toBe(1)
  expect(
    taken(
      Array.from({ length: 500 }, (_, i) => `b${i}`),
      3000
    )
  ).toBe(10)
  expect(taken(often('c'), 3000)).toBe(0)
})

/** Connections that are opened again `pauseMs` after they have been closed, until the test is over. */
function flood(port: number, from: string, count: number, pauseMs: number, noise: boolean): void {
  const again = (): void => {
    if (!flooding) return
    const socket = connect({ host: '127.0.0.1', port, localAddress: from })
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      setTimeout(again, pauseMs)
    })
    if (noise) socket.on('connect', () => socket.write(randomBytes(65_536)))
  }
  flooding = true
  for (let i = 0; i < count; i++) again()
}

async function joinsDuringFlood(from: string, pauseMs: number, noise: boolean): Promise<void> {
  const member = await open()
  const port = Number(/\/tcp\/(\d+)/.exec(member.receiver.own[0] ?? '')?.[1])
  flood(port, from, 100, pauseMs, noise)
  await until(() => [...sockets].some(({ readyState }) => readyState === 'open'), 'the flood')
  const newcomer = await open({ peers: member.receiver.own })
  await until(() => newcomer.receiver.isLinked(member.transport.id), 'the link', 40_000)
}

const noOtherHost = process.platform !== 'linux'
if (noOtherHost) console.warn('a test is skipped: only Linux has 127.0.0.2 without being told')

test.skipIf(noOtherHost).each([
  ['nothing', false],
  ['noise', true]
])('a node is joined while another host floods it, saying %s', async (_, noise) => {
  await joinsDuringFlood('127.0.0.2', 100, noise)
})

test('a node is joined by a process of a host of which a hundred others say nothing', async () => {
  await joinsDuringFlood('127.0.0.1', 1000, false)
})
