/**
 * Peers that were announced without proof of the key, and the few dials that they are worth.
 *
 * Such an announcement may be true: a node of an earlier version makes no other. It may as well be one of ten thousand
 * a second that are not. So they have places and dials of their own, which nothing else waits for: a bounded number of
 * peers is kept, each sender has a share of the places, and of senders the one whose turn was the longest ago is next,
 * so that one computer that floods does not crowd out the others. What a stranger says can lead only to where it was
 * said: an address that is not the sender's own is not tried. A peer that does not answer is tried after a growing
 * pause, and dropped soon.
 *
 * Like the dialler, it looks at the clock only while there is a peer to look for.
 */
import type { Multiaddr } from '@multiformats/multiaddr'
import { hostOf, worthTrying } from './addresses.ts'
import { reason, type TransportLog } from '../log.ts'
import {
  dialFallbackMs,
  dialPauseMs,
  dialSweepMs,
  hearsayAddressesMax,
  hearsayDialsMax,
  hearsayFailuresMax,
  hearsayPeersMax,
  hearsayPeersPerSenderMax
} from '../protocol.ts'

export type HearsayOptions = Readonly<{
  self: string
  /** Connects to a peer at these addresses. */
  dial: (addresses: readonly Multiaddr[], id: string) => Promise<unknown>
  isConnected: (id: string) => boolean
  /** Whether addresses on the loopback interface may lead to peers. */
  alsoLoopback: () => boolean
  /** Called with the sender of what was not kept, or led nowhere. */
  onStranger: (sender: string) => void
  log: TransportLog
}>

type Rumour = {
  readonly id: string
  readonly sender: string
  readonly heardAt: number
  addresses: readonly Multiaddr[]
  failures: number
  nextMs: number
  dialling: boolean
}

export class Hearsay {
  readonly #options: HearsayOptions
  /** Sender -> peer -> what it says. The sender whose turn was the longest ago comes first. */
  readonly #bySender = new Map<string, Map<string, Rumour>>()
  #isRunning = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: HearsayOptions) {
    this.#options = options
  }

  /** How many peers are kept. */
  get size(): number {
    return this.#rumours().length
  }

  start(): void {
    this.#isRunning = true
    this.#sweepSoon()
  }

  stop(): void {
    this.#isRunning = false
    clearTimeout(this.#timer)
  }

  /** A sender has announced a peer. */
  note(id: string, announced: readonly Multiaddr[], sender: string): void {
    const { self, isConnected, alsoLoopback, onStranger } = this.#options
    if (id === self || isConnected(id)) return
    const addresses = announced
      .filter(each => hostOf(each) === sender && worthTrying(each, alsoLoopback()))
      .slice(0, hearsayAddressesMax)
    const known = this.#bySender.get(sender)?.get(id)
    if (known !== undefined && addresses.length > 0) known.addresses = addresses
    else if (addresses.length === 0 || !this.#hasRoomFor(sender)) onStranger(sender)
    else this.#add(id, addresses, sender)
    this.#sweepSoon()
  }

  /** The peer is known otherwise now. */
  forget(id: string): void {
    for (const rumour of this.#rumours()) if (rumour.id === id) this.#drop(rumour)
  }

  /** Whether there is room for one more peer of a sender, if need be in place of one of the sender that has most. */
  #hasRoomFor(sender: string): boolean {
    const own = this.#bySender.get(sender)?.size ?? 0
    if (own >= hearsayPeersPerSenderMax) return false
    if (this.size < hearsayPeersMax) return true
    const largest = [...this.#bySender.values()].reduce((x, y) => (y.size > x.size ? y : x))
    const replaced = [...largest.values()].find(({ dialling }) => !dialling)
    if (largest.size <= own + 1 || replaced === undefined) return false
    this.#drop(replaced)
    return true
  }

  #add(id: string, addresses: readonly Multiaddr[], sender: string): void {
    const heardAt = performance.now()
    const rumour = { id, sender, heardAt, addresses, failures: 0, nextMs: 0, dialling: false }
    const ofSender = this.#bySender.get(sender) ?? new Map<string, Rumour>()
    this.#bySender.set(sender, ofSender.set(id, rumour))
  }

  #drop({ id, sender }: Rumour): void {
    const ofSender = this.#bySender.get(sender)
    ofSender?.delete(id)
    if (ofSender?.size === 0) this.#bySender.delete(sender)
  }

  #rumours(): Rumour[] {
    return [...this.#bySender.values()].flatMap(ofSender => [...ofSender.values()])
  }

  #sweepSoon(): void {
    if (!this.#isRunning || this.#bySender.size === 0) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#sweep()
      this.#sweepSoon()
    }, dialSweepMs).unref()
  }

  #sweep(): void {
    const { isConnected } = this.#options
    const now = performance.now()
    for (const rumour of this.#rumours()) if (isConnected(rumour.id)) this.#drop(rumour)
    let dialling = this.#rumours().filter(rumour => rumour.dialling).length
    for (const [sender, ofSender] of this.#bySender) {
      if (dialling >= hearsayDialsMax) return
      const due = [...ofSender.values()].find(rumour => this.#isDue(rumour, now))
      if (due === undefined) continue
      // Its next turn comes after those of all others.
      this.#bySender.delete(sender)
      this.#bySender.set(sender, ofSender)
      dialling++
      void this.#dial(due)
    }
  }

  #isDue({ id, heardAt, nextMs, dialling }: Rumour, now: number): boolean {
    if (dialling || now < nextMs) return false
    return this.#options.self < id || now - heardAt >= dialFallbackMs
  }

  async #dial(rumour: Rumour): Promise<void> {
    const { dial, onStranger, log } = this.#options
    const { id, sender, addresses } = rumour
    rumour.dialling = true
    try {
      await dial(addresses, id)
      this.#drop(rumour)
    } catch (error) {
      log.debug({ peer: id, sender, error: reason(error) }, 'hearsay of a peer has led nowhere')
      onStranger(sender)
      rumour.failures++
      if (rumour.failures >= hearsayFailuresMax) this.#drop(rumour)
    } finally {
      rumour.dialling = false
      rumour.nextMs = performance.now() + dialPauseMs * 2 ** rumour.failures
    }
  }
}
