/** Who reaches whom, without mDNS: static, remembered and learned addresses, restarts, other keys. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, expect, test } from 'vitest'
import type { RememberedPeer } from '../../../src/net/transport.ts'
import { until } from '../../support/until.ts'
import { closeAll, heartbeat, open, prepare, request, type Member } from '../cluster.ts'

afterEach(closeAll)

function addressOf(member: Member): string {
  return member.receiver.own[0] ?? ''
}

function withoutId(address: string): string {
  return address.replace(/\/p2p\/.*/, '')
}

async function linked(...members: readonly Member[]): Promise<void> {
  await until(
    () =>
      members.every(one =>
        members.every(other => one === other || one.receiver.isLinked(other.transport.id))
      ),
    'links between all'
  )
}

/** Two keys, the one with the smaller peer id first. */
async function orderedKeys() {
  const keys = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')] as const
  const [a, b] = keys.map(key => peerIdFromPrivateKey(key).toString()) as [string, string]
  return a < b ? keys : ([keys[1], keys[0]] as const)
}

test('a static address without a peer id is enough for a link', async () => {
  const a = await open()
  const b = await open({ peers: [withoutId(addressOf(a))] })
  await linked(a, b)
  expect(b.transport.peers()).toMatchObject([{ id: a.transport.id, connected: true }])
})

test('whoever has the larger peer id and the only address dials as a fall-back', async () => {
  const [small, large] = await orderedKeys()
  const a = await open({ privateKey: small })
  const b = await open({ privateKey: large, peers: [addressOf(a)] })
  await linked(a, b)
})

test('the log tells of a static address that nobody answers at, and when somebody does', async () => {
  const early = await open()
  const address = withoutId(addressOf(early))
  const { privateKey } = early
  await early.transport.stop()
  const b = await open({ peers: [address] })
  const said = (what: string) => (): boolean => b.lines.some(line => line.includes(what))
  await until(said('no node answers at an address of --peer'), 'the silence to be told', 30_000)
  expect(b.transport.unanswered()).toMatchObject([{ address }])
  await open({ privateKey, listen: [address] })
  await until(said('a node answers at an address of --peer'), 'the answer to be told', 30_000)
  expect(b.transport.unanswered()).toEqual([])
  expect(b.lines.filter(line => line.includes('no node answers'))).toHaveLength(1)
}, 90_000)

test('a static peer that starts later is reached', async () => {
  const early = await open()
  const address = withoutId(addressOf(early))
  const { privateKey } = early
  await early.transport.stop()
  const b = await open({ peers: [address] })
  await until(() => b.lines.some(line => line.includes('could not connect')), 'a failed attempt')
  const a = await open({ privateKey, listen: [address] })
  await linked(a, b)
})

test('a static address of ourselves is recognized and left alone', async () => {
  const early = await open()
  const address = withoutId(addressOf(early))
  const { privateKey } = early
  await early.transport.stop()
  const other = await open()
  const a = await open({ privateKey, listen: [address], peers: [address, addressOf(other)] })
  await linked(a, other)
  expect(a.transport.peers().map(({ id }) => id)).toEqual([other.transport.id])
  expect(a.lines.some(line => line.includes(a.transport.id))).toBe(false)
})

test('a node with another identity at a static address is linked instead of the old one', async () => {
  const early = await open()
  const address = withoutId(addressOf(early))
  const b = await open({ peers: [address] })
  await linked(early, b)
  await early.transport.stop()
  const late = await open({ listen: [address] })
  await linked(late, b)
})

test('a peer that restarts with its key on another port is found through the address it learns', async () => {
  const a = await open()
  const b = await open({ peers: [addressOf(a)] })
  await linked(a, b)
  await b.transport.stop()
  await until(() => !a.receiver.isLinked(b.transport.id), 'the link to go')
  const again = await open({ privateKey: b.privateKey, peers: [addressOf(a)] })
  await linked(a, again)
  expect(a.receiver.links.map(({ up }) => up)).toEqual([true, false, true])
})

test('a heartbeat tells where its author listens, and that is enough to reach it', async () => {
  const a = await open()
  const b = await open({ peers: [addressOf(a)] })
  const c = await open({ peers: [addressOf(b)] })
  await linked(a, b)
  await linked(b, c)
  let at = 1
  await until(() => {
    for (const { transport, receiver } of [a, b, c]) {
      transport.publish(heartbeat(transport.id, at++, receiver.own))
      b.transport.send(a.transport.id, heartbeat(c.transport.id, at++, c.receiver.own))
    }
    return a.receiver.isLinked(c.transport.id)
  }, 'a link to a peer that was only heard of')
  await linked(a, b, c)
})

test('members are told to be remembered, and remembered ones are reached', async () => {
  const a = await open()
  let remembered: readonly RememberedPeer[] = []
  const b = await open({ peers: [addressOf(a)], onAddresses: peers => (remembered = peers) })
  await linked(a, b)
  await until(() => remembered.length > 0, 'something to remember')
  expect(remembered).toEqual([{ id: a.transport.id, addresses: [withoutId(addressOf(a))] }])
  await b.transport.stop()
  const again = await open({ privateKey: b.privateKey, remembered })
  await linked(a, again)
})

test('remembered addresses that are damaged are passed over', async () => {
  const a = await open()
  const good = { id: a.transport.id, addresses: ['nonsense', addressOf(a)] }
  const b = await open({ remembered: [{ id: 'nobody', addresses: ['/ip4/1.2.3.4/tcp/1'] }, good] })
  await linked(a, b)
})

test('a stranger with another key gets no link and no message, and the log says so', async () => {
  const a = await open()
  const stranger = await open({ psk: new Uint8Array(32).fill(8), peers: [addressOf(a)] })
  await until(
    () => stranger.lines.some(line => line.includes('could not connect')),
    'the failed attempt'
  )
  await until(() => a.lines.some(line => line.startsWith('debug')), 'a word about it')
  a.transport.publish(heartbeat(a.transport.id))
  stranger.transport.send(a.transport.id, heartbeat(stranger.transport.id))
  stranger.transport.sync(a.transport.id, request(stranger.transport.id))
  await until(() => stranger.receiver.ended.length === 1, 'the end of the sync')
  expect(a.receiver.links).toEqual([])
  expect(stranger.receiver.links).toEqual([])
  expect(stranger.receiver.messages).toEqual([])
  expect(a.receiver.messages).toEqual([])
})

test('two clusters with one key do not link', async () => {
  const a = await open()
  const other = await open({ cluster: 'other', peers: [addressOf(a)] })
  await until(() => other.lines.some(line => line.includes('could not open')), 'the refusal')
  expect(a.receiver.links).toEqual([])
})

test('malformed settings are refused by name, before anything is opened', async () => {
  await expect(prepare({ peers: ['10.0.0.1:4001'] })).rejects.toThrow('peers: "10.0.0.1:4001"')
  await expect(prepare({ listen: ['nonsense'] })).rejects.toThrow('listen: "nonsense"')
  await expect(prepare({ psk: new Uint8Array(5) })).rejects.toThrow('psk must be 32 bytes')
  await expect(prepare({ fingerprint: 'No!' })).rejects.toThrow('fingerprint must be')
})

test('a port that is taken is an error that names it', async () => {
  const a = await open()
  const address = withoutId(addressOf(a))
  await expect(open({ listen: [address] })).rejects.toThrow(
    `listen cannot be ${address}: listening there fails (EADDRINUSE)`
  )
})
