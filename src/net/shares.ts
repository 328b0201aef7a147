/**
 * A bounded number of turns a second, and not all of them for one source: a bucket of turns that fills evenly, and one
 * for each source of late.
 *
 * It fills evenly rather than anew each second, because a peer that asks every second would otherwise ask at the same
 * point of each, and find nothing left there every time.
 */
export type SharesOptions = Readonly<{
  /** Turns a second, in all and for one source; each bucket holds those of one second. */
  perSecond: number
  perSourceAndSecond: number
  /** How many sources are told apart. @default 256 */
  sourcesMax?: number
}>

type Bucket = { turns: number; filledAt: number }

export class Shares {
  readonly #options: SharesOptions
  readonly #all: Bucket
  /** The one that has been asked for the longest ago comes first. */
  readonly #bySource = new Map<string, Bucket>()

  constructor(options: SharesOptions) {
    this.#options = options
    this.#all = { turns: options.perSecond, filledAt: 0 }
  }

  /** Takes a turn for a source. False if there is none left for it. */
  take(source: string, nowMs: number): boolean {
    const { perSecond, perSourceAndSecond, sourcesMax = 256 } = this.#options
    const own = this.#bySource.get(source) ?? { turns: perSourceAndSecond, filledAt: nowMs }
    this.#bySource.delete(source)
    this.#bySource.set(source, own)
    if (this.#bySource.size > sourcesMax) {
      const [oldest] = this.#bySource.keys()
      if (oldest !== undefined) this.#bySource.delete(oldest)
    }
    fill(own, perSourceAndSecond, nowMs)
    if (own.turns < 1) return false
    fill(this.#all, perSecond, nowMs)
    if (this.#all.turns < 1) return false
    own.turns--
    this.#all.turns--
    return true
  }
}

function fill(bucket: Bucket, perSecond: number, nowMs: number): void {
  const gained = ((nowMs - bucket.filledAt) / 1000) * perSecond
  bucket.turns = Math.min(perSecond, bucket.turns + gained)
  bucket.filledAt = nowMs
}
