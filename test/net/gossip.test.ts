/** Whom gossip cannot reach any more, or from whom nothing comes, is disconnected, so that both begin anew. */
import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newCounters } from '../../src/net/counters.ts'
import { Gossip } from '../../src/net/gossip.ts'
import { protocolNames, silentLooksMax, watchMs } from '../../src/net/protocol.ts'

const names = protocolNames('test')
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Gossip among peers that are all connected and take whatever is sent. */
function watching(peers: readonly string[]): {
  gossip: Gossip
  heard: (peer: string) => void
  disconnected: string[]
  stop: () => Promise<void>
} {
  let listener: (event: unknown) => void = () => {}
  const rawStream = { writeStatus: 'writable', writeBufferLength: 0 }
  const pubsub = {
    topicValidators: new Map(),
    streamsOutbound: new Map(peers.map(peer => [peer, { rawStream }])),
    subscribe: () => {},
    addEventListener: (_name: string, callback: typeof listener) => (listener = callback)
  }
  const disconnected: string[] = []
  const gossip = new Gossip({
    pubsub: pubsub as unknown as GossipSub,
    names,
    onMessage: () => {},
    isOurs: () => false,
    connected: () => peers.filter(peer => !disconnected.includes(peer)),
    send: () => {},
    disconnect: peer => void disconnected.push(peer),
    counters: newCounters(),
    log
  })
  gossip.start()
  const heard = (propagationSource: string): void =>
    listener({
      detail: { propagationSource, msg: { topic: names.heartbeatTopic, data: new Uint8Array(1) } }
    })
  return { gossip, heard, disconnected, stop: () => gossip.stop() }
}

test('a connected peer from which nothing has come for a number of looks is disconnected; one that is heard now and then is not', async () => {
  const { heard, disconnected, stop } = watching(['silent', 'heard'])
  for (let look = 1; look <= 3 * silentLooksMax; look++) {
    if (look % silentLooksMax === 0) heard('heard')
    vi.advanceTimersByTime(watchMs)
    expect(disconnected).toEqual(look > silentLooksMax ? ['silent'] : [])
  }
  await stop()
})

test('a new connection of a peer that was silent counts from the beginning', async () => {
  const { gossip, disconnected, stop } = watching(['again'])
  vi.advanceTimersByTime(silentLooksMax * watchMs)
  gossip.disconnected('again')
  vi.advanceTimersByTime(silentLooksMax * watchMs)
  expect(disconnected).toEqual([])
  vi.advanceTimersByTime(watchMs)
  expect(disconnected).toEqual(['again'])
  await stop()
})
