/**
 * What differs between two configurations of a node: what it goes by, and what its files say now. Labels can change
 * while it runs; all else is read at the start.
 */
import { isDeepStrictEqual } from 'node:util'
import type { ResolvedNodeOptions } from '../../node-options.ts'

/**
 * Applies what can be applied, and says in words what was and what was not.
 *
 * @param before what the node goes by
 */
export function applyReload(
  before: ResolvedNodeOptions,
  now: ResolvedNodeOptions,
  setLabels: (labels: ResolvedNodeOptions['labels']) => void
): string {
  const names = (Object.keys(now) as (keyof ResolvedNodeOptions)[]).filter(
    name => name !== 'name' && !isDeepStrictEqual(before[name], now[name])
  )
  if (names.length === 0) return 'the configuration is as it was'
  const said: string[] = []
  if (names.includes('labels')) {
    setLabels(now.labels)
    const pairs = Object.entries(now.labels).map(([label, value]) => `${label}=${value}`)
    said.push(`labels are now ${pairs.join(', ') || 'none'}`)
  }
  const rest = names.filter(name => name !== 'labels')
  if (rest.length > 0) said.push(`restart the node for what has changed: ${rest.join(', ')}`)
  return said.join('; ')
}
