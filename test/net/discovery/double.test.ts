/** Whether somebody else uses our identity, and what others cannot say in our name. */
import { createServer, connect, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Message } from '../../../src/core/message.ts'
import { encode } from '../../../src/wire/codec.ts'
import { until } from '../../support/until.ts'
import { closeAll, heartbeat, open, type Member } from '../cluster.ts'
import { intruder, names, stopIntruders } from '../intruder.ts'

const relays: Server[] = []

afterEach(async () => {
  for (const relay of relays.splice(0)) relay.close()
  await stopIntruders()
  await closeAll()
})

function addressOf(member: Member): string {
  return member.receiver.own[0] ?? ''
}

/** Passes on every byte to a port. Returns its own address. */
async function relayTo(address: string): Promise<string> {
  const port = Number(/tcp\/(\d+)/.exec(address)![1])
  const relay = createServer(socket => {
    const onward = connect(port, '127.0.0.1')
    socket.pipe(onward).pipe(socket)
    for (const end of [socket, onward]) end.on('error', () => end.destroy())
  })
  relays.push(relay)
  await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', resolve))
  const own = relay.address()
  if (own === null || typeof own === 'string') throw new Error('the relay has no port')
  return `/ip4/127.0.0.1/tcp/${own.port}`
}

test('another process with our key is met at its address', async () => {
  const first = await open()
  const copy = await open({ privateKey: first.privateKey })
  expect(await copy.transport.meets([addressOf(first)])).toBe(true)
})

test('nobody is met where we are ourselves, also through somebody who passes on every byte', async () => {
  const alone = await open()
  const relay = await relayTo(addressOf(alone))
  expect(await alone.transport.meets([addressOf(alone)])).toBe(false)
  expect(await alone.transport.meets([relay])).toBe(false)
})

test('nobody is met at the address of another node, at one that refuses, and at none', async () => {
  const [a, b] = [await open(), await open()]
  expect(await a.transport.meets([addressOf(b)])).toBe(false)
  expect(await a.transport.meets(['/ip4/127.0.0.1/tcp/1', 'nonsense'])).toBe(false)
  expect(await a.transport.meets([])).toBe(false)
})

/** A peer with the key that gossips whatever it is told to, and is known to be heard. */
async function gossiper(
  member: Member
): Promise<(topic: string, message: Message) => Promise<unknown>> {
  const { services } = await intruder(member)
  const { pubsub } = services
  await until(() => pubsub.getSubscribers(names.logTopic).length === 1, 'the subscription')
  await until(() => pubsub.getSubscribers(names.heartbeatTopic).length === 1, 'the subscription')
  return (topic, message) => pubsub.publish(topic, encode(message))
}

test('a heartbeat that somebody publishes in our name is not handed on by us', async () => {
  const member = await open()
  const publish = await gossiper(member)
  const forged = heartbeat(member.transport.id, 7)
  await publish(names.heartbeatTopic, forged)
  await publish(names.heartbeatTopic, heartbeat('somebody', 1))
  await until(() => member.receiver.messages.length > 0, 'what the other says of itself')
  const authors = member.receiver.messages.map(({ message }) =>
    message.kind === 'heartbeat' ? message.boot : message.kind
  )
  expect(authors).not.toContain(forged.boot)
})

test('what goes straight to one peer is refused as gossip', async () => {
  const member = await open()
  const publish = await gossiper(member)
  const { boot } = heartbeat(member.transport.id)
  await publish(names.logTopic, { kind: 'goodbye', boot, upTo: 1 })
  await until(() => member.transport.counters().refused === 1, 'the refusal')
  expect(member.receiver.messages).toEqual([])
})
