/**
 * What each side of a cut sees, in sentences. From here only this side can be seen; of the other one it is known how many
 * there can be at most, and so what it may do.
 */
import type { NodeView } from '../../../node/api/node-api.ts'
import { counted } from '../state/format.ts'

const NAMES_SHOWN = 4

/** Null if nobody is out of reach. */
export function sidesOf(nodes: readonly NodeView[], quorum: boolean): readonly string[] | null {
  const members = nodes.filter(
    ({ status }) => status !== null && status !== 'left' && status !== 'crashed'
  )
  const away = members.filter(({ status }) => status === 'suspect' || status === 'unreachable')
  if (away.length === 0) return null
  const here = members.length - away.length
  const names = namesOf(away)
  const side = `This side sees ${here} of ${counted(members.length, 'member')}, and not ${names}.`
  if (quorum) {
    return [
      side,
      'It is a majority: what it cannot reach for long, it takes over.',
      `The other side, if there is one, sees ${away.length} at most: it goes on with what it holds, and takes over nothing.`
    ]
  }
  return [
    side,
    'It is no majority: it goes on with what it holds, and takes over nothing.',
    `The other side may see ${away.length}: if these see each other they are a majority, and take over what is held here once it has been silent for long. When the cut has healed, all name one outcome.`
  ]
}

function namesOf(nodes: readonly NodeView[]): string {
  const names = nodes.map(({ name, id }) => name ?? id ?? 'a node')
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown
}
