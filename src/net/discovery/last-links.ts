/**
 * From where each peer was last linked.
 *
 * A refused connection proves that nobody listens at an address, not that the peer has not moved: after a new lease of
 * its router another computer may be there, and refuses in its place. So a refusal counts only where the peer was known
 * to be by the last link: at the address that was dialled, or that it came from.
 */
import { networkInterfaces } from 'node:os'
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { hostOf } from './addresses.ts'
import { peersMax } from '../protocol.ts'

const LOOPBACK = /^(127\.|::1$)/
/** An IPv4 address as a socket for both kinds has it, in the form that libp2p gives it. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i

export class LastLinks {
  readonly #hosts = new Map<string, string>()
  readonly #ownHosts: () => readonly string[]

  /** @param own addresses of this computer. @default those of its interfaces */
  constructor(own: () => readonly string[] = ownHosts) {
    this.#ownHosts = own
  }

  /** The newest connection counts: one to a place that the peer has left may still seem open. */
  opened({ remotePeer, remoteAddr }: Pick<Connection, 'remotePeer' | 'remoteAddr'>): void {
    const peer = remotePeer.toString()
    this.#hosts.delete(peer)
    this.#hosts.set(peer, hostIn(remoteAddr))
    const [oldest] = this.#hosts.keys()
    if (this.#hosts.size > peersMax && oldest !== undefined) this.#hosts.delete(oldest)
  }

  /** Whether the peer was at this address. Of one that this process has never been linked to, its own word counts. */
  confirms(peer: string, address: Multiaddr): boolean {
    const host = this.#hosts.get(peer)
    if (host === undefined || host === hostIn(address)) return true
    // Over loopback it is on this computer, and tells others of the addresses that this computer has.
    return LOOPBACK.test(host) && this.#ownHosts().includes(hostIn(address))
  }
}

function ownHosts(): string[] {
  return Object.values(networkInterfaces()).flatMap(all =>
    (all ?? []).map(({ address }) => address)
  )
}

function hostIn(address: Multiaddr): string {
  const host = hostOf(address) ?? ''
  const [, high, low] = MAPPED.exec(host) ?? []
  if (high === undefined || low === undefined) return host
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [first >> 8, first & 255, second >> 8, second & 255].join('.')
}
