/**
 * Stops libp2p without leaving timers behind. Two of its timers go on when it has stopped, do nothing when they fire, and
 * keep the process alive until then: each node took one to two and a half seconds longer to end.
 *
 * - Its address manager means to write down addresses a second after a transport has closed, also when all of libp2p is
 *   stopping. It can go when `AddressManager` stops its debounced update (libp2p 3.3.11 does not).
 * - GossipSub stops the timer of its first heartbeat, and not that of the next one, which stands in the same status. It
 *   can go when `GossipSub.stop` clears `status.heartbeatTimeout` (17.1.1 does not).
 */
import type { Libp2p } from '@libp2p/interface'

type Timers = {
  components?: { addressManager?: { _updatePeerStoreAddresses?: { stop?: () => void } } }
  services?: { pubsub?: { status?: { heartbeatTimeout?: NodeJS.Timeout } } }
}

export async function stopWhole(network: Pick<Libp2p, 'stop'>): Promise<void> {
  const { components, services } = network as Timers
  // Afterwards it has another one.
  const status = services?.pubsub?.status
  await network.stop()
  // oxlint-disable-next-line no-underscore-dangle -- so it is called there
  components?.addressManager?._updatePeerStoreAddresses?.stop?.()
  clearTimeout(status?.heartbeatTimeout)
}
