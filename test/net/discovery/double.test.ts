/** Whether somebody else uses our identity, and what others cannot say in our name. */
import { createServer, connect, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { closeAll, heartbeat, open, type Member } from '../cluster.ts'

const relays: Server[] = []

afterEach(async () => {
  for (const relay of relays.splice(0)) relay.close()
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

test('a heartbeat that somebody publishes in our name is not handed on by us', async () => {
  const a = await open()
  const b = await open({ peers: [addressOf(a)] })
  await until(() => a.receiver.isLinked(b.transport.id), 'a link')
  const forged = heartbeat(a.transport.id, 7)
  let tries = 0
  await until(() => {
    b.transport.publish({ ...forged, at: 7 + tries++ })
    b.transport.publish(heartbeat(b.transport.id, tries))
    return a.receiver.messages.length > 2
  }, 'what b says of itself')
  const authors = a.receiver.messages.map(({ message }) =>
    message.kind === 'heartbeat' ? message.boot : message.kind
  )
  expect(authors).not.toContain(forged.boot)
})

test('what goes straight to one peer is refused as gossip', async () => {
  const a = await open()
  const b = await open({ peers: [addressOf(a)] })
  await until(() => a.receiver.isLinked(b.transport.id), 'a link')
  const { boot } = heartbeat(a.transport.id)
  const before = a.transport.counters().refused
  let upTo = 0
  await until(() => {
    b.transport.publish({ kind: 'goodbye', boot, upTo: upTo++ })
    return a.transport.counters().refused > before
  }, 'the refusal')
  expect(a.receiver.messages.map(({ message }) => message.kind)).not.toContain('goodbye')
})
