/**
 * Peers that have the key and do not behave, where blobs are fetched: streams without an end, wrong bytes, silence, and
 * questions that are none.
 */
import { createHash } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import { afterEach, expect, test } from 'vitest'
import { BlobStreams, type BlobStreamsOptions } from '../../../src/net/streams/blobs.ts'
import { newCounters, type Counters } from '../../../src/net/counters.ts'
import type { Network } from '../../../src/net/libp2p.ts'
import { until } from '../../support/until.ts'
import { closeAll, lineLog, open } from '../cluster.ts'
import { addressOf, bareNetwork, intruder, names, stopIntruders } from '../intruder.ts'

afterEach(async () => {
  await stopIntruders()
  await closeAll()
})

const BYTES = 1_000_000
const STALL_MS = 300
const right = Buffer.alloc(BYTES, 'right')
const ref = { hash: createHash('sha256').update(right).digest('hex'), bytes: BYTES }

type Asker = { streams: BlobStreams; counters: Counters; peer: string }

/** The side that fetches, and a peer that answers like this. */
async function askerOf(answer: (stream: Stream) => void): Promise<Asker> {
  const peer = await bareNetwork(['/ip4/127.0.0.1/tcp/0'])
  await peer.handle(names.blob, answer)
  const network = await bareNetwork()
  await network.dial(peer.getMultiaddrs()[0]!)
  const counters = newCounters()
  const streams = new BlobStreams({ ...optionsOf(network), counters })
  return { streams, counters, peer: peer.peerId.toString() }
}

function optionsOf(network: Network): Omit<BlobStreamsOptions, 'counters'> {
  return {
    protocol: names.blob,
    connections: peer => network.getConnections().filter(c => c.remotePeer.toString() === peer),
    read: async () => null,
    stallMs: STALL_MS,
    log: lineLog([])
  }
}

/** As a disk does it: reads all that is given, then says whether it was right. */
async function keep(chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex') === ref.hash
}

test('an answer without an end is cut off where the blob ought to end, and its stream is closed', async () => {
  const ended = Promise.withResolvers<void>()
  const { streams, counters, peer } = await askerOf(stream => {
    const more = (): void => {
      while (stream.status === 'open' && stream.send(right));
    }
    stream.addEventListener('drain', more)
    stream.addEventListener('close', () => ended.resolve())
    more()
  })
  expect(await streams.fetch(peer, ref, keep)).toBe(false)
  await ended.promise
  expect(counters.refused).toBe(1)
  expect(counters.bytesReceived).toBeLessThan(2 * BYTES)
})

test.each([
  ['too few bytes', right.subarray(1)],
  ['too many bytes', Buffer.concat([right, Buffer.from('x')])],
  ['as many bytes as announced, but others', Buffer.alloc(BYTES, 'wrong')]
])('%s are refused and counted', async (_, bytes) => {
  const { streams, counters, peer } = await askerOf(stream => {
    stream.send(bytes)
    void stream.close()
  })
  expect(await streams.fetch(peer, ref, keep)).toBe(false)
  expect(counters.refused).toBe(1)
})

test('a peer that falls silent in the middle is given up', async () => {
  const { streams, counters, peer } = await askerOf(stream => void stream.send(right.subarray(9)))
  expect(await streams.fetch(peer, ref, keep)).toBe(false)
  expect(counters.refused).toBe(0)
})

test('a peer that never answers is given up', async () => {
  const { streams, peer } = await askerOf(() => undefined)
  expect(await streams.fetch(peer, ref, keep)).toBe(false)
})

test('a question that is too short, too long, or has no end is not answered', async () => {
  const member = await open()
  const network = await intruder(member)
  member.receiver.blobs.set(ref.hash, async function* () {
    yield right
  })
  const question = Buffer.from(ref.hash, 'hex')
  const wrong = [question.subarray(1), Buffer.concat([question, question]), Buffer.alloc(3_000_000)]
  for (const bytes of wrong) {
    const stream = await network.dialProtocol(addressOf(member), names.blob)
    let heard = 0
    stream.addEventListener('message', ({ data }) => (heard += data.byteLength))
    stream.send(bytes)
    void stream.close().catch(() => undefined)
    await until(() => stream.status === 'reset', 'the stream to be reset')
    expect(heard).toBe(0)
  }
})

test('one peer cannot take all the answers', async () => {
  const member = await open()
  const network = await intruder(member)
  const streams = await Promise.all(
    Array.from({ length: 20 }, () => network.dialProtocol(addressOf(member), names.blob))
  )
  await until(() => streams.some(({ status }) => status === 'reset'), 'some to be refused')
  expect(streams.some(({ status }) => status === 'open')).toBe(true)
})
