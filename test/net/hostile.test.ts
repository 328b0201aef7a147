/**
 * Peers that have the key and do not behave: malformed, oversized and unfinished messages, readers that do not read.
 * Written against bare libp2p nodes, because our own transport cannot be made to say such things.
 */
import type { Stream } from '@libp2p/interface'
import { encode as encodeFrames } from 'it-length-prefixed'
import { afterEach, expect, test } from 'vitest'
import { frameHeader } from '../../src/net/streams/frames.ts'
import type { Network } from '../../src/net/libp2p.ts'
import { encode } from '../../src/wire/codec.ts'
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX } from '../../src/core/options.ts'
import { until } from '../support/until.ts'
import { batch, closeAll, heartbeat, open, request, type Member } from './cluster.ts'
import { addressOf, bareNetwork, intruder, names, stopIntruders } from './intruder.ts'

afterEach(async () => {
  await stopIntruders()
  await closeAll()
})

/** What a connection has beside its interface: streams on which nothing is agreed yet. */
type Muxed = { muxer: { createStream: () => Promise<Stream> } }

async function directStream(network: Network, member: Member): Promise<Stream> {
  return network.dialProtocol(addressOf(member), names.direct)
}

function framed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([frameHeader(bytes.length), bytes])
}

const hello = framed(new Uint8Array(0))

test('a malformed direct message is refused and counted, and the next one is heard', async () => {
  const member = await open()
  const network = await intruder(member)
  await network.handle(names.direct, () => undefined)
  const stream = await directStream(network, member)
  stream.send(Buffer.concat([hello, framed(Buffer.from('nonsense'))]))
  stream.send(framed(encode(heartbeat(network.peerId.toString()))))
  await until(() => member.receiver.messages.length === 1, 'the good message')
  expect(member.transport.counters().refused).toBe(1)
  expect(member.lines.some(line => line.includes('refused a malformed message'))).toBe(true)
})

test('a direct message that is announced too long ends the stream', async () => {
  const member = await open()
  const network = await intruder(member)
  const stream = await directStream(network, member)
  stream.send(Buffer.concat([hello, frameHeader(FRAME_BYTES_MAX + 1)]))
  await until(() => stream.status === 'reset', 'the stream to be reset')
  expect(member.transport.counters().refused).toBe(1)
  expect(member.receiver.messages).toEqual([])
})

test('a direct stream that does not begin with an empty message is refused', async () => {
  const member = await open()
  const network = await intruder(member)
  const stream = await directStream(network, member)
  stream.send(framed(encode(heartbeat(network.peerId.toString()))))
  await until(() => stream.status === 'reset', 'the stream to be reset')
  expect(member.receiver.messages).toEqual([])
})

test('a peer that opens its stream and does not accept ours is not linked', async () => {
  const member = await open()
  const network = await intruder(member)
  const stream = await directStream(network, member)
  stream.send(hello)
  await until(() => member.lines.some(line => line.includes('could not open')), 'the refusal')
  expect(member.receiver.links).toEqual([])
})

test('a peer that does not read loses its messages and its link, and costs no memory', async () => {
  const member = await open()
  const network = await intruder(member)
  const peer = network.peerId.toString()
  await network.handle(names.direct, stream => stream.pause())
  const stream = await directStream(network, member)
  stream.send(hello)
  await until(() => member.receiver.isLinked(peer), 'the link')
  const message = batch(member.transport.id, 0, 50_000)
  await until(() => {
    for (let count = 0; count < 20; count++) member.transport.send(peer, message)
    return member.receiver.links.length > 1
  }, 'the link to be given up')
  expect(member.receiver.links.slice(0, 2).map(({ up }) => up)).toEqual([true, false])
  expect(member.transport.counters().dropped).toBeGreaterThan(0)
})

test('malformed and oversized gossip is refused and counted, and gossip goes on', async () => {
  const member = await open()
  const network = await intruder(member)
  const { pubsub } = network.services
  await until(() => pubsub.getSubscribers(names.logTopic).length === 1, 'the subscription')
  await pubsub.publish(names.logTopic, Buffer.from('nonsense'))
  await pubsub.publish(names.logTopic, new Uint8Array(GOSSIP_BYTES_MAX + 1))
  await until(() => member.transport.counters().refused === 2, 'both refusals')
  await pubsub.publish(names.logTopic, encode(heartbeat(network.peerId.toString())))
  await until(() => member.receiver.messages.length === 1, 'the good message')
})

test('a stream whose first length has no end is aborted, however much of it comes', async () => {
  const member = await open()
  const network = await intruder(member)
  const [connection] = network.getConnections() as unknown as Muxed[]
  const streams = await Promise.all([1, 2, 3].map(() => connection!.muxer.createStream()))
  for (const stream of streams) stream.send(Buffer.alloc(250_000, 0x80))
  await until(() => streams.every(({ status }) => status === 'reset'), 'the streams to be reset')
})

test('a peer whose word on who it is has a length without an end is not read', async () => {
  const member = await open()
  const network = await bareNetwork()
  const asked = Promise.withResolvers<Stream>()
  await network.unhandle('/ipfs/id/1.0.0')
  await network.handle('/ipfs/id/1.0.0', stream => {
    stream.send(Buffer.alloc(250_000, 0x80))
    asked.resolve(stream)
  })
  await network.dial(addressOf(member))
  const stream = await asked.promise
  await until(() => stream.status === 'reset', 'the stream to be reset')
})

