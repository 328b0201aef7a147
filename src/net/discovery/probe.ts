/**
 * Evidence that a process is dead. A computer that runs refuses a connection to a port where no process listens, at
 * once; a cut cable refuses nothing. So a refusal proves that the process is gone, and silence proves nothing at all.
 * That holds where the process was: by the last link, not by what was once said (last-links.ts).
 *
 * Where a process does answer, it may be the peer, or another node that got its port. Noise tells them apart: a node
 * cannot answer in the name of another.
 */
import { setTimeout } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { hostOf, parseAddress, withoutPeer } from './addresses.ts'
import { probeTcp } from './tcp-probe.ts'
import type { Network } from '../libp2p.ts'
import { probeTimeoutMs } from '../protocol.ts'

/** What Noise says when a peer proves to be another than the one that was dialled. */
const WRONG_PEER = /^Payload identity key \S+ does not match expected remote identity key /

/** How long connections of a dead process may take to be seen as closed; and how often they are looked at. Guess. */
const closingMs = 1000
const closingLookMs = 10

/**
 * Whether a peer is certainly at none of these addresses.
 *
 * @param isConfirmed whether the peer was at an address when it was last linked. @default wherever it says
 */
export async function isDeserted(
  peer: string,
  addresses: readonly string[],
  network: Network,
  isConfirmed: (address: Multiaddr) => boolean = () => true
): Promise<boolean> {
  const parsed = addresses.map(parseAddress).filter(address => address !== null)
  if (!parsed.some(isConfirmed)) return false
  const answers = await Promise.all(parsed.map(address => isEmpty(peer, address, network)))
  return answers.every(Boolean) && (await isDisconnected(peerIdFromString(peer), network))
}

/**
 * A process that has just died leaves connections behind that libp2p has not given up yet: the first of its streams
 * that broke is what the probe was for. One that stays open belongs to a process that lives.
 */
async function isDisconnected(peer: PeerId, network: Network): Promise<boolean> {
  for (let waitedMs = 0; network.getConnections(peer).length > 0; waitedMs += closingLookMs) {
    if (waitedMs >= closingMs) return false
    await setTimeout(closingLookMs)
  }
  return true
}

async function isEmpty(peer: string, address: Multiaddr, network: Network): Promise<boolean> {
  const port = address.getComponents().find(part => part.name === 'tcp')?.value
  const host = hostOf(address)
  if (host === undefined || port === undefined) return false
  const answer = await probeTcp(host, Number(port))
  if (answer !== 'answered') return answer === 'refused'
  try {
    const signal = AbortSignal.timeout(probeTimeoutMs)
    await network.dial(withoutPeer(address).encapsulate(`/p2p/${peer}`), { signal })
    return false
  } catch (error) {
    return isSomebodyElse(error)
  }
}

/**
 * Whether a dial has failed because nobody listens at any of the addresses, or somebody else: the process that was there
 * is not there now.
 */
export function isDesertion(error: unknown): boolean {
  if (error instanceof AggregateError) {
    return error.errors.length > 0 && error.errors.every(isDesertion)
  }
  return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' || isSomebodyElse(error)
}

/**
 * libp2p reports several failed addresses as one error with the others inside, and wraps what Noise found out about the
 * peer, so that only the text of it is left.
 */
function isSomebodyElse(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isSomebodyElse)
  if (!(error instanceof Error)) return false
  return error.name === 'UnexpectedPeerError' || WRONG_PEER.test(error.message)
}
