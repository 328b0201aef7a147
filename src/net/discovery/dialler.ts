/**
 * Keeps this node connected to all peers that it knows.
 *
 * libp2p never reconnects by itself after a cut, so this does: every known peer without a connection is dialled again
 * and again, with a pause that grows to a few seconds, and to a minute where its process has ended. Two nodes that dial
 * each other at once get two connections that both stay, therefore the smaller peer id goes first; the larger one dials
 * only if that has led to nothing.
 *
 * The number of dials under way at once is bounded, and those that are worth most come first: the settings, members,
 * and then peers of which members have spoken.
 *
 * Where all are connected there is nothing to look at: the clock runs only while a peer is away, and rings when the next
 * one is due.
 */
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressBook } from './address-book.ts'
import { worthTrying } from './addresses.ts'
import { reason, type TransportLog } from '../log.ts'
import { isDesertion } from './probe.ts'
import {
  dialDesertedMsMax,
  dialFallbackMs,
  dialPauseMs,
  dialPauseMsMax,
  dialsMax,
  dialSweepMs,
  missingMs
} from '../protocol.ts'

export type DiallerOptions = Readonly<{
  self: string
  book: AddressBook
  /** Static peers whose id is not known yet. */
  anonymous: readonly Multiaddr[]
  /** Connects, to this id if one is given, and resolves with the id that was reached. */
  dial: (addresses: readonly Multiaddr[], id: string | null) => Promise<string>
  isConnected: (id: string) => boolean
  /** Whether addresses on the loopback interface may lead to peers. */
  alsoLoopback: () => boolean
  log: TransportLog
}>

/**
 * `failures` in a row, and how many of the last of them in a row showed that its process has ended; `id` only for a
 * static address, once it has answered.
 */
type Attempt = {
  awaySinceMs: number
  failures: number
  desertions: number
  triedMs: number
  nextMs: number
  dialling: boolean
  id: string | null
}

/** Failures in a row after which another node may live at the static address of this one. */
const failuresBeforeDoubt = 3

export class Dialler {
  readonly #options: DiallerOptions
  readonly #attempts = new Map<string, Attempt>()
  #dials = 0
  #isRunning = false
  #timer: NodeJS.Timeout | undefined
  #ringsMs = Number.POSITIVE_INFINITY

  constructor(options: DiallerOptions) {
    this.#options = options
  }

  start(): void {
    this.#isRunning = true
    this.#sweep()
  }

