/** Which tasks are meant, as flags: of the verb that lists tasks, and of those that do something with many. */
import { InvalidArgumentError, Option, type Command } from '@commander-js/extra-typings'
import { parseDuration } from '../shared/durations.ts'
import { TASK_STATES, type TaskState } from '../shared/names.ts'

/** Flags as commander hands them over: a filter but for the node, whose flag is each verb's own. */
export type FilterFlags = {
  state?: TaskState
  type?: string
  tag?: string
  ref?: string
  q?: string
  since?: string
  until?: string
}

/** Adds the flags to a verb. */
export function filterFlags<Arguments extends unknown[], Options extends Record<string, unknown>>(
  command: Command<Arguments, Options>
): Command<Arguments, Options & FilterFlags> {
  command
    .addOption(new Option('--state <state>', 'only tasks in this state').choices(TASK_STATES))
    .option('--type <type>', 'only tasks of this type')
    .option('--tag <tag>', 'only tasks with this tag')
    .option('--ref <name>', 'only tasks that their submitter calls this')
    .option('--q <words>', 'only tasks with these words in id, type, ref, key, tags, node or error')
    .option('--since <time>', 'only those submitted then or later: 2h (ago), or a date', parseTime)
    .option('--until <time>', 'only those submitted before then', parseTime)
  return command
}

/** Those of the flags that were given, as a filter. */
export function givenFilter(flags: FilterFlags): FilterFlags {
  const { state, type, tag, ref, q, since, until } = flags
  const all = Object.entries({ state, type, tag, ref, q, since, until })
  return Object.fromEntries(all.filter(([, value]) => value !== undefined))
}

/** How long ago, or a date with or without a time of day: without an offset, in the zone of the one who asks. */
function parseTime(text: string): string {
  const agoMs = /[a-z]$/.test(text) ? parseDuration(text) : null
  // A date alone would be read as one in Greenwich.
  const local = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text
  const ms = /^\d{4}-/.test(local) ? Date.parse(local) : Number.NaN
  const at = new Date(agoMs === null ? ms : Date.now() - agoMs)
  if (!Number.isNaN(at.getTime())) return at.toISOString()
  throw new InvalidArgumentError('A time is such as 2h (ago), 2026-01-31 or 2026-01-31T12:00:00Z.')
}
