/** Which members people are shown. */
import type { NodeView } from '../../node/api/node-api.ts'

/** Long enough to see that it has gone, short enough for a list of those who are there. */
const LEFT_SHOWN_MS = 60_000

/** All but those that have left a while ago, which are nobody's concern any more. */
export function withoutLongGone(nodes: readonly NodeView[]): NodeView[] {
  return nodes.filter(
    ({ status, heartbeatAgeMs }) => status !== 'left' || (heartbeatAgeMs ?? 0) <= LEFT_SHOWN_MS
  )
}

export const ALL_NODES_HELP = 'also those that have left more than a minute ago'
