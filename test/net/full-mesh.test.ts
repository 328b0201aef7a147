/** What is told to all, where all are linked: it goes straight to each, and by gossip as soon as somebody is not. */
import { afterAll, expect, test } from 'vitest'
import type { Heartbeat } from '../../src/core/message.ts'
import { newCounters } from '../../src/net/counters.ts'
import { DirectStreams } from '../../src/net/streams/streams.ts'
import { until } from '../support/until.ts'
import { closeAll, heartbeat, lineLog, open } from './cluster.ts'

afterAll(closeAll)

test('what is published in a full mesh reaches everybody once, in order with what goes to one', async () => {
  const a = await open()
  const peers = a.receiver.own
  const others = [await open({ peers }), await open({ peers })]
  await until(() => a.receiver.linked().length === 2, 'the links')
  for (let at = 1; at <= 100; at++) {
    const message = heartbeat(a.transport.id, at)
    // Two streams would not keep this order.
    if (at % 2 === 0) a.transport.publish(message, true)
    else for (const { transport } of others) a.transport.send(transport.id, message)
  }
  const counted = Array.from({ length: 100 }, (_, i) => i + 1)
  for (const { receiver } of others) {
    await until(() => receiver.messages.length >= 100, 'all messages')
    expect(receiver.messages.map(({ message }) => (message as Heartbeat).at)).toEqual(counted)
  }
  expect(a.receiver.messages).toEqual([])
})

test('nothing goes straight to all while a peer that is connected has no link', () => {
  const counters = newCounters()
  const streams = new DirectStreams({
    protocol: 'test',
    connections: () => [],
    onMessage: () => {},
    onLink: () => {},
    counters,
    log: lineLog([])
  })
  expect(streams.sendAll(new Uint8Array(1))).toBe(true)
  streams.connected('a peer')
  expect(streams.sendAll(new Uint8Array(1))).toBe(false)
  streams.disconnected('a peer')
  expect(streams.sendAll(new Uint8Array(1))).toBe(true)
  expect(counters.dropped).toBe(0)
})
