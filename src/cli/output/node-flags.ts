/** What stands beside the status of a node: why it begins nothing. */
import type { NodeView } from '../../node/api/node-api.ts'

const PAUSES = {
  disk: 'disk full',
  alone: 'isolated',
  waking: 'waking',
  other: 'paused'
} as const

/** Such as `draining`; none if it works as any. */
export function nodeFlags({ draining, paused }: Pick<NodeView, 'draining' | 'paused'>): string[] {
  return [...(draining ? ['draining'] : []), ...(paused === null ? [] : [PAUSES[paused]])]
}
