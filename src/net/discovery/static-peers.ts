/**
 * Which addresses of the settings answer. One that does not is dialled for ever, and nothing else would tell that it is
 * mistyped, or that its computer is off: so it is said in the log, once for each silence, and again when it answers.
 */
import type { Multiaddr } from '@multiformats/multiaddr'
import type { UnansweredPeer } from '../../ports/ports.ts'
import { peerIn, withoutPeer } from './addresses.ts'
import { reason, type TransportLog } from '../log.ts'
import { unansweredMs, unansweredAgainMs } from '../protocol.ts'

type Place = {
  readonly address: string
  /** Who listens there; null as long as nobody has answered. */
  id: string | null
  /** Since when nobody has answered, by `performance.now`; null if somebody does. */
  silentSince: number | null
  toldAt: number
  /** The log says that nobody answers. */
  isTold: boolean
}

export class StaticPeers {
  readonly #log: TransportLog
  readonly #places: Map<string, Place>

  constructor(peers: readonly Multiaddr[], log: TransportLog) {
    this.#log = log
    const now = performance.now()
    const places = peers.map((peer): [string, Place] => {
      const address = withoutPeer(peer).toString()
      const id = peerIn(peer)
      return [address, { address, id, silentSince: now, toldAt: -Infinity, isTold: false }]
    })
    this.#places = new Map(places)
  }

  /** A dial has reached a peer; those of its addresses that were tried count as its own. */
  reached(id: string, addresses: readonly Multiaddr[]): void {
    if (this.#places.size === 0) return
    for (const place of this.#among(addresses)) place.id = id
    this.connected(id)
  }

  /** A dial has led nowhere. */
  failed(addresses: readonly Multiaddr[], error: unknown): void {
    const now = performance.now()
    for (const place of this.#among(addresses)) {
      place.silentSince ??= now
      const isDue = !place.isTold && now - place.toldAt >= unansweredAgainMs
      if (!isDue || now - place.silentSince < unansweredMs) continue
      place.isTold = true
      place.toldAt = now
      this.#log.warn(
        { address: place.address, error: reason(error) },
        'no node answers at an address of --peer; it is tried again'
      )
    }
  }

  /** A peer has a connection, whoever dialled. */
  connected(id: string): void {
    for (const place of this.#places.values()) {
      if (place.id !== id) continue
      place.silentSince = null
      if (!place.isTold) continue
      place.isTold = false
      this.#log.info({ address: place.address, peer: id }, 'a node answers at an address of --peer')
    }
  }

  /** Those that have not answered for longer than a dial may take. */
  unanswered(): UnansweredPeer[] {
    const now = performance.now()
    return [...this.#places.values()].flatMap(({ address, silentSince }) => {
      const silentMs = silentSince === null ? 0 : now - silentSince
      return silentMs < unansweredMs ? [] : [{ address, silentMs }]
    })
  }

  #among(addresses: readonly Multiaddr[]): Place[] {
    if (this.#places.size === 0) return []
    return addresses.flatMap(address => this.#places.get(withoutPeer(address).toString()) ?? [])
  }
}
