/** The evidence for a crash, with real sockets: nobody there, somebody else there, the peer itself there. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { afterEach, expect, test } from 'vitest'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { LastLinks } from '../../src/net/discovery/last-links.ts'
import { createNetwork, type Network } from '../../src/net/libp2p.ts'
import { isDeserted } from '../../src/net/discovery/probe.ts'
import { protocolNames } from '../../src/net/protocol.ts'

const open: Network[] = []
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

afterEach(async () => {
  await Promise.all(open.splice(0).map(async network => network.stop()))
})

async function start(psk = 7): Promise<Network> {
  const network = await createNetwork({
    privateKey: await generateKeyPair('Ed25519'),
    psk: new Uint8Array(32).fill(psk),
    names: protocolNames('probe'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    only: null,
    discovery: () => ({ start: () => undefined, stop: () => undefined }),
    log: silent
  })
  open.push(network)
  await network.start()
  return network
}

async function stranger(): Promise<string> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
}

function addressesOf(network: Network): string[] {
  return network.getMultiaddrs().map(address => address.toString().replace(/\/p2p\/.*/, ''))
}

test('a port where nobody listens is deserted', async () => {
  const [asker, other] = [await start(), await start()]
  const addresses = addressesOf(other)
  const peer = other.peerId.toString()
  await open.pop()!.stop()
  expect(await isDeserted(peer, addresses, asker)).toBe(true)
})

test('a port where another peer answers is deserted, whether or not we are linked to that one', async () => {
  const [asker, other] = [await start(), await start()]
  const gone = await stranger()
  expect(await isDeserted(gone, addressesOf(other), asker)).toBe(true)
  await asker.dial(other.getMultiaddrs()[0]!)
  expect(await isDeserted(gone, addressesOf(other), asker)).toBe(true)
})

test('a port where the peer itself answers is not, nor one of a peer that we are linked to', async () => {
  const [asker, other] = [await start(), await start()]
  const peer = other.peerId.toString()
  expect(await isDeserted(peer, addressesOf(other), asker)).toBe(false)
  expect(await isDeserted(peer, ['/ip4/127.0.0.1/tcp/1'], asker)).toBe(false)
})

test('a port where something else answers, or with another key, proves nothing', async () => {
  const [asker, other] = [await start(), await start(8)]
  expect(await isDeserted(await stranger(), addressesOf(other), asker)).toBe(false)
})

test('without addresses, or with one that is refused and one that is not, nothing is proven', async () => {
  const [asker, other] = [await start(), await start()]
  const peer = other.peerId.toString()
  expect(await isDeserted(peer, [], asker)).toBe(false)
  expect(await isDeserted(peer, ['nonsense'], asker)).toBe(false)
  const mixed = ['/ip4/127.0.0.1/tcp/1', ...addressesOf(other)]
  expect(await isDeserted(peer, mixed, asker)).toBe(false)
})

test('a refusal where the peer was not when it was last linked proves nothing, also beside one that is refused', async () => {
  const [asker, other, elsewhere] = [await start(), await start(), await start()]
  const peer = other.peerId.toString()
  const links = new LastLinks()
  const confirms = (address: Multiaddr): boolean => links.confirms(peer, address)
  links.opened({ remotePeer: other.peerId, remoteAddr: multiaddr('/ip4/192.0.2.9/tcp/55555') })
  const addresses = addressesOf(other)
  const both = [...addresses, ...addressesOf(elsewhere)]
  await elsewhere.stop()
  await other.stop()
  expect(await isDeserted(peer, addresses, asker, confirms)).toBe(false)
  expect(await isDeserted(peer, both, asker, confirms)).toBe(false)
  links.opened({ remotePeer: other.peerId, remoteAddr: multiaddr('/ip6/::ffff:127.0.0.1/tcp/7') })
  expect(await isDeserted(peer, addresses, asker, confirms)).toBe(true)
})

test('of a peer that was never linked its own word counts', async () => {
  const [asker, other] = [await start(), await start()]
  const peer = other.peerId.toString()
  const addresses = addressesOf(other)
  await open.pop()!.stop()
  const links = new LastLinks()
  expect(await isDeserted(peer, addresses, asker, at => links.confirms(peer, at))).toBe(true)
})

test('beside one that is refused, one that says nothing proves nothing either', async () => {
  const [asker, other, foreign] = [await start(), await start(), await start(8)]
  const refused = addressesOf(other)
  await other.stop()
  const peer = other.peerId.toString()
  expect(await isDeserted(peer, refused, asker)).toBe(true)
  expect(await isDeserted(peer, [...refused, ...addressesOf(foreign)], asker)).toBe(false)
})

test('a peer that is linked over loopback is on this computer, at each address that this computer has', async () => {
  const links = new LastLinks(() => ['127.0.0.1', '192.168.1.5'])
  const peer = await stranger()
  const at = (address: string): boolean => links.confirms(peer, multiaddr(`${address}/tcp/4001`))
  const remotePeer = peerIdFromString(peer)
  links.opened({ remotePeer, remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/5555') })
  expect(['/ip4/192.168.1.5', '/ip4/192.168.1.6'].map(at)).toEqual([true, false])
  links.opened({ remotePeer, remoteAddr: multiaddr('/ip4/192.168.1.6/tcp/5555') })
  expect(['/ip4/192.168.1.5', '/ip4/192.168.1.6'].map(at)).toEqual([false, true])
})
