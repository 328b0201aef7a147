/**
 * Everything about which peers there are: gathers addresses from all sources into the book, lets the dialler use it,
 * and hands out the part worth remembering on disk.
 *
 * Only members are remembered, that is peers that have shown the key by connecting. What mDNS says with proof is worth
 * an attempt whenever there is one; what it says without is hearsay, which has a few attempts of its own.
 */
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { AddressBook, type Source } from './address-book.ts'
import { onlyLoopback, parseAddress, peerIn, requireAddress } from './addresses.ts'
import { Dialler } from './dialler.ts'
import { StaticPeers } from './static-peers.ts'
import type { UnansweredPeer } from '../../ports/ports.ts'
import type { Said } from './mdns.ts'
import { Hearsay } from './hearsay.ts'
import type { Network } from '../libp2p.ts'
import { reason, type TransportLog } from '../log.ts'
import { dialTimeoutMs, missingMs, peersMax } from '../protocol.ts'

/** A member and where it was last seen, to be kept on disk. */
export type RememberedPeer = Readonly<{ id: string; addresses: readonly string[] }>

export type PeersOptions = Readonly<{
  network: Network
  peers: readonly string[]
  remembered: readonly RememberedPeer[]
  onAddresses: (peers: readonly RememberedPeer[]) => void
  /** Called with the sender of an announcement that was not worth an attempt, or led nowhere. */
  onStranger: (sender: string) => void
  log: TransportLog
}>

/** How many of one burst of news are told at once: all that come before the disk could have been written anyway. */
const tellMs = 200

export class Peers {
  readonly #options: PeersOptions
  readonly #self: string
  readonly #book: AddressBook
  readonly #dialler: Dialler
  readonly #hearsay: Hearsay
  readonly #static: StaticPeers
  /** Ids in text -> as libp2p has them: taking one apart costs 20 us, which is too much for every look at a peer. */
  readonly #connected = new Map<string, PeerId>()
  /** What members said last, as text: nearly every heartbeat repeats it. */
  readonly #said = new Map<string, string>()
  #telling: NodeJS.Timeout | undefined
  #warnedOfClone = false
  #startedAt = 0

