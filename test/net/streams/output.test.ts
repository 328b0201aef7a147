/**
 * Questions about output over real sockets: what is asked is answered, no faster than it is read, and who does not keep
 * to the rules is refused and costs nothing.
 */
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { encode as encodeFrames } from 'it-length-prefixed'
import { generateKeyPair } from '@libp2p/crypto/keys'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { OUTPUT_STREAMS, type OutputAnswer, type OutputRequest } from '../../../src/core/message.ts'
import { createNetwork, type Network } from '../../../src/net/libp2p.ts'
import { protocolNames } from '../../../src/net/protocol.ts'
import { TIME_MS_MAX } from '../../../src/core/task/times.ts'
import {
  decodeOutputAnswer,
  decodeOutputRequest,
  encodeOutputAnswer,
  encodeOutputRequest
} from '../../../src/wire/runs/output.ts'
import { until } from '../../support/until.ts'
import { closeAll, lineLog, open, psk, type Member } from '../cluster.ts'

const names = protocolNames('test')
const bare: Network[] = []
const taskId = '01a20906-f693-8000-8000-00017cdaf76b'
const question: OutputRequest = { kind: 'read', taskId, epoch: 3, position: 7, follow: true }
const signal = new AbortController().signal

afterEach(async () => {
  await Promise.all(bare.splice(0).map(async network => network.stop()))
  await closeAll()
})

async function pair(): Promise<[Member, Member]> {
  const first = await open()
  const second = await open({ peers: first.receiver.own })
  await until(() => first.receiver.isLinked(second.transport.id), 'the link')
  return [first, second]
}

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

const ask = async (network: Network, member: Member): Promise<Stream> =>
  network.dialProtocol(multiaddr(member.receiver.own[0] ?? ''), names.output)

const piece = (position: number, text = 'x'.repeat(16_000)): OutputAnswer => ({
  kind: 'piece',
  piece: { position, at: 1, stream: 'stdout', bytes: Uint8Array.from(Buffer.from(text)) }
})

async function read(answers: AsyncIterable<OutputAnswer>): Promise<OutputAnswer[]> {
  const all: OutputAnswer[] = []
  for await (const answer of answers) all.push(answer)
  return all
}

test('a question is answered by whom it was put to, to the end', async () => {
  const [first, second] = await pair()
  let asked: OutputRequest | null = null
  const answer: OutputAnswer[] = [piece(7, 'ünd\n'), { kind: 'quiet' }, { kind: 'end' }]
  first.receiver.output = async function* (request) {
    asked = request
    yield* answer
  }
  expect(await read(second.transport.askOutput(first.transport.id, question, signal))).toEqual(
    answer
  )
  expect(asked).toEqual(question)
})

test('an answer without an end is broken off, and so is a question to nobody', async () => {
  const [first, second] = await pair()
  first.receiver.output = async function* () {
    yield piece(0, 'x')
  }
  const { id } = first.transport
  await expect(read(second.transport.askOutput(id, question, signal))).rejects.toThrow('broken off')
  const nobody = second.transport.askOutput('12D3KooWNobody', question, signal)
  await expect(read(nobody)).rejects.toThrow('no connection')
})

test('an answer is made no faster than it is read, and ends with its reader', async () => {
  const [first, second] = await pair()
  let made = 0
  let closed = false
  first.receiver.output = async function* () {
    try {
      for (; ; made++) yield piece(made)
    } finally {
      closed = true
    }
  }
  const answers = second.transport.askOutput(first.transport.id, question, signal)
  const iterator = answers[Symbol.asyncIterator]()
  await iterator.next()
  let before = -1
  await until(async () => {
    if (made === before) return true
    before = made
    await new Promise(resolve => setTimeout(resolve, 200))
    return false
  }, 'the answer to come to a halt')
  expect(made * 16_000).toBeLessThan(3 << 20)
  await iterator.return?.()
  await until(() => closed, 'the source to be closed')
})

