/** The parts of the network room that need no network. */
import { multiaddr } from '@multiformats/multiaddr'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { AddressBook } from '../../src/net/discovery/address-book.ts'
import { announced, listenAddresses, worthTrying } from '../../src/net/discovery/addresses.ts'
import { FrameReader, frameHeader } from '../../src/net/streams/frames.ts'
import type { TransportLog } from '../../src/net/log.ts'
import { unverifiedPeerTtlMs, isNamesake, peersMax, serviceTag } from '../../src/net/protocol.ts'
import { FRAME_BYTES_MAX } from '../../src/core/options.ts'

const home = multiaddr('/ip4/127.0.0.1/tcp/1')
const lan = multiaddr('/ip4/192.168.1.5/tcp/1')

function framed(...messages: Uint8Array[]): Uint8Array {
  return Buffer.concat(messages.flatMap(bytes => [frameHeader(bytes.length), bytes]))
}

test('messages survive being cut anywhere', () => {
  const sent = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(70_000, 3), Buffer.from('four')]
  const bytes = framed(...sent)
  for (const size of [1, 2, 3, 5, 7, 4096, bytes.length]) {
    const reader = new FrameReader()
    const got: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size), message => got.push(message))
    }
    expect(got.map(message => Buffer.from(message).toString('hex'))).toEqual(
      sent.map(message => message.toString('hex'))
    )
  }
})

test('a message that is announced too long is refused before any of it is taken', () => {
  const reader = new FrameReader()
  expect(() => reader.push(frameHeader(FRAME_BYTES_MAX + 1), () => undefined)).toThrow(
    `a message of ${FRAME_BYTES_MAX + 1} bytes is announced, ${FRAME_BYTES_MAX} are allowed`
  )
  expect(() => new FrameReader().push(frameHeader(0xffffffff), () => undefined)).toThrow(
    '4294967295'
  )
})

test('the longest message that is allowed is read', () => {
  const got: Uint8Array[] = []
  new FrameReader().push(framed(new Uint8Array(FRAME_BYTES_MAX)), bytes => got.push(bytes))
  expect(got.map(bytes => bytes.length)).toEqual([FRAME_BYTES_MAX])
})

test('loopback addresses are announced only by a node that has no others', () => {
  expect(announced([home, lan], null)).toEqual([lan])
  expect(announced([home], null)).toEqual([home])
})

test('with one interface chosen, its addresses are announced and listened on', () => {
  expect(announced([home, lan], '127.0.0.1')).toEqual([home])
  expect(announced([lan], '127.0.0.1')).toEqual([lan])
  expect(listenAddresses(['/ip4/0.0.0.0/tcp/0', '/ip4/10.0.0.1/tcp/5'], '127.0.0.1')).toEqual([
    '/ip4/127.0.0.1/tcp/0',
    '/ip4/10.0.0.1/tcp/5'
  ])
})

test('a service tag fits into a DNS label, however long the name of the cluster', () => {
  for (const length of [1, 40, 45, 46, 47, 200]) {
    const tag = serviceTag('c'.repeat(length), '01234567')
    expect(tag.split('.')[0]?.length).toBeLessThanOrEqual(63)
  }
  expect(serviceTag('c'.repeat(60), 'abcd')).not.toBe(serviceTag('c'.repeat(61), 'abcd'))
  expect(() => serviceTag('c', 'XYZ')).toThrow('fingerprint must be')
})

test('a namesake is a cluster of the same name with another key, and no other', () => {
  expect(isNamesake(serviceTag('a', 'abcdabcd'), 'a', '01234567')).toBe(true)
  expect(isNamesake(serviceTag('a', '01234567'), 'a', '01234567')).toBe(false)
  expect(isNamesake(serviceTag('a-b', 'abcdabcd'), 'a', '01234567')).toBe(false)
  expect(isNamesake('_http._tcp.local', 'a', '01234567')).toBe(false)
})

test('the book notes nothing about ourselves', () => {
  const book = new AddressBook('me')
  book.note('me', 'mdns', [lan], 0)
  expect([...book.ids()]).toEqual([])
})

test('a newer word of a source replaces its older one and no other', () => {
  const book = new AddressBook('me')
  const moved = multiaddr('/ip4/192.168.1.5/tcp/2')
  book.note('a', 'static', [home], 0)
  book.note('a', 'mdns', [lan], 0)
  book.note('a', 'mdns', [moved], 1)
  expect(book.addresses('a').map(String)).toEqual([String(moved), String(home)])
})

test('settings are tried even where announcements of the same kind are not', () => {
  const book = new AddressBook('me')
  book.note('a', 'static', [home], 0)
  book.note('b', 'mdns', [home], 0)
  const filter = (address: typeof home): boolean => worthTrying(address, false)
  expect(book.addresses('a', filter)).toHaveLength(1)
  expect(book.addresses('b', filter)).toHaveLength(0)
})

test('announcements of strangers neither fill the book for ever nor push out members', () => {
  const book = new AddressBook('me')
  book.note('member', 'mdns', [lan], 0)
  book.authenticated('member', 0)
  for (let index = 0; index < 10 * peersMax; index++) book.note(`s${index}`, 'mdns', [lan], 1)
  expect([...book.ids()]).toHaveLength(peersMax)
  expect(book.isMember('member')).toBe(true)
  book.prune(2 + unverifiedPeerTtlMs)
  expect([...book.ids()]).toEqual(['member'])
})

test('a full book makes room: first of who was announced, then of who was never met, then of who is away longest', () => {
  const here = new Set(['m0'])
  const dropped: string[] = []
  const book = new AddressBook(
    'me',
    id => here.has(id),
    id => dropped.push(id)
  )
  book.note('set', 'static', [lan], 0)
  book.note('named', 'learned', [lan], 0)
  book.note('announced', 'mdns', [lan], 9)
  for (let index = 0; index < peersMax - 3; index++) book.authenticated(`m${index}`, index)
  for (const id of ['n1', 'n2', 'n3', 'n4']) book.authenticated(id, peersMax)
  expect(dropped).toEqual(['announced', 'named', 'm1', 'm2'])
})

test('only an IP address and a port are tried of what somebody announces', () => {
  const named = ['/dns4/example.org/tcp/1', '/dnsaddr/example.org', '/ip4/10.0.0.1/tcp/1/ws']
  const others = [...named, '/ip4/10.0.0.1/udp/1', '/ip4/10.0.0.1'].map(text => multiaddr(text))
  expect(others.filter(address => worthTrying(address, true))).toEqual([])
  expect([lan, multiaddr('/ip6/fe80::1/tcp/1')].every(each => worthTrying(each, false))).toBe(true)
})

test('a pino logger will do', () => {
  const log: TransportLog = pino({ level: 'silent' })
  log.debug({ a: 1 }, 'text')
  log.debug('text')
})
