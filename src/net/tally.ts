/**
 * What strangers do, summed up: they are many, or loud, and a line for each would be a flood of its own.
 */
import type { TransportLog } from './log.ts'

/** What a stranger may do. */
export type Deed = 'connections' | 'announcements' | 'packets'

type Sum = Record<Deed, number>

/** How long the deeds of one line are gathered, and how long after it the next line comes at the earliest. Guess. */
const gatherMs = 10_000
const pauseMs = 60_000
/** Fewer of one sender are nodes that look whether another one lives, or a port scan. Guess. */
const toldMin = 10
/** Senders that are told apart; all further ones are one. */
const sendersMax = 64
const sendersToldMax = 3
const others = 'others'

export class Tally {
  readonly #log: TransportLog
  readonly #sums = new Map<string, Sum>()
  #timer: NodeJS.Timeout | undefined
  #sinceMs = 0

  constructor(log: TransportLog) {
    this.#log = log
  }

  /** Counts what a stranger has done. */
  count(deed: Deed, sender: string): void {
    const isTold = this.#sums.has(sender) || this.#sums.size < sendersMax
    const who = isTold ? sender : others
    const sum = this.#sums.get(who) ?? { connections: 0, announcements: 0, packets: 0 }
    sum[deed]++
    this.#sums.set(who, sum)
    if (this.#timer !== undefined) return
    this.#sinceMs = performance.now()
    this.#timer = setTimeout(() => this.#tell(), gatherMs).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #tell(): void {
    const seconds = Math.round((performance.now() - this.#sinceMs) / 1000)
    const isQuiet = this.#sums.size === 0
    const sums = [...this.#sums]
      .filter(([, sum]) => total(sum) >= toldMin)
      .toSorted(([, x], [, y]) => total(y) - total(x))
    this.#sums.clear()
    this.#sinceMs = performance.now()
    // Nothing has been counted for a whole pause: the next one is gathered for a short while again.
    this.#timer = isQuiet ? undefined : setTimeout(() => this.#tell(), pauseMs).unref()
    if (sums.length === 0) return
    const told = sums.slice(0, sendersToldMax).map(([sender, sum]) => `${sender} (${inWords(sum)})`)
    this.#log.warn(
      { senders: sums.length },
      `in ${seconds} s, without the key of this cluster: ${told.join('; ')}; ` +
        'if that is a node of yours, give it the same key, else look what runs there'
    )
  }
}

function total({ connections, announcements, packets }: Sum): number {
  return connections + announcements + packets
}

function inWords(sum: Sum): string {
  const names = {
    connections: 'connections',
    announcements: 'forged or foreign peers announced',
    packets: 'mDNS packets too many or malformed'
  }
  return (Object.keys(names) as Deed[])
    .filter(deed => sum[deed] > 0)
    .map(deed => `${sum[deed]} ${names[deed]}`)
    .join(', ')
}
