/**
 * Boots that have written what is in the log, or created what is, and whose node has never introduced itself here.
 *
 * A newcomer that meets one side of a cut cluster would take that side for everybody: what it was told names the others
 * as authors only. So they are asked for, and until they are known this node cannot say what everybody knows. But all
 * members that knew one may have lost their disks. So an origin of which no member knows anything for long, though all
 * can be asked, is given up.
 */
import type { BootId } from '../base/ids.ts'
import type { Log } from '../log/log.ts'
import type { Members } from './members.ts'
import type { CoreOptions } from '../options.ts'

/**
 * Of more boots that have left nothing but the creation of a task nobody is asked. Guess: far more than are ever lost
 * at once.
 */
const NAMED_MAX = 256

type Known = Readonly<{ log: Log; members: Members }>
type Time = Readonly<{ now: number }>

export class UnknownOrigins {
  /** Boots that a task names as having created it, and that have written nothing that came here. */
  readonly #named = new Set<BootId>()
  /** Boot -> since when all members could tell who it is, and did not. */
  readonly #askedSince = new Map<BootId, number>()

  /** To be asked for. Of one that left before it had introduced itself others tell, too. */
  strange({ log, members }: Known): BootId[] {
    const authors = log.origins.open().map(({ boot }) => boot)
    const all = this.#named.size === 0 ? authors : new Set([...authors, ...this.#named])
    return [...all].filter(boot => !members.hasHeardOf(boot))
  }

  /** A task names it. */
  name(boot: BootId, { members }: Known): void {
    if (members.hasHeardOf(boot)) return
    this.#named.add(boot)
    for (const oldest of this.#named) {
      if (this.#named.size <= NAMED_MAX) return
      this.#named.delete(oldest)
    }
  }

  /** Time has passed. */
  tick(context: Known & Time): void {
    const { members, now } = context
    const isAnybodyAway = members.unlinked().length > 0 || members.hasStrangers()
    const strange = new Set(isAnybodyAway ? [] : this.strange(context))
    for (const boot of this.#askedSince.keys()) {
      if (!strange.has(boot)) this.#askedSince.delete(boot)
    }
    for (const boot of strange) {
      if (!this.#askedSince.has(boot)) this.#askedSince.set(boot, now)
    }
  }

  /** Whether no member is left that knows anything of the boot. */
  isNobody(boot: BootId, { now, options }: Time & Readonly<{ options: CoreOptions }>): boolean {
    return now - (this.#askedSince.get(boot) ?? now) >= options.unknownMs
  }
}
