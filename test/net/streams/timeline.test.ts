/**
 * Questions about the timeline over real sockets: what is asked is answered, and what does not keep to the bounds is
 * refused and counted.
 */
import type { Stream } from '@libp2p/interface'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { encode as encodeFrames } from 'it-length-prefixed'
import { afterEach, describe, expect, test } from 'vitest'
import {
  SPAN_OUTCOMES,
  TIMELINE_LIMITS,
  VIAS,
  type RunSpan,
  type TimelineAnswer,
  type TimelineRequest
} from '../../../src/core/message.ts'
import { TIME_MS_MAX } from '../../../src/core/task/times.ts'
import { createNetwork, type Network } from '../../../src/net/libp2p.ts'
import { protocolNames } from '../../../src/net/protocol.ts'
import {
  decodeTimelineAnswer,
  decodeTimelineRequest,
  encodeTimelineAnswer,
  encodeTimelineRequest
} from '../../../src/wire/runs/timeline.ts'
import { until } from '../../support/until.ts'
import { closeAll, lineLog, open, psk, type Member } from '../cluster.ts'

const names = protocolNames('test')
const bare: Network[] = []
const question: TimelineRequest = { kind: 'between', fromMs: 5, toMs: 7 }
const signal = new AbortController().signal
const end: TimelineAnswer = { kind: 'end', reachesToMs: null }
const span: RunSpan = {
  taskId: '01a20906-f693-8000-8000-00017cdaf76b',
  type: 'work',
  epoch: 3,
  attempt: 1,
  pool: 'gpu',
  slot: 2,
  fromMs: 5,
  toMs: 6,
  outcome: 'completed',
  via: 'handed-on'
}

afterEach(async () => {
  await Promise.all(bare.splice(0).map(async network => network.stop()))
  await closeAll()
})

/** A node with the key that says what it likes. */
async function intruder(member: Member): Promise<Network> {
  const network = await createNetwork({
    privateKey: await generateKeyPair('Ed25519'),
    psk,
    names,
    listen: [],
    only: null,
    discovery: () => ({ start: () => undefined, stop: () => undefined }),
    log: lineLog([])
  })
  bare.push(network)
  await network.start()
  await network.dial(multiaddr(member.receiver.own[0] ?? ''))
  return network
}

async function read(answers: AsyncIterable<TimelineAnswer>): Promise<TimelineAnswer[]> {
  const all: TimelineAnswer[] = []
  for await (const answer of answers) all.push(answer)
  return all
}

test('a question is answered, part by part, to the end', async () => {
  const first = await open()
  const second = await open({ peers: first.receiver.own })
  await until(() => first.receiver.isLinked(second.transport.id), 'the link')
  let asked: TimelineRequest | null = null
  const running = { ...span, toMs: null, outcome: null }
  const answer: TimelineAnswer[] = [
    { kind: 'spans', spans: [span, running] },
    { kind: 'spans', spans: Array.from({ length: TIMELINE_LIMITS.spansPerPart }, () => span) },
    { kind: 'end', reachesToMs: 3 }
  ]
  first.receiver.timeline = request => {
    asked = request
    return answer
  }
  const { id } = first.transport
  expect(await read(second.transport.askTimeline(id, question, signal))).toEqual(answer)
  expect(asked).toEqual(question)
  first.receiver.timeline = () => []
  await expect(read(second.transport.askTimeline(id, question, signal))).rejects.toThrow(
    'broken off'
  )
})

describe('refused and counted is', () => {
  test.each([
    ['a question that is none', Buffer.from('nonsense')],
    ['a question that is too long', new Uint8Array(100)],
    ['a question of bytes after its end', [...encodeTimelineRequest(question), 0]]
  ])('%s', async (_, bytes) => {
    const member = await open()
    const network = await intruder(member)
    const address = multiaddr(member.receiver.own[0] ?? '')
    const stream: Stream = await network.dialProtocol(address, names.timeline)
    stream.send(framed(bytes))
    await until(() => stream.status === 'reset', 'the stream to be reset')
    expect(member.transport.counters().refused).toBe(1)
  })

  test.each([
    ['an answer that is none', Buffer.from('nonsense')],
    ['a span that ends before it begins', answerOf({ fromMs: 7, toMs: 6 })],
    ['a span that has ended and has no outcome', answerOf({ outcome: null })],
    ['a type that is too long', answerOf({ type: 'x'.repeat(2000) })],
    [
      'more spans than a part may have',
      encodeTimelineAnswer({
        kind: 'spans',
        spans: Array.from({ length: TIMELINE_LIMITS.spansPerPart + 1 }, () => span)
      })
    ]
  ])('%s', async (_, bytes) => {
    const member = await open()
    const network = await intruder(member)
    await network.handle(names.timeline, stream => {
      stream.addEventListener('message', () => stream.send(framed(bytes)), { once: true })
    })
    const peer = network.peerId.toString()
    await until(() => member.transport.peers().some(({ id }) => id === peer), 'the connection')
    await expect(read(member.transport.askTimeline(peer, question, signal))).rejects.toThrow()
    expect(member.transport.counters().refused).toBe(1)
  })
})

test('whatever is encoded is decoded again, and no bytes at all make a node fail', () => {
  const time = fc.nat({ max: TIME_MS_MAX })
  const spans = fc
    .record({
      ended: fc.boolean(),
      type: fc.string({ unit: 'binary', maxLength: 60 }),
      epoch: fc.nat({ max: 2 ** 31 }),
      pool: fc.constantFrom('gpu', 'io'),
      slot: fc.nat({ max: 100 }),
      times: fc.tuple(time, time),
      outcome: fc.constantFrom(...SPAN_OUTCOMES),
      via: fc.constantFrom(...VIAS)
    })
    .map(({ ended, times, outcome, ...rest }): RunSpan => {
      const [fromMs, toMs] = times.toSorted((x, y) => x - y) as [number, number]
      const how = ended ? { toMs, outcome } : { toMs: null, outcome: null }
      return { ...span, ...rest, fromMs, ...how }
    })
  const answers = fc.oneof(
    fc.record({ kind: fc.constant('spans' as const), spans: fc.array(spans, { maxLength: 5 }) }),
    fc.record({ kind: fc.constant('end' as const), reachesToMs: fc.option(time) })
  )
  fc.assert(
    fc.property(answers, answer => {
      expect(decodeTimelineAnswer(encodeTimelineAnswer(answer))).toEqual(answer)
    })
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      for (const decode of [decodeTimelineAnswer, decodeTimelineRequest]) {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toMatchObject({ name: 'Refused' })
        }
      }
    })
  )
  expect(decodeTimelineAnswer(encodeTimelineAnswer(end))).toEqual(end)
})

function answerOf(parts: Partial<RunSpan>): Uint8Array {
  return encodeTimelineAnswer({ kind: 'spans', spans: [{ ...span, ...parts }] })
}

function framed(bytes: Iterable<number>): Uint8Array {
  return encodeFrames.single(Uint8Array.from(bytes)).subarray()
}
