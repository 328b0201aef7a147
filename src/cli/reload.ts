/**
 * What differs between two configurations of a node: what it goes by, and what its files say now.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ResolvedNodeOptions } from '../node-options.ts'

/** In words for the one who has changed something. */
export function reloadText(before: ResolvedNodeOptions, now: ResolvedNodeOptions): string {
  const names = Object.keys(now) as (keyof ResolvedNodeOptions)[]
  const changed = names.filter(
    name => name !== 'name' && !isDeepStrictEqual(before[name], now[name])
  )
  if (changed.length === 0) return 'the configuration is as it was'
  return `restart the node for what has changed: ${changed.join(', ')}`
}
