/** An address of the settings that does not answer is told: once for each silence, and at most once a minute. */
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { StaticPeers } from '../../../src/net/discovery/static-peers.ts'
import { unansweredAgainMs, unansweredMs } from '../../../src/net/protocol.ts'

const here = multiaddr('/ip4/10.0.0.2/tcp/4001')
const other = multiaddr('/ip4/10.0.0.3/tcp/4001')
const error = new Error('refused')

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watching(): { peers: StaticPeers; said: string[] } {
  const said: string[] = []
  const say =
    (level: string) =>
    (details: object | string): void => {
      said.push(`${level} ${(details as { address: string }).address}`)
    }
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
  return { peers: new StaticPeers([here], log), said }
}

/** Dials that fail, one a second. */
function failing(peers: StaticPeers, ms: number): void {
  for (let passed = 0; passed < ms; passed += 1000) {
    vi.advanceTimersByTime(1000)
    peers.failed([here, other], error)
  }
}

test('it is told once it has been silent for some time, and again when it answers', () => {
  const { peers, said } = watching()
  failing(peers, unansweredMs - 1000)
  expect(said).toEqual([])
  expect(peers.unanswered()).toEqual([])
  failing(peers, 2 * unansweredAgainMs)
  expect(said).toEqual([`warn ${here.toString()}`])
  expect(peers.unanswered()).toEqual([
    { address: here.toString(), silentMs: unansweredMs - 1000 + 2 * unansweredAgainMs }
  ])
  peers.reached('b', [here])
  expect(said).toEqual([`warn ${here.toString()}`, `info ${here.toString()}`])
  expect(peers.unanswered()).toEqual([])
})

test('a silence within a minute of the last one is told when the minute is over', () => {
  const { peers, said } = watching()
  failing(peers, unansweredMs)
  peers.reached('b', [here])
  failing(peers, unansweredAgainMs - 1000)
  expect(said).toHaveLength(2)
  failing(peers, 1000)
  expect(said).toHaveLength(3)
  // It is the peer that counts, whoever has dialled.
  peers.connected('c')
  expect(said).toHaveLength(3)
  peers.connected('b')
  expect(said).toHaveLength(4)
})

test('an address with a peer id counts as answered once that peer is connected', () => {
  const id = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const peers = new StaticPeers([here.encapsulate(`/p2p/${id}`)], log)
  vi.advanceTimersByTime(unansweredMs)
  expect(peers.unanswered()).toMatchObject([{ address: here.toString() }])
  peers.connected(id)
  expect(peers.unanswered()).toEqual([])
})
