/**
 * Evidence of another process that uses this node's identity: it answers by the same key.
 *
 * libp2p refuses a connection to oneself, but only after Noise has shown that there is the same key at the other end.
 * That may be this very process: the address is one of ours, or of a proxy that passes on every byte to us. Then a
 * handshake is under way at our own door meanwhile, for no other process could answer by the key. So what happens while
 * one is proves nothing.
 */
import { parseAddress, withoutPeer } from './addresses.ts'
import type { Network } from '../libp2p.ts'
import type { Handshakes } from '../patches/noise.ts'
import { probeTimeoutMs } from '../protocol.ts'

/** Whether another process certainly answers at one of these addresses by our key. */
export async function meetsDouble(
  addresses: readonly string[],
  network: Network,
  handshakes: Handshakes
): Promise<boolean> {
  for (const text of addresses) {
    const address = parseAddress(text)
    if (address === null) continue
    const { begun, underWay } = handshakes
    const isOurs = await answersByOurKey(() =>
      network.dial(withoutPeer(address), { signal: AbortSignal.timeout(probeTimeoutMs) })
    )
    if (isOurs && underWay === 0 && handshakes.begun === begun) return true
  }
  return false
}

async function answersByOurKey(dial: () => Promise<unknown>): Promise<boolean> {
  try {
    await dial()
    return false
  } catch (error) {
    return isSelf(error)
  }
}

/** Whether libp2p says that a peer without a name in its address turned out to have the id of this node. */
function isSelf(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isSelf)
  return error instanceof Error && error.name === 'InvalidPeerIdError'
}