  stop(): void {
    this.#isRunning = false
    clearTimeout(this.#timer)
  }

  /** There is news of a peer: an address that did not work may do so now. */
  heardOf(id: string): void {
    if (!this.#isRunning || this.#options.isConnected(id)) return
    const attempt = this.#attempt(id)
    attempt.nextMs = Math.min(attempt.nextMs, attempt.triedMs + dialPauseMsMax)
    if (this.#dials < dialsMax) this.#tryPeer(id)
    this.#sweepSoon()
  }

  /** A peer's last connection has gone. */
  disconnected(id: string): void {
    this.#attempts.set(id, newAttempt())
    if (this.#isRunning) this.#sweepSoon()
  }

  /** Whether a member has been away for a short while: long enough to be looked for, too short to be given up. */
  missing(): boolean {
    const { book, isConnected } = this.#options
    const now = performance.now()
    return [...book.ids()].some(id => {
      if (!book.isMember(id) || isConnected(id)) return false
      return now - (this.#attempts.get(id)?.awaySinceMs ?? now) < missingMs
    })
  }

  #sweepSoon(): void {
    this.#ring(performance.now() + dialSweepMs)
  }

  #ring(atMs: number): void {
    if (atMs >= this.#ringsMs) return
    clearTimeout(this.#timer)
    this.#ringsMs = atMs
    this.#timer = setTimeout(() => {
      this.#ringsMs = Number.POSITIVE_INFINITY
      this.#sweep()
    }, atMs - performance.now()).unref()
  }

  #sweep(): void {
    const { book, anonymous, isConnected } = this.#options
    book.prune(performance.now())
    const known = new Set(book.ids())
    const away = [...known].filter(id => !isConnected(id))
    const unmet = anonymous.filter(address => !this.#isMet(address))
    for (const address of unmet) this.#tryAddress(address)
    for (const id of away) if (this.#dials < dialsMax) this.#tryPeer(id)
    const kept = new Set([...known, ...anonymous.map(String)])
    for (const key of this.#attempts.keys()) if (!kept.has(key)) this.#attempts.delete(key)
    this.#ringForNext(away, unmet)
  }

  /** Whoever is dialled rings when that has ended. */
  #ringForNext(away: readonly string[], unmet: readonly Multiaddr[]): void {
    const { self } = this.#options
    const soonMs = performance.now() + dialSweepMs
    const waiting = (attempt: Attempt): boolean => !attempt.dialling
    const peers = away.map(id => [id, this.#attempt(id)] as const).filter(([, x]) => waiting(x))
    const dues = [
      ...peers.map(([id, { nextMs, awaySinceMs }]) =>
        Math.max(nextMs, self > id ? awaySinceMs + dialFallbackMs : 0)
      ),
      ...unmet
        .map(address => this.#attempt(address.toString()))
        .filter(waiting)
        .map(x => x.nextMs)
    ]
    if (dues.length > 0) this.#ring(Math.max(Math.min(...dues), soonMs))
  }

  #tryPeer(id: string): void {
    const { self, book } = this.#options
    const attempt = this.#attempt(id)
    const now = performance.now()
    if (attempt.dialling || now < attempt.nextMs) return
    if (self > id && now - attempt.awaySinceMs < dialFallbackMs) return
    const alsoLoopback = this.#options.alsoLoopback()
    const addresses = book.addresses(id, address => worthTrying(address, alsoLoopback))
    if (addresses.length > 0) void this.#dial(attempt, addresses, id)
    else attempt.nextMs = now + dialPauseMsMax
  }

  #tryAddress(address: Multiaddr): void {
    const attempt = this.#attempt(address.toString())
    if (attempt.dialling || performance.now() < attempt.nextMs) return
    if (attempt.id !== null) {
      const failures = this.#attempts.get(attempt.id)?.failures ?? 0
      if (failures < failuresBeforeDoubt) return
    }
    void this.#dial(attempt, [address], null)
  }

  /** Whether the one who has answered at a static address is connected; it may be ourselves. */
  #isMet(address: Multiaddr): boolean {
    const id = this.#attempts.get(address.toString())?.id ?? null
    return id !== null && (id === this.#options.self || this.#options.isConnected(id))
  }

  async #dial(attempt: Attempt, addresses: readonly Multiaddr[], id: string | null): Promise<void> {
    attempt.dialling = true
    this.#dials++
    try {
      attempt.id = await this.#options.dial(addresses, id)
      attempt.failures = 0
      attempt.desertions = 0
    } catch (error) {
      attempt.failures++
      const isStatic = id === null || this.#options.book.isStatic(id)
      attempt.desertions = !isStatic && isDesertion(error) ? attempt.desertions + 1 : 0
      this.#options.log.debug(
        { peer: id, addresses: addresses.map(String), error: reason(error) },
        'could not connect to a peer; it is tried again'
      )
    } finally {
      attempt.dialling = false
      this.#dials--
      attempt.triedMs = performance.now()
      attempt.nextMs = attempt.triedMs + pauseMsAfter(attempt)
      if (this.#isRunning) this.#sweepSoon()
    }
  }

  #attempt(key: string): Attempt {
    const known = this.#attempts.get(key)
    if (known !== undefined) return known
    const attempt = newAttempt()
    this.#attempts.set(key, attempt)
    return attempt
  }
}

/** Short ones at first. Only who has shown often that nobody is there is left alone for longer than others. */
function pauseMsAfter({ failures, desertions }: Attempt): number {
  const usual = Math.min(dialPauseMs * 2 ** (failures - 1), dialPauseMsMax)
  return Math.max(usual, Math.min(dialPauseMs * 2 ** (desertions - 1), dialDesertedMsMax))
}

function newAttempt(): Attempt {
  const awaySinceMs = performance.now()
  const triedMs = Number.NEGATIVE_INFINITY
  const none = { failures: 0, desertions: 0, dialling: false, id: null }
  return { ...none, awaySinceMs, triedMs, nextMs: 0 }
}
