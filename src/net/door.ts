/**
 * Who is let in far enough to show the key, when more come than there is room for.
 *
 * Anybody on the network can open connections and say nothing. Each takes a place until it has shown the key or its
 * time is up, so places are bounded, in all and for one host. When they are taken, nobody is turned away for it: the
 * one who has waited longest, of the host that has most, loses its place to the one that came last. A member needs some
 * ten milliseconds to show the key, so it is through before its turn comes, also next to a flood from its own computer;
 * a silent stranger never is.
 */
import { BlockList, type SocketAddress } from 'node:net'
import type { ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import { hostOf } from './discovery/addresses.ts'
import {
  arrivalsPerHostAndSecond,
  arrivalsPerSecond,
  halfOpenMax,
  halfOpenPerHostMax
} from './protocol.ts'
import { Shares } from './shares.ts'

/** Stands for hosts without an IP address. */
const elsewhere = 'elsewhere'

export class Door implements ConnectionGater {
  /** Host -> its connections that have not shown the key yet, the oldest first. */
  readonly #waiting = new Map<string, Set<MultiaddrConnection>>()
  #count = 0
  readonly #onStranger: (host: string) => void

  /** @param onStranger called with the host of each connection that has ended, or lost its place, without the key */
  constructor(onStranger: (host: string) => void) {
    this.#onStranger = onStranger
  }

  /** How many connections have not shown the key yet. */
  get waiting(): number {
    return this.#count
  }

  denyInboundConnection = (connection: MultiaddrConnection): boolean => {
    if (connection.status !== 'open') return true
    const host = hostOf(connection.remoteAddr) ?? elsewhere
    const ofHost = this.#waiting.get(host) ?? new Set()
    this.#waiting.set(host, ofHost)
    ofHost.add(connection)
    this.#count++
    connection.addEventListener('close', () => {
      if (this.#forget(connection)) this.#onStranger(host)
    })
    if (ofHost.size > halfOpenPerHostMax) endOldest(ofHost)
    else if (this.#count > halfOpenMax) endOldest(this.#largest())
    return false
  }

  /** Called when the key has been shown. Nobody is denied here. */
  denyInboundUpgradedConnection = (_peer: unknown, connection: MultiaddrConnection): boolean => {
    this.#forget(connection)
    return false
  }

  #forget(connection: MultiaddrConnection): boolean {
    const host = hostOf(connection.remoteAddr) ?? elsewhere
    const ofHost = this.#waiting.get(host)
    if (ofHost?.delete(connection) !== true) return false
    this.#count--
    if (ofHost.size === 0) this.#waiting.delete(host)
    return true
  }

  #largest(): Set<MultiaddrConnection> {
    return [...this.#waiting.values()].reduce((x, y) => (y.size > x.size ? y : x))
  }
}

/**
 * Closes connections beyond a host's share a second before libp2p hears of them: one that libp2p turns away costs
 * nearly as much as one that it takes, and its memory is held until the time to show the key would be up.
 *
 * Node asks its server's list of blocked addresses at each connection, which is as early as it can be.
 */
export class Arrivals extends BlockList {
  readonly #shares = new Shares({
    perSecond: arrivalsPerSecond,
    perSourceAndSecond: arrivalsPerHostAndSecond
  })
  readonly #onStranger: (host: string) => void

  /** @param onStranger called with the host of each connection that is closed */
  constructor(onStranger: (host: string) => void) {
    super()
    this.#onStranger = onStranger
  }

  override check(address: SocketAddress | string): boolean {
    const host = typeof address === 'string' ? address : address.address
    if (this.#shares.take(host, performance.now())) return false
    this.#onStranger(host)
    return true
  }
}

function endOldest(connections: ReadonlySet<MultiaddrConnection>): void {
  const [oldest] = connections
  oldest?.abort(new Error('others want the place of this connection, and it has not shown the key'))
}
