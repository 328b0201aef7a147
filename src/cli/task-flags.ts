/**
 * The options of a task as flags, for every verb that submits one. What they may be is checked by the node, whose word
 * counts for programs as well.
 */
import type { Command } from '@commander-js/extra-typings'
import type { SubmitOptions } from '../node/handle.ts'
import { parseDurationMs } from './duration.ts'
import { parseNumber } from './numbers.ts'

/** Flags as commander hands them over. */
export type TaskFlags = {
  priority?: number
  dependsOn?: string[]
  timeout?: number
  retention?: string
  tag?: string[]
  acks?: number
}

/** Adds the flags to a verb. */
export function taskFlags<Arguments extends unknown[], Options extends Record<string, unknown>>(
  command: Command<Arguments, Options>
): Command<Arguments, Options & TaskFlags> {
  command
    .option('--priority <1-10>', '10 runs first (default: 5)', parseNumber)
    .option('--depends-on <id...>', 'tasks that have to complete first')
    .option('--timeout <duration>', 'bound on one attempt, such as 30s', parseDurationMs)
    .option(
      '--retention <duration>',
      'how long to keep it once it has settled (default: 1d, failed ones 7d)'
    )
    .option('--tag <tag...>', 'for filters')
    .option('--acks <count>', 'how many other members must have it on disk', parseNumber)
  return command
}

/** The flags that were given, in the words of the library. */
export function submitOptions(flags: TaskFlags): SubmitOptions {
  const { priority, dependsOn, timeout, retention, tag: tags, acks } = flags
  const options = { priority, dependsOn, timeout, retention, tags, acks }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
