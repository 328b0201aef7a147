/**
 * What every boot has counted, as far as it has told: the sum over all of them is the cluster's.
 *
 * Each boot counts only what it did itself, and numbers what it tells. Of each type of task the latest word of each
 * boot stands, whatever the order in which words arrive and however often; so the sum counts nothing twice. What a boot
 * told stays when the boot is gone, for what it did was done. Every node passes on what it knows to members that come
 * anew.
 */
import { startTimeOf, type BootId } from '../base/ids.ts'
import type { Counts, TypeCounts } from '../message.ts'
import { COUNTS_BOOTS_MAX, COUNTS_TYPES_PER_MESSAGE_MAX, COUNTED_TYPES_MAX } from '../options.ts'

type Told = Readonly<{ sequence: number; counts: TypeCounts }>

export class Ledger {
  readonly #boots = new Map<BootId, Map<string, Told>>()

  /** Takes in what a boot has told, by whatever road. */
  take({ boot, sequence, types }: Counts): void {
    let told = this.#boots.get(boot)
    if (told === undefined) this.#boots.set(boot, (told = new Map()))
    for (const counts of types) {
      const known = told.get(counts.type)
      if (known === undefined ? told.size >= COUNTED_TYPES_MAX : known.sequence >= sequence)
        continue
      told.set(counts.type, { sequence, counts })
    }
  }

  /** There may have been any number of boots: forgets the oldest, those that are gone first. */
  bound(isGone: (boot: BootId) => boolean): void {
    const excess = this.#boots.size - COUNTS_BOOTS_MAX
    if (excess <= 0) return
    const rank = (boot: BootId): number => startTimeOf(boot) + (isGone(boot) ? 0 : 2 ** 60)
    const oldest = [...this.#boots.keys()].sort((x, y) => rank(x) - rank(y)).slice(0, excess)
    for (const boot of oldest) this.#boots.delete(boot)
  }

  /** All that is known, of every boot and type. */
  *all(): Generator<TypeCounts> {
    for (const told of this.#boots.values()) for (const { counts } of told.values()) yield counts
  }

  /** All that is known, to be passed on. */
  *messages(): Generator<Counts> {
    for (const [boot, told] of this.#boots) {
      for (const [sequence, types] of Map.groupBy(told.values(), ({ sequence }) => sequence)) {
        yield* messagesOf(
          boot,
          sequence,
          types.map(({ counts }) => counts)
        )
      }
    }
  }
}

/** What one boot tells at once, in messages of bounded size. */
export function* messagesOf(
  boot: BootId,
  sequence: number,
  types: readonly TypeCounts[]
): Generator<Counts> {
  for (let first = 0; first < types.length; first += COUNTS_TYPES_PER_MESSAGE_MAX) {
    const some = types.slice(first, first + COUNTS_TYPES_PER_MESSAGE_MAX)
    yield { kind: 'counts', boot, sequence, types: some }
  }
}
