/** A task that somebody is about to submit: what has been typed stays when another view is looked at meanwhile. */
import { computed, signal } from '@preact/signals'
import type { NodeView, Submitted } from '../../../node/api/node-api.ts'
import { COMMAND_TYPE } from '../../../shared/names.ts'
import { post } from '../state/api.ts'
import { about, nodes } from '../state/cluster.ts'
import { counted, shortId } from '../state/format.ts'
import { say, sayTrouble } from '../state/notes.ts'
import { go, pathOfTask } from '../state/route.ts'
import { markOf } from '../state/words.ts'
import { faultOf } from './payload.ts'

const PRIORITY_DEFAULT = 5

export const type = signal('')
export const payload = signal('')
export const priority = signal(PRIORITY_DEFAULT)
/** Between commas. */
export const tags = signal('')
export const key = signal('')
export const isSending = signal(false)

/** Nothing typed is no payload, which is null. */
export const fault = computed(() => (payload.value.trim() === '' ? null : faultOf(payload.value)))

/** Types that some node runs now, with how many nodes do, by name. */
export const knownTypes = computed(() => runnersOf(nodes.value))

function runnersOf(members: readonly NodeView[]): ReadonlyMap<string, number> {
  const runners = new Map<string, number>()
  for (const node of members) {
    if (markOf(node) !== 'alive') continue
    for (const each of new Set(node.handlers)) runners.set(each, (runners.get(each) ?? 0) + 1)
  }
  return new Map([...runners].toSorted(([x], [y]) => (x < y ? -1 : 1)))
}

/** Why a task of this type cannot be submitted from here; null if it can. */
export const refusal = computed(() =>
  type.value === COMMAND_TYPE && !about.value.allowSubmit
    ? 'A command runs as the user of a node: start the dashboard with --allow-submit to submit one from it.'
    : null
)

/** Who would run it, in words. */
export const runnerWords = computed(() => {
  if (type.value === '') return 'Such as the name of a handler.'
  const runners = knownTypes.value.get(type.value) ?? 0
  return runners === 0
    ? 'No node that is alive runs this type: the task waits until one does.'
    : `${counted(runners, 'node runs', 'nodes run')} this type.`
})

export const maySubmit = computed(
  () => type.value !== '' && fault.value === null && refusal.value === null && !isSending.value
)

/** Leads to the task if all goes well. */
export async function submit(): Promise<void> {
  if (!maySubmit.value) return
  isSending.value = true
  try {
    const { id, deduplicated, warnings } = await post<Submitted>('/v1/tasks', requestOf())
    key.value = ''
    go(pathOfTask(id))
    say(
      deduplicated ? `there was such a task already: ${shortId(id)}` : `${shortId(id)} is accepted`
    )
    for (const warning of warnings) say(warning)
  } catch (error) {
    sayTrouble(error)
  } finally {
    isSending.value = false
  }
}

function requestOf(): Readonly<{ type: string; payload: unknown; options: object }> {
  const text = payload.value.trim()
  const words = tags.value.split(',').map(tag => tag.trim())
  const own = [...new Set(words.filter(tag => tag !== ''))]
  return {
    type: type.value,
    payload: text === '' ? null : JSON.parse(text),
    options: {
      priority: priority.value,
      tags: own,
      ...(key.value === '' ? {} : { idempotencyKey: key.value })
    }
  }
}