  /** @throws InvalidOptionError if a static peer's address is malformed */
  constructor(options: PeersOptions) {
    this.#options = options
    this.#self = options.network.peerId.toString()
    const isConnected = (id: string): boolean => this.connections(id).length > 0
    this.#book = new AddressBook(this.#self, isConnected, id => this.#dropped(id))
    const addresses = options.peers.map(text => requireAddress('peers', text))
    this.#static = new StaticPeers(addresses, options.log)
    const shared = {
      self: this.#self,
      isConnected,
      alsoLoopback: () => onlyLoopback(options.network.getMultiaddrs()),
      log: options.log
    }
    this.#dialler = new Dialler({
      ...shared,
      book: this.#book,
      anonymous: this.#noteSettings(addresses),
      dial: (addresses, id) => this.#dial(addresses, id)
    })
    this.#hearsay = new Hearsay({
      ...shared,
      dial: (addresses, id) => this.#dial(addresses, id),
      onStranger: options.onStranger
    })
  }

  start(): void {
    this.#startedAt = performance.now()
    this.#dialler.start()
    this.#hearsay.start()
  }

  stop(): void {
    this.#dialler.stop()
    this.#hearsay.stop()
    if (this.#telling !== undefined) this.#tell()
  }

  /** Open connections to a peer. */
  connections(id: string): Connection[] {
    const peer = this.#connected.get(id)
    if (peer === undefined) return []
    const all = this.#options.network.getConnections(peer)
    return all.filter(connection => connection.status === 'open')
  }

  /** mDNS has heard an announcement: anybody can make one, if not prove it. */
  announced(id: string, addresses: readonly Multiaddr[], { sender, proven }: Said): void {
    if (id !== this.#self) {
      if (proven) this.#note(id, 'mdns', addresses)
      else this.#hearsay.note(id, addresses, sender)
      return
    }
    if (this.#warnedOfClone) return
    this.#warnedOfClone = true
    this.#options.log.warn(
      { id },
      'another process announces the identity of this node; was its data folder copied? Start one of them with a new one'
    )
  }

  /** A member says where another node listens. */
  learned(id: string, addresses: readonly string[]): void {
    const said = addresses.join()
    // It may have started again where it was.
    if (this.#said.get(id) === said) return this.#dialler.heardOf(id)
    if (this.#said.size >= peersMax) this.#said.clear()
    this.#said.set(id, said)
    this.#note(
      id,
      'learned',
      addresses.map(parseAddress).filter(address => address !== null)
    )
  }

  connected(peer: PeerId): void {
    const id = peer.toString()
    this.#connected.set(id, peer)
    this.#hearsay.forget(id)
    this.#static.connected(id)
    if (this.#book.authenticated(id, performance.now())) this.#tellSoon()
  }

  disconnected(id: string): void {
    this.#connected.delete(id)
    this.#dialler.disconnected(id)
  }

  /** Whether a member has been lost lately, or none was found yet: one answer may be lost, and every one in a flood. */
  missing(): boolean {
    const isAlone = this.#connected.size === 0 && performance.now() - this.#startedAt < missingMs
    return isAlone || this.#dialler.missing()
  }

  /** Addresses of the settings at which nobody answers. */
  unanswered(): UnansweredPeer[] {
    return this.#static.unanswered()
  }

  /** Everybody known, with addresses. */
  all(): RememberedPeer[] {
    return [...this.#book.ids()].map(id => ({
      id,
      addresses: this.#book.addresses(id).map(String)
    }))
  }

  /** Returns the static addresses that name no peer. */
  #noteSettings(settings: readonly Multiaddr[]): Multiaddr[] {
    const now = performance.now()
    for (const { id, addresses } of this.#options.remembered) {
      const parsed = addresses.map(parseAddress).filter(address => address !== null)
      if (isPeerId(id)) this.#book.note(id, 'remembered', parsed, now)
    }
    const anonymous: Multiaddr[] = []
    const byId = new Map<string, Multiaddr[]>()
    for (const address of settings) {
      const id = peerIn(address)
      if (id === null) anonymous.push(address)
      else byId.set(id, [...(byId.get(id) ?? []), address])
    }
    for (const [id, addresses] of byId) this.#book.note(id, 'static', addresses, now)
    return anonymous
  }

  #note(id: string, source: Source, addresses: readonly Multiaddr[]): void {
    if (!isPeerId(id)) return
    if (this.#book.note(id, source, addresses, performance.now())) this.#tellSoon()
    this.#dialler.heardOf(id)
  }

  async #dial(addresses: readonly Multiaddr[], id: string | null): Promise<string> {
    const targets = id === null ? [...addresses] : addresses.map(to => to.encapsulate(`/p2p/${id}`))
    try {
      const signal = AbortSignal.timeout(dialTimeoutMs)
      const connection = await this.#options.network.dial(targets, { signal })
      const reached = connection.remotePeer.toString()
      if (id === null) {
        this.#note(reached, 'static', addresses)
        this.#static.reached(reached, addresses)
      }
      return reached
    } catch (error) {
      if (id !== null && !this.#book.isMember(id)) this.#forgetInStore(id)
      if (id === null && reason(error).includes('Can not dial self')) {
        this.#static.reached(this.#self, addresses)
        return this.#self
      }
      this.#static.failed(addresses, error)
      throw error
    }
  }

  /** A peer is in the book no longer. */
  #dropped(id: string): void {
    this.#said.delete(id)
    this.#forgetInStore(id)
  }

  /** libp2p keeps, for hours, whomever it has dialled in vain. */
  #forgetInStore(id: string): void {
    const { network, log } = this.#options
    if (this.connections(id).length > 0) return
    network.peerStore.delete(peerIdFromString(id)).catch((error: unknown) => {
      log.debug({ peer: id, error: reason(error) }, 'a peer could not be forgotten')
    })
  }

  #tellSoon(): void {
    this.#telling ??= setTimeout(() => this.#tell(), tellMs).unref()
  }

  #tell(): void {
    clearTimeout(this.#telling)
    this.#telling = undefined
    const members = this.all().filter(peer => this.#book.isMember(peer.id))
    this.#options.onAddresses(members.filter(peer => peer.addresses.length > 0))
  }
}

function isPeerId(text: string): boolean {
  try {
    peerIdFromString(text)
    return true
  } catch {
    return false
  }
}
