/**
 * A peer that has the key and speaks none of our protocols by itself: what it says and how it answers is up to the test.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createNetwork, type Network } from '../../src/net/libp2p.ts'
import { protocolNames, type ProtocolNames } from '../../src/net/protocol.ts'
import { until } from '../support/until.ts'
import { lineLog, psk, type Member } from './cluster.ts'

/** Those of the cluster in `cluster.ts`. */
export const names: ProtocolNames = protocolNames('test')
const bare: Network[] = []

/** An intruder that listens at these addresses, connected to nobody. */
export async function bareNetwork(listen: readonly string[] = []): Promise<Network> {
  const network = await createNetwork({
    privateKey: await generateKeyPair('Ed25519'),
    psk,
    names,
    listen,
    only: null,
    discovery: () => ({ start: () => undefined, stop: () => undefined }),
    log: lineLog([])
  })
  bare.push(network)
  await network.start()
  return network
}

/** An intruder that is connected to a member. */
export async function intruder(member: Member): Promise<Network> {
  const network = await bareNetwork()
  await network.dial(addressOf(member))
  const peer = network.peerId.toString()
  await until(() => member.transport.peers().some(({ id }) => id === peer), 'the connection')
  return network
}

export function addressOf(member: Member): ReturnType<typeof multiaddr> {
  return multiaddr(member.receiver.own[0] ?? '')
}

/** Stops all of them. */
export async function stopIntruders(): Promise<void> {
  await Promise.all(bare.splice(0).map(async network => network.stop()))
}
