/** What is read at once, and what waits, when more comes than a node has time for. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { expect, test } from 'vitest'
import { PROMPT_KINDS, type Message } from '../../src/core/message.ts'
import { newCounters } from '../../src/net/counters.ts'
import { FrameReader } from '../../src/net/streams/frames.ts'
import { Inbox } from '../../src/net/inbox.ts'
import { Outbox } from '../../src/net/streams/outbox.ts'
import { decode, encode, kindOf } from '../../src/wire/codec.ts'
import { bootOf, heartbeatOf, taskOf } from '../support/tasks.ts'
import { until } from '../support/until.ts'

const boot = bootOf('a')

/** An inbox whose messages take a ms each to be read. */
function slowInbox() {
  let now = 0
  const read: string[] = []
  const inbox = new Inbox(() => now)
  const come = (name: string, isPrompt = false, bytes = 100): void =>
    inbox.came(new Uint8Array(bytes), isPrompt, () => {
      now++
      read.push(name)
    })
  return { inbox, read, come }
}

test('a heartbeat is read at once, out of whatever heap it lies in', async () => {
  const { read, come } = slowInbox()
  for (let i = 0; i < 1000; i++) come(`log ${i}`)
  come('heartbeat', true)
  expect(read.length).toBeLessThan(20)
  expect(read.at(-1)).toBe('heartbeat')
  await until(() => read.length === 1001, 'all of it to be read')
  expect(read.filter(name => name !== 'heartbeat')).toEqual(
    Array.from({ length: 1000 }, (_, i) => `log ${i}`)
  )
})

test('what waits is read in portions, and has a bound beyond which it is read at once', async () => {
  const { read, come } = slowInbox()
  for (let i = 0; i < 100; i++) come('log', false, 20_000)
  // Two megabytes have come, of which one may wait.
  expect(read.length).toBeGreaterThan(45)
  expect(read.length).toBeLessThan(60)
  const before = read.length
  await turn()
  expect(read.length).toBeGreaterThan(before)
  expect(read.length).toBeLessThan(before + 20)
  await until(() => read.length === 100, 'all of it to be read')
})

test('nothing is read after the end', async () => {
  const { inbox, read, come } = slowInbox()
  for (let i = 0; i < 100; i++) come('log')
  const before = read.length
  inbox.clear()
  await turn()
  await turn()
  expect(read.length).toBe(before)
})

test('the kind of a message is seen without reading the message', () => {
  const record = taskOf(boot, 1)
  const messages: Message[] = [
    heartbeatOf(boot),
    { kind: 'ack', boot, vector: new Map() },
    { kind: 'batch', origin: boot, after: 0, records: [record], writes: [0] },
    { kind: 'pruned', ids: [record.spec.id] },
    { kind: 'counts', boot, sequence: 1, types: [] },
    { kind: 'find', boot, ids: [record.spec.id] }
  ]
  for (const message of messages) {
    const bytes = encode(message)
    expect(kindOf(bytes)).toBe(message.kind)
    expect(decode(bytes)).toMatchObject({ ok: true })
  }
  expect(kindOf(new Uint8Array())).toBeNull()
  expect(kindOf(Uint8Array.of(0xff, 0x7f))).toBeNull()
  expect(PROMPT_KINDS.has('batch')).toBe(false)
})

test('a heartbeat leaves before what waits for a peer that reads slowly', async () => {
  let isFull = true
  const sent: Uint8Array[] = []
  let drained = (): void => {}
  const stream = {
    writeStatus: 'writable',
    get writableNeedsDrain() {
      return isFull
    },
    addEventListener: (_name: string, callback: () => void) => (drained = callback),
    send: (piece: Uint8ArrayList) => void sent.push(piece.subarray())
  }
  const outbox = new Outbox(stream as unknown as Stream, newCounters())
  for (let i = 1; i <= 3; i++) outbox.push(Uint8Array.of(i))
  await turn()
  outbox.push(Uint8Array.of(9), true)
  isFull = false
  drained()
  await until(() => sent.length > 0, 'it to be sent')
  const got: number[] = []
  new FrameReader().push(Buffer.concat(sent), bytes => got.push(bytes[0]!))
  expect(got).toEqual([9, 1, 2, 3])
  expect(() => outbox.assertInvariants()).not.toThrow()
})

test('what has left with the end of a stream is not counted as left unread', async () => {
  const stream = {
    writeStatus: 'writable',
    writableNeedsDrain: true,
    addEventListener: () => {},
    send: () => {},
    close: async () => {}
  }
  const outbox = new Outbox(stream as unknown as Stream, newCounters())
  for (let i = 1; i <= 3; i++) outbox.push(Uint8Array.of(i), i === 2)
  outbox.assertInvariants()
  await outbox.close(1000)
  expect(() => outbox.assertInvariants()).not.toThrow()
})
