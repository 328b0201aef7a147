/**
 * The part of a version vector that fits into a gossip message: all of it, as a rule.
 *
 * Every start of a node that wrote anything has an entry until all that it wrote is forgotten. A node that crashes and
 * starts again all day, beside tasks that are kept for a week, makes thousands of them. Then each heartbeat carries a
 * stretch of the vector, and the next one goes on where this one stopped, like a lighthouse that shows every direction
 * in turn. Whoever listens adds up what it hears, so nothing is lost by it but time. What of a boot's writes could not be
 * read goes along with its entry, all of it.
 */
import { Dots, type Stretch } from '../base/dots.ts'
import type { BootId } from '../base/ids.ts'
import { utf8Length } from '../base/utf8.ts'
import type { Heartbeat } from '../message.ts'

/** Kind, boot, version and numbers, with tags and lengths. */
const HEAD_BYTES = 512
/** Tags, lengths and numbers that come with a text. */
const TEXT_BYTES = 24
/** Number, tags and lengths beside the name of a boot. */
const ENTRY_BYTES = 24
/** Two numbers of any size. */
const STRETCH_BYTES = 10

export class VectorWindow {
  /** The entry with which the next stretch begins, counted in the order of the vector. */
  #next = 0

  /** The heartbeat, with as much of its vector as fits into `bytesMax`, but one entry at least. */
  fit(heartbeat: Heartbeat, bytesMax: number): Heartbeat {
    const entries = [...heartbeat.vector]
    const room = bytesMax - bytesBeside(heartbeat)
    const unreadable = new Dots(heartbeat.unreadable)
    const bytesOf = (boot: BootId): number => entryBytes(boot, unreadable.of(boot))
    const whole = entries.reduce((bytes, [boot]) => bytes + bytesOf(boot), 0)
    if (whole <= room) return heartbeat
    const vector = new Map<BootId, number>()
    for (let bytes = 0; ;) {
      const [boot, upTo] = entries[this.#next % entries.length]!
      bytes += bytesOf(boot)
      if (bytes > room && vector.size > 0) return withVector(heartbeat, vector)
      vector.set(boot, upTo)
      this.#next = (this.#next + 1) % entries.length
    }
  }
}

function withVector(
  { unreadable, ...heartbeat }: Heartbeat,
  vector: ReadonlyMap<BootId, number>
): Heartbeat {
  const named = unreadable?.filter(({ origin }) => vector.has(origin)) ?? []
  return { ...heartbeat, vector, ...(named.length === 0 ? {} : { unreadable: named }) }
}

function entryBytes(boot: BootId, unreadable: readonly Stretch[]): number {
  const own = boot.length + ENTRY_BYTES
  return unreadable.length === 0 ? own : own + ENTRY_BYTES + unreadable.length * STRETCH_BYTES
}

/** Never less than what the rest of a heartbeat takes on the wire. */
function bytesBeside(heartbeat: Heartbeat): number {
  const { boot, name, handlers, labels, addresses, roster, departures, met } = heartbeat
  const texts = [boot, name, ...handlers, ...addresses, ...met, ...Object.entries(labels).flat()]
  texts.push(...roster.map(expected => expected.name), ...departures.map(gone => gone.boot))
  return texts.reduce((bytes, text) => bytes + TEXT_BYTES + utf8Length(text), HEAD_BYTES)
}
