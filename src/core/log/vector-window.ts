/**
 * The part of a version vector that fits into a gossip message: all of it, as a rule.
 *
 * Every start of a node that wrote anything has an entry until all that it wrote is forgotten. A node that crashes and
 * starts again all day, beside tasks that are kept for a week, makes thousands of them. Then each heartbeat carries a
 * stretch of the vector, and the next one goes on where this one stopped, like a lighthouse that shows every direction
 * in turn. Whoever listens adds up what it hears, so nothing is lost by it but time.
 */
import type { BootId } from '../base/ids.ts'
import { utf8Length } from '../base/utf8.ts'
import type { Heartbeat } from '../message.ts'

/** Kind, boot, version and numbers, with tags and lengths. */
const HEAD_BYTES = 512
/** Tags, lengths and numbers that come with a text. */
const TEXT_BYTES = 24
/** Number, tags and lengths beside the name of a boot. */
const ENTRY_BYTES = 24

export class VectorWindow {
  /** The entry with which the next stretch begins, counted in the order of the vector. */
  #next = 0

  /** The heartbeat, with as much of its vector as fits into `bytesMax`, but one entry at least. */
  fit(heartbeat: Heartbeat, bytesMax: number): Heartbeat {
    const entries = [...heartbeat.vector]
    const room = bytesMax - bytesBeside(heartbeat)
    const whole = entries.reduce((bytes, [boot]) => bytes + entryBytes(boot), 0)
    if (whole <= room) return heartbeat
    const vector = new Map<BootId, number>()
    for (let bytes = 0; ;) {
      const [boot, upTo] = entries[this.#next % entries.length]!
      bytes += entryBytes(boot)
      if (bytes > room && vector.size > 0) return { ...heartbeat, vector }
      vector.set(boot, upTo)
      this.#next = (this.#next + 1) % entries.length
    }
  }
}

function entryBytes(boot: BootId): number {
  return boot.length + ENTRY_BYTES
}

/** Never less than what the rest of a heartbeat takes on the wire. */
function bytesBeside(heartbeat: Heartbeat): number {
  const { boot, name, handlers, labels, addresses, roster, departures, met } = heartbeat
  const texts = [boot, name, ...handlers, ...addresses, ...met, ...Object.entries(labels).flat()]
  texts.push(...roster.map(expected => expected.name), ...departures.map(gone => gone.boot))
  return texts.reduce((bytes, text) => bytes + TEXT_BYTES + utf8Length(text), HEAD_BYTES)
}
