/**
 * Which peers there are and where, as far as any source has said.
 *
 * Addresses are kept by source, newest state of each: a peer's own word replaces its own older word, and does not wipe
 * out what the settings say. What comes without the key is not even noted (hearsay.ts); but nodes come and go for
 * years, and a node that has the key may name others, so the book has a bound. Peers that were only announced are
 * dropped soon; and where it is full, first those that were only announced go, then those that were never met, then
 * those that have been away for the longest time.
 */
import type { Multiaddr } from '@multiformats/multiaddr'
import { withoutPeer } from './addresses.ts'
import { addressesPerPeerMax, unverifiedPeerTtlMs, peersMax } from '../protocol.ts'

/** In the order in which addresses are tried: the freshest word first. */
const sources = ['mdns', 'learned', 'static', 'remembered'] as const
export type Source = (typeof sources)[number]

type Entry = { bySource: Map<Source, readonly Multiaddr[]>; heardAt: number; member: boolean }

/** How much a peer is worth: what the settings say, who was met, who was named by a member, who was only announced. */
type Rank = 0 | 1 | 2 | 3

const announcedOnly: Rank = 3

export class AddressBook {
  readonly #self: string
  readonly #isConnected: (id: string) => boolean
  readonly #onDropped: (id: string) => void
  readonly #entries = new Map<string, Entry>()

  /**
   * @param isConnected who is, stays
   * @param onDropped called with each peer that is no longer in the book
   */
  constructor(
    self: string,
    isConnected: (id: string) => boolean = () => false,
    onDropped: (id: string) => void = () => undefined
  ) {
    this.#self = self
    this.#isConnected = isConnected
    this.#onDropped = onDropped
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
    entry.heardAt = nowMs
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

  /** Whether the settings say where it is. */
  isStatic(id: string): boolean {
    return this.#entries.get(id)?.bySource.has('static') ?? false
  }

  /** Everybody, those who are worth most first. */
  ids(): IterableIterator<string> {
    const ranked = [...this.#entries].map(([id, entry]) => [id, rankOf(entry)] as const)
    return ranked
      .toSorted(([, x], [, y]) => x - y)
      .map(([id]) => id)
      .values()
  }

  /** Drops peers that only mDNS has spoken of for a while. */
  prune(nowMs: number): void {
    for (const [id, entry] of this.#entries) {
      if (rankOf(entry) === announcedOnly && nowMs - entry.heardAt > unverifiedPeerTtlMs)
        this.#drop(id)
    }
  }

  #drop(id: string): void {
    this.#entries.delete(id)
    this.#onDropped(id)
  }

  #add(id: string, nowMs: number): Entry | null {
    if (this.#entries.size >= peersMax) {
      const least = this.#leastOf(nowMs)
      if (least === null) return null
      this.#drop(least)
    }
    const entry: Entry = { bySource: new Map(), heardAt: nowMs, member: false }
    this.#entries.set(id, entry)
    return entry
  }

  /** The peer that makes room for another one; null if none does. */
  #leastOf(nowMs: number): string | null {
    const candidates = [...this.#entries]
      .map(([id, entry]) => ({ id, rank: rankOf(entry), awayMs: nowMs - entry.heardAt }))
      .filter(({ id, rank }) => rank > 0 && !this.#isConnected(id))
    const [least] = candidates.toSorted((x, y) => y.rank - x.rank || y.awayMs - x.awayMs)
    return least?.id ?? null
  }
}

function rankOf({ member, bySource }: Entry): Rank {
  if (bySource.has('static')) return 0
  if (member || bySource.has('remembered')) return 1
  return bySource.has('learned') ? 2 : announcedOnly
}
