/** What members say of others counts, also where they say the same again. */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Peers } from '../../../src/net/discovery/peers.ts'
import type { Network } from '../../../src/net/libp2p.ts'
import { dialDesertedMsMax, dialPauseMsMax } from '../../../src/net/protocol.ts'

const self = '12D3KooWA3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
const other = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
const address = '/ip4/127.0.0.1/tcp/4001'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a peer at whose address nobody listened, and of which a member speaks again, is dialled within seconds', async () => {
  const dials: number[] = []
  const network = {
    peerId: peerIdFromString(self),
    getConnections: () => [],
    getMultiaddrs: () => [multiaddr('/ip4/127.0.0.1/tcp/4002')],
    peerStore: { delete: () => Promise.resolve() },
    dial: () => {
      dials.push(performance.now())
      return Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
    }
  } as unknown as Network
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const peers = new Peers({
    network,
    peers: [],
    remembered: [],
    onAddresses: () => {},
    onStranger: () => {},
    log
  })
  peers.start()
  peers.learned(other, [address])
  await vi.advanceTimersByTimeAsync(5 * dialDesertedMsMax)
  const before = dials.length
  while (dials.length === before) await vi.advanceTimersByTimeAsync(1000)
  await vi.advanceTimersByTimeAsync(2 * dialPauseMsMax)
  const count = dials.length
  peers.learned(other, [address])
  await vi.advanceTimersByTimeAsync(dialPauseMsMax)
  expect(dials).toHaveLength(count + 1)
  peers.stop()
})
