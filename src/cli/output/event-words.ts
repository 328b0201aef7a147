/** The names of events, and what they mean where the name alone does not tell. */
import type { CoreEvent } from '../../core/effect.ts'
import { nearestName } from '../../shared/nearest-name.ts'

type EventName =
  | CoreEvent['name']
  | `task:${'completed' | 'failed' | 'cancelled' | 'progress' | 'log'}`
  | 'events:lost'

const NAMES: Readonly<Record<EventName, true>> = {
  'task:submitted': true,
  'task:deduplicated': true,
  'task:queued': true,
  'task:started': true,
  'task:progress': true,
  'task:log': true,
  'task:retrying': true,
  'task:stolen': true,
  'task:reclaimed': true,
  'task:completed': true,
  'task:failed': true,
  'task:cancelled': true,
  'task:pruned': true,
  'node:joined': true,
  'node:left': true,
  'node:crashed': true,
  'node:suspect': true,
  'node:unreachable': true,
  'node:refuted': true,
  'node:draining': true,
  'node:undrained': true,
  'node:starved': true,
  'node:duplicate-identity': true,
  'node:clock-skew': true,
  'cluster:partitioned': true,
  'cluster:healed': true,
  'events:lost': true
}

const WORDS: Readonly<Record<string, string>> = {
  'node:undrained': 'takes tasks again',
  'node:refuted': 'heard again: it was only silent, and had not ended'
}

/** Null if the name says it. */
export function meaningOf(event: string): string | null {
  return WORDS[event] ?? null
}

/**
 * What there is to say of a name that no event of this version has; null if one has, or several begin with it. The node
 * may be of a later version, so it is no error.
 */
export function unknownEventText(name: string): string | null {
  const names = Object.keys(NAMES)
  const groups = new Set(names.map(known => known.split(':')[0]!))
  if (names.includes(name) || groups.has(name)) return null
  return `no event is called "${name}": did you mean ${nearestName(name, [...groups, ...names])}?`
}
