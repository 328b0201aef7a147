/**
 * What differs between two configurations of a node: what it goes by, and what its files say now. Labels and handlers can
 * change while it runs; all else is read at the start.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Reloaded } from '../../api/routes/reload.ts'
import type { ResolvedNodeOptions } from '../../node-options.ts'

/** What is applied by itself, before this. */
const APPLIED = ['name', 'handlers']

/**
 * Applies what can be applied of a configuration, and says in words what was and what was not, a sentence each.
 *
 * @param before what the node goes by
 */
export function applyReload(
  before: ResolvedNodeOptions,
  now: ResolvedNodeOptions,
  setLabels: (labels: ResolvedNodeOptions['labels']) => void
): string[] {
  const names = (Object.keys(now) as (keyof ResolvedNodeOptions)[]).filter(
    name => !APPLIED.includes(name) && !isDeepStrictEqual(before[name], now[name])
  )
  if (names.length === 0) return ['the configuration is as it was']
  const said: string[] = []
  if (names.includes('labels')) {
    setLabels(now.labels)
    const pairs = Object.entries(now.labels).map(([label, value]) => `${label}=${value}`)
    said.push(`labels are now ${pairs.join(', ') || 'none'}`)
  }
  const rest = names.filter(name => name !== 'labels')
  if (rest.length > 0) said.push(`restart the node for what has changed: ${rest.join(', ')}`)
  return said
}

/** For people. */
export function reloadedWords({ handlers, added, removed, notes }: Reloaded): string {
  const changes = [
    ...(added.length > 0 ? [`new: ${added.join(', ')}`] : []),
    ...(removed.length > 0 ? [`gone: ${removed.join(', ')}`] : [])
  ]
  const changed = changes.length > 0 ? ` (${changes.join('; ')})` : ''
  const loaded = handlers.length + removed.length === 0 ? [] : [`handlers read anew${changed}`]
  return [...loaded, ...notes].join('; ') || 'there is nothing to read anew'
}