test('a malformed sync request is refused and counted', async () => {
  const member = await open()
  const network = await intruder(member)
  const stream = await network.dialProtocol(addressOf(member), names.sync)
  stream.send(encodeFrames.single(Buffer.from('nonsense')))
  await until(() => stream.status === 'reset', 'the stream to be reset')
  expect(member.transport.counters().refused).toBe(1)
})

test('an answer is made no faster than the asker reads it, and its source is closed with it', async () => {
  const member = await open()
  const network = await intruder(member)
  let pulled = 0
  let closed = false
  member.receiver.answer = function* () {
    try {
      for (; ; pulled++) yield batch(member.transport.id, pulled, 50_000)
    } finally {
      closed = true
    }
  }
  const stream = await network.dialProtocol(addressOf(member), names.sync)
  stream.pause()
  stream.send(encodeFrames.single(encode(request(network.peerId.toString()))))
  let before = -1
  await until(async () => {
    if (pulled > 0 && pulled === before) return true
    before = pulled
    await new Promise(resolve => setTimeout(resolve, 200))
    return false
  }, 'the answer to come to a halt')
  const size = encode(batch(member.transport.id, 0, 50_000)).length
  expect(pulled * size).toBeLessThan(3 << 20)
  stream.abort(new Error('enough'))
  await until(() => closed, 'the source to be closed')
})

test('an answer is sent no faster than the asker takes it in, and others have their turn meanwhile', async () => {
  const answerer = await open()
  const asker = await open({ peers: answerer.receiver.own })
  const peer = answerer.transport.id
  await until(() => asker.receiver.isLinked(peer), 'the link')
  const count = 100
  let pulled = 0
  answerer.receiver.answer = function* () {
    for (; pulled < count; pulled++) yield batch(peer, pulled, 60_000)
  }
  let aheadMax = 0
  let turns = 0
  const counting = setInterval(() => turns++, 0)
  const { messages } = asker.receiver
  asker.receiver.message = (from, message) => {
    aheadMax = Math.max(aheadMax, pulled - messages.length)
    messages.push({ from, message })
  }
  asker.transport.sync(peer, request(asker.transport.id))
  await until(() => asker.receiver.ended.length === 1, 'the end of the sync')
  clearInterval(counting)
  expect(messages).toHaveLength(count)
  expect(aheadMax * 60_000).toBeLessThan(3 << 20)
  expect(turns).toBeGreaterThan(count / 10)
})

test('a peer gets one answer at a time', async () => {
  const member = await open()
  const network = await intruder(member)
  member.receiver.answer = function* () {
    for (let after = 0; ; after++) yield batch(member.transport.id, after, 50_000)
  }
  const bytes = encodeFrames.single(encode(request(network.peerId.toString())))
  const first = await network.dialProtocol(addressOf(member), names.sync)
  first.pause()
  first.send(bytes)
  await until(() => first.readBufferLength > 0, 'the first answer to begin')
  const second = await network.dialProtocol(addressOf(member), names.sync)
  await until(() => second.status === 'reset', 'the second to be refused')
  expect(first.status).toBe('open')
})

test('an answer with a malformed message, or one that ends too early, is broken off', async () => {
  const member = await open()
  const network = await intruder(member)
  const peer = network.peerId.toString()
  const good = () => encodeFrames.single(encode(batch(peer, 0, 1)))
  const answers = [
    (stream: Stream) => {
      stream.send(good())
      stream.send(encodeFrames.single(Buffer.from('nonsense')))
    },
    (stream: Stream) => {
      stream.send(good())
      void stream.close()
    },
    (stream: Stream) => {
      stream.send(good().sublist(0, good().byteLength - 1))
      void stream.close()
    }
  ]
  for (const [index, answer] of answers.entries()) {
    const onRequest = (stream: Stream): void =>
      stream.addEventListener('message', () => answer(stream), { once: true })
    await network.handle(names.sync, onRequest, { force: true })
    member.transport.sync(peer, request(member.transport.id))
    await until(() => member.receiver.ended.length === index + 1, 'the end of the sync')
  }
  expect(member.receiver.ended.map(({ whole }) => whole)).toEqual([false, false, false])
  expect(member.receiver.messages).toHaveLength(2)
  expect(member.transport.counters().refused).toBe(1)
})

test('a peer that is connected and takes no gossip is connected anew', async () => {
  const member = await open()
  const network = await intruder(member)
  const [connection] = network.getConnections()
  const isGossip = (stream: Stream): boolean =>
    stream.protocol.startsWith('/meshsub') && stream.direction === 'inbound'
  const gossip = await until(() => connection?.streams.find(isGossip), 'the gossip stream')
  if (gossip === undefined) throw new Error('there is a gossip stream')
  gossip.abort(new Error('gossip dies, the connection lives'))
  await until(() => connection?.status !== 'open', 'the connection to be closed', 15_000)
  expect(member.lines.some(line => line.includes('does not take gossip'))).toBe(true)
})
