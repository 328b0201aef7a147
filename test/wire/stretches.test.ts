/** What could not be read, on the wire: in three kinds of messages, absent if there is none, and within a bound. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UNREADABLE_MAX } from '../../src/core/base/coverage.ts'
import { Dots } from '../../src/core/base/dots.ts'
import { GOSSIP_BYTES_MAX } from '../../src/core/options.ts'
import { HeartbeatWindow } from '../../src/core/liveness/heartbeat-window.ts'
import type { Message, Span } from '../../src/core/message.ts'
import { decode, encode, encodeUnchecked } from '../../src/wire/codec.ts'
import { bootOf, heartbeatOf } from '../support/tasks.ts'

const A = bootOf('a')
const vector = new Map([[A, 9]])
const span: Span = { origin: A, after: 3, upTo: 5 }

/** Stretches that neither touch nor overlap, of some boots. */
const stretches = fc
  .array(fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 5000 }), fc.nat({ max: 4 })), { maxLength: 40 })
  .map(list => {
    const dots = new Dots()
    for (const [boot, after, length] of list) {
      dots.add({ origin: bootOf(`${boot}`), after, upTo: after + length + 1 })
    }
    return dots.all()
  })

test('stretches come as they went, in every kind of message that carries a vector', () => {
  fc.assert(
    fc.property(stretches, unreadable => {
      const told = unreadable.length === 0 ? {} : { unreadable }
      const again = unreadable.length === 0 ? {} : { again: unreadable }
      const messages: Message[] = [
        { kind: 'ack', boot: A, vector, ...told },
        { kind: 'sync', boot: A, vector, ...told, ...again },
        heartbeatOf(A, { vector, ...told })
      ]
      for (const message of messages) {
        expect(decode(encode(message))).toEqual({ ok: true, message })
      }
    })
  )
})

test('an introduction carries them, too', () => {
  const message: Message = {
    kind: 'introduction',
    heartbeat: heartbeatOf(A, { vector, unreadable: [span] })
  }
  expect(decode(encode(message))).toEqual({ ok: true, message })
})

test('a message without them has the bytes that it always had', () => {
  const ack = encode({ kind: 'ack', boot: A, vector })
  expect(encode({ kind: 'ack', boot: A, vector, unreadable: [] })).toEqual(ack)
})

test('more than anybody may keep are refused', () => {
  const list = (count: number): Span[] =>
    Array.from({ length: count }, (_, i) => ({ origin: A, after: 2 * i, upTo: 2 * i + 1 }))
  const ack = (count: number): Message => ({
    kind: 'ack',
    boot: A,
    vector,
    unreadable: list(count)
  })
  expect(decode(encode(ack(UNREADABLE_MAX)))).toMatchObject({ ok: true })
  expect(decode(encodeUnchecked(ack(UNREADABLE_MAX + 1)))).toMatchObject({ ok: false })
  expect(() => encode(ack(UNREADABLE_MAX + 1))).toThrow()
})

test('a heartbeat with as many as may be, of as many boots, fits into a gossip message; all of them are told in turn', () => {
  const boots = Array.from({ length: UNREADABLE_MAX }, (_, i) => bootOf(`${'n'.repeat(40)}${i}`))
  const upTo = 2 ** 31
  const unreadable = boots.map(origin => ({ origin, after: upTo - 2, upTo: upTo - 1 }))
  const heartbeat = heartbeatOf(A, { vector: new Map(boots.map(b => [b, upTo])), unreadable })
  const window = new HeartbeatWindow()
  const told = new Set<string>()
  for (let i = 0; i < 10; i++) {
    const fitted = window.fit(heartbeat, GOSSIP_BYTES_MAX)
    expect(encode(fitted).length).toBeLessThanOrEqual(GOSSIP_BYTES_MAX)
    expect(new Set(fitted.unreadable?.map(({ origin }) => origin))).toEqual(
      new Set(fitted.vector.keys())
    )
    for (const boot of fitted.vector.keys()) told.add(boot)
  }
  expect(told.size).toBe(boots.length)
})

test('a heartbeat with as many as may be, of one boot, fits into a gossip message', () => {
  const unreadable = Array.from({ length: UNREADABLE_MAX }, (_, i) => ({
    origin: A,
    after: (i + 1) * 2 ** 20,
    upTo: (i + 1) * 2 ** 20 + 2 ** 19
  }))
  const heartbeat = heartbeatOf(A, { vector: new Map([[A, 2 ** 31]]), unreadable })
  const fitted = new HeartbeatWindow().fit(heartbeat, GOSSIP_BYTES_MAX)
  expect(fitted).toBe(heartbeat)
  expect(encode(fitted).length).toBeLessThanOrEqual(10 * UNREADABLE_MAX + 1024)
})
