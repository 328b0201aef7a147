/**
 * Writes that changed one task, once there are many of them: of each boot the stretches that follow one another.
 *
 * A task changes four times as a rule, and a short list is the smallest way to keep that (entry.ts). But a handler that
 * asks to be called again later writes two or three times with every call, for as long as it likes, and a peer may name
 * one task with every byte of a message. So a new write takes a moment, however many there are, and what follows on the
 * last one takes no room.
 */
import type { BootId } from '../base/ids.ts'
import type { Dot } from '../task/record.ts'

/** `after` and `upTo` of one stretch after the other: a list of numbers takes a third of what as many objects would. */
type Bounds = number[]

export class Runs {
  readonly #bounds = new Map<BootId, Bounds>()

  constructor(dots: Iterable<Dot>) {
    for (const dot of dots) this.add(dot)
  }

  /** Writes of one boot come in their order, as a rule. */
  add({ origin, seq }: Dot): void {
    const bounds = this.#bounds.get(origin)
    if (bounds === undefined) this.#bounds.set(origin, [seq - 1, seq])
    else if (bounds.at(-1) === seq - 1) bounds[bounds.length - 1] = seq
    else if (bounds.at(-1)! > seq) insert(bounds, seq)
    else bounds.push(seq - 1, seq)
  }

  /** The last write of each boot. */
  *last(): Generator<Dot> {
    for (const [origin, bounds] of this.#bounds) yield { origin, seq: bounds.at(-1)! }
  }

  /** All of them, boot by boot. */
  *all(): Generator<Dot> {
    for (const [origin, bounds] of this.#bounds) {
      for (let at = 0; at < bounds.length; at += 2) {
        for (let seq = bounds[at]! + 1; seq <= bounds[at + 1]!; seq++) yield { origin, seq }
      }
    }
  }
}

/** A write that could not be read before comes later than those after it. */
function insert(bounds: Bounds, seq: number): void {
  let at = bounds.length
  while (at > 0 && bounds[at - 2]! >= seq) at -= 2
  if (at === 0 || bounds[at - 1]! < seq) bounds.splice(at, 0, seq - 1, seq)
}
