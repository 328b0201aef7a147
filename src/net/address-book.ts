/**
 * Who there is and where, as far as anybody has said.
 *
 * Addresses are kept by source, newest state of each: a peer's own word replaces its own older word, and does not wipe
 * out what the settings say. Anybody on the LAN may announce anything, so the book has a bound, and what only strangers
 * have said is dropped first and soon.
 */
import type { Multiaddr } from '@multiformats/multiaddr'
import { withoutPeer } from './addresses.ts'
import { addressesPerPeerMax, hearsayMs, peersMax } from './protocol.ts'

/** In the order in which addresses are tried: the freshest word first. */
const sources = ['mdns', 'learned', 'static', 'remembered'] as const
export type Source = (typeof sources)[number]

type Entry = { bySource: Map<Source, readonly Multiaddr[]>; heardAt: number; member: boolean }

export class AddressBook {
  readonly #self: string
  readonly #entries = new Map<string, Entry>()

  constructor(self: string) {
    this.#self = self
  }

  /** Notes what a source says; nothing is noted about ourselves. True if it is news about a member. */
  note(id: string, source: Source, addresses: readonly Multiaddr[], nowMs: number): boolean {
    if (id === this.#self || addresses.length === 0) return false
    const entry = this.#entries.get(id) ?? this.#add(id, nowMs)
    if (entry === null) return false
    entry.heardAt = nowMs
    const bare = addresses.slice(0, addressesPerPeerMax).map(withoutPeer)
    const before = entry.bySource.get(source) ?? []
    entry.bySource.set(source, bare)
    return entry.member && before.join() !== bare.join()
  }

  /** The peer has shown that it has the key. True if that is news. */
  authenticated(id: string, nowMs: number): boolean {
    const entry = this.#entries.get(id) ?? this.#add(id, nowMs)
    if (entry === null || entry.member) return false
    entry.member = true
    return true
  }

  /** Addresses of a peer, without its id, the freshest first. What the settings say passes any filter. */
  addresses(id: string, filter: (address: Multiaddr) => boolean = () => true): Multiaddr[] {
    const entry = this.#entries.get(id)
    if (entry === undefined) return []
    const all = sources.flatMap(source => {
      const addresses = entry.bySource.get(source) ?? []
      return source === 'static' ? addresses : addresses.filter(filter)
    })
    const unique = new Map(all.map(address => [address.toString(), address]))
    return [...unique.values()].slice(0, addressesPerPeerMax)
  }

  /** Whether it has shown the key, now or before. */
  isMember(id: string): boolean {
    return this.#entries.get(id)?.member ?? false
  }

  ids(): IterableIterator<string> {
    return this.#entries.keys()
  }

  /** Drops peers that nobody but the air has spoken of for a while. */
  prune(nowMs: number): void {
    for (const [id, entry] of this.#entries) {
      if (isHearsay(entry) && nowMs - entry.heardAt > hearsayMs) this.#entries.delete(id)
    }
  }

  #add(id: string, nowMs: number): Entry | null {
    if (this.#entries.size >= peersMax) {
      const hearsay = [...this.#entries].find(([, entry]) => isHearsay(entry))
      if (hearsay === undefined) return null
      this.#entries.delete(hearsay[0])
    }
    const entry: Entry = { bySource: new Map(), heardAt: nowMs, member: false }
    this.#entries.set(id, entry)
    return entry
  }
}

function isHearsay(entry: Entry): boolean {
  return !entry.member && [...entry.bySource.keys()].every(source => source === 'mdns')
}