test('whoever asked may give up', async () => {
  const [first, second] = await pair()
  first.receiver.output = async function* () {
    yield piece(0, 'x')
    await new Promise(() => {})
  }
  const ended = new AbortController()
  const answers = second.transport.askOutput(first.transport.id, question, ended.signal)
  const reading = read(answers)
  ended.abort(new Error('enough'))
  await expect(reading).rejects.toThrow()
})

describe('refused and counted is', () => {
  test.each([
    ['a question that is none', encodeFrames.single(Buffer.from('nonsense')).subarray()],
    ['a question that is too long', encodeFrames.single(new Uint8Array(300)).subarray()],
    ['a question of bytes after its end', framed([...encodeOutputRequest(question), 0])]
  ])('%s', async (_, bytes) => {
    const member = await open()
    const stream = await ask(await intruder(member), member)
    stream.send(bytes)
    await until(() => stream.status === 'reset', 'the stream to be reset')
    expect(member.transport.counters().refused).toBe(1)
  })

  test.each([
    ['an answer that is none', Buffer.from('nonsense')],
    ['an answer that is too long', new Uint8Array(20_000)],
    ['a piece of nothing', encodeOutputAnswer(piece(0, ''))],
    ['progress beyond the end', encodeOutputAnswer(progressed(1.5))]
  ])('%s', async (_, bytes) => {
    const member = await open()
    const network = await intruder(member)
    await network.handle(names.output, stream => {
      stream.addEventListener('message', () => stream.send(framed([...bytes])), { once: true })
    })
    const peer = network.peerId.toString()
    await until(() => member.transport.peers().some(({ id }) => id === peer), 'the connection')
    await expect(read(member.transport.askOutput(peer, question, signal))).rejects.toThrow()
    expect(member.transport.counters().refused).toBe(1)
  })
})

test('a question that is broken off is no offence, and leaves nothing behind', async () => {
  const member = await open()
  const stream = await ask(await intruder(member), member)
  stream.send(encodeFrames.single(encodeOutputRequest(question)).subarray().subarray(0, 5))
  stream.abort(new Error('gone'))
  await until(() => member.lines.some(line => line.includes('an answer was broken off')), 'it')
  expect(member.transport.counters().refused).toBe(0)
})

test('whatever is encoded is decoded again, and no bytes at all make a node fail', () => {
  const id = fc.constant(taskId)
  const count = fc.nat({ max: 2 ** 31 })
  const info = fc.record({
    taskId: id,
    epoch: count,
    attempt: count,
    ended: fc.boolean(),
    progress: fc.option(
      fc.record({
        fraction: fc.double({ min: 0, max: 1, noNaN: true }).map(value => value + 0),
        message: fc.option(fc.string({ unit: 'binary', maxLength: 100 }))
      })
    )
  })
  const said = fc.record({
    position: fc.maxSafeNat(),
    at: fc.nat({ max: TIME_MS_MAX }),
    stream: fc.constantFrom(...OUTPUT_STREAMS),
    bytes: fc.uint8Array({ minLength: 1 }).map(bytes => Buffer.from(bytes))
  })
  const answers = fc.oneof(
    fc.record({ kind: fc.constant('attempt' as const), info }),
    fc.record({ kind: fc.constant('piece' as const), piece: said })
  )
  fc.assert(
    fc.property(answers, answer => {
      expect(decodeOutputAnswer(encodeOutputAnswer(answer))).toEqual(answer)
    }),
    { numRuns: 200 }
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      for (const decode of [decodeOutputAnswer, decodeOutputRequest]) {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toMatchObject({ name: 'Refused' })
        }
      }
    }),
    { numRuns: 500 }
  )
})

function framed(bytes: number[]): Uint8Array {
  return encodeFrames.single(Uint8Array.from(bytes)).subarray()
}

function progressed(fraction: number): OutputAnswer {
  const info = { taskId, epoch: 0, attempt: 1, ended: false, progress: { fraction, message: null } }
  return { kind: 'attempt', info }
}
