/** What states and statuses are called, and what each means: one place, so that all views say the same. */
import type { NodeView, TaskState } from '../../../node/api/node-api.ts'

export const STATE_WORDS: Readonly<Record<TaskState, string>> = {
  waiting: 'waits for tasks that it depends on',
  delayed: 'is not to start yet',
  queued: 'is ready, and waits for a free slot',
  running: 'runs',
  completed: 'has completed',
  failed: 'has failed for good',
  cancelled: 'was cancelled'
}

export type NodeMark =
  | 'alive'
  | 'draining'
  | 'paused'
  | 'suspect'
  | 'unreachable'
  | 'crashed'
  | 'left'
  | 'unseen'

export const NODE_WORDS: Readonly<Record<NodeMark, string>> = {
  alive: 'heard of lately',
  draining: 'takes nothing more, and hands on what it holds',
  paused: 'begins nothing',
  suspect: 'silent for a while: it is given nothing',
  unreachable: 'silent for long: a majority takes over what it holds',
  crashed: 'proven dead: its addresses refuse',
  left: 'gone on purpose',
  unseen: 'expected, and never heard of'
}

export function markOf({ status, draining, paused }: NodeView): NodeMark {
  if (status === null) return 'unseen'
  if (status !== 'alive') return status
  if (draining) return 'draining'
  return paused === null ? 'alive' : 'paused'
}

const PAUSED_WORDS: Readonly<Record<NonNullable<NodeView['paused']>, string>> = {
  disk: 'its disk is full',
  alone: 'it sees too few others',
  waking: 'it has stood still, and first hears what it has missed',
  other: 'a newer version says why'
}

/** Why it begins nothing; null if it does. */
export function pausedWords({ paused }: NodeView): string | null {
  return paused === null ? null : PAUSED_WORDS[paused]
}

/** What a name in the view of nodes is, for those that have none. */
export function nodeName({ name, id }: NodeView): string {
  return name ?? (id === null ? 'unknown' : `…${id.slice(-8)}`)
}
