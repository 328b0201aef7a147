/**
 * What a member may say of others that is not so. None of it may supersede or end anybody who lives.
 *
 * Lies about who is there, not about who has what: members are trusted in what they say of their own disk.
 */
import { nodeOf, startTimeOf, type BootId } from '../../core/base/ids.ts'
import { LEFT_AT, type Departure, type Heartbeat, type Message } from '../../core/message.ts'
import type { Random } from '../world/random.ts'

const DAY_US = 86_400_000_000

/**
 * @param liar as it would speak of itself
 *
 * @param victim what another node says of itself @param to the node that is lied to
 */
export function lieOf(random: Random, liar: Heartbeat, victim: Heartbeat, to: BootId): Message {
  const boot = random.pick([victim.boot, ...otherBoots(random, victim.boot)])
  const at = victim.at + random.pick([1, DAY_US / 2, 2 * DAY_US])
  const name = random.pick([victim.name, liar.name])
  const heartbeat = { ...victim, boot, at, name, clockMs: random.pick([0, victim.clockMs * 2]) }
  switch (random.whole(0, 5)) {
    case 0:
      return heartbeat
    case 1:
      return { kind: 'introduction', heartbeat }
    case 2:
      return { kind: 'replaced', boot: to, why: 'identity', addresses: victim.addresses }
    case 3:
      return { kind: 'replaced', boot: to, why: 'name', addresses: [] }
    case 4:
      // What no node but the one that is lied to can have of it.
      return { ...liar, vector: new Map([[to, random.pick([2 ** 42 - 1, LEFT_AT])]]) }
    default:
      return { ...liar, departures: departuresOf(random, victim, at) }
  }
}

/** Invented boots of the same node: a little later than the one that lives, and in the far future. */
function otherBoots(random: Random, boot: BootId): BootId[] {
  const soon = startTimeOf(boot) + random.whole(1, DAY_US / 2)
  const name = (start: string): BootId => `${nodeOf(boot)}/${start}-zzzzzz`
  return [name(soon.toString(36).padStart(10, '0')), name('zzzzzzzzzz')]
}

function departuresOf(random: Random, { boot }: Heartbeat, at: number): Departure[] {
  const gone = random.pick([boot, ...otherBoots(random, boot)])
  return [{ boot: gone, at: random.pick([at, LEFT_AT]), forgotten: random.chance(0.5), upTo: 0 }]
}
