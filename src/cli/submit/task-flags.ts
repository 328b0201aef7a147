/**
 * The options of a task as flags, for every verb that submits one. What they may be is checked by the node, whose word
 * counts for programs as well.
 */
import { InvalidArgumentError, Option, type Command } from '@commander-js/extra-typings'
import { TASK_DEFAULTS } from '../../core/options.ts'
import type { SubmitOptions } from '../../node/api/node-api.ts'
import { parseDurationMs } from '../output/duration.ts'
import { parseNumber } from '../numbers.ts'
import { inUtc } from './in-utc.ts'
import { commas, repeatable, repeatableOption } from '../repeatable.ts'

type Conditions = Record<string, string | string[]>

/** Flags that have the names and the values of the library's options. */
const SAME = [
  'priority',
  'dependsOn',
  'onDependencyFailure',
  'maxRetries',
  'maxLost',
  'timeout',
  'deadline',
  'delay',
  'runAt',
  'idempotencyKey',
  'ref',
  'traceparent',
  'delivery',
  'retention',
  'acks'
] as const

/** Flags as commander hands them over. */
export type TaskFlags = {
  priority?: number
  dependsOn?: string[]
  onDependencyFailure?: string
  maxRetries?: number
  maxLost?: number
  backoff?: string
  backoffDelay?: string
  backoffFactor?: number
  backoffMaxDelay?: string
  backoffJitter?: number
  timeout?: number
  deadline?: string
  delay?: string
  runAt?: string
  label?: Conditions
  preferLabel?: Conditions
  idempotencyKey?: string
  ref?: string
  traceparent?: string
  delivery?: string
  retention?: string
  tag?: string[]
  acks?: number
}

/**
 * Adds the flags to a verb.
 *
 * @param maxRetries what the verb gives a task that says nothing of its own
 */
export function taskFlags<Arguments extends unknown[], Options extends Record<string, unknown>>(
  command: Command<Arguments, Options>,
  maxRetries: number = TASK_DEFAULTS.maxRetries
): Command<Arguments, Options & TaskFlags> {
  command
    .option('--priority <1-10>', '10 runs first (default: 5)', parseNumber)
    .addOption(repeatable('--depends-on <id>', 'a task that has to complete first', commas))
    .option('--on-dependency-failure <cancel|run>', 'what then becomes of it (default: cancel)')
    .option(
      '--max-retries <count>',
      `further attempts after a failed one (default: ${maxRetries})`,
      parseNumber
    )
    .option(
      '--max-lost <count>',
      'starts that may end with the death of a node (default: 3)',
      parseNumber
    )
    .option('--backoff-delay <duration>', 'wait before the second attempt (default: 1s)')
    .addOption(
      new Option('--backoff <duration>', 'short for --backoff-delay').conflicts('backoffDelay')
    )
    .option('--backoff-factor <number>', 'growth of further waits (default: 2)', parseReal)
    .option('--backoff-max-delay <duration>', 'no wait is longer (default: 5m)')
    .option('--backoff-jitter <0-1>', 'part by which waits differ (default: 0.2)', parseReal)
    .option('--timeout <duration>', 'bound on one attempt, such as 30s', parseDurationMs)
    .option('--deadline <duration>', 'bound from submission to settling, such as 10m')
    .option('--delay <duration>', 'not to be started earlier, such as 1h')
    .option('--run-at <time>', 'not before 2026-01-31T12:00:00Z; without Z, in our zone', inUtc)
    .addOption(
      repeatableOption(
        '--label <condition>',
        'what the node has to have: gpu=1, zone=a,b (one of them), memory>=16'
      ).argParser(parseCondition)
    )
    .addOption(
      repeatableOption('--prefer-label <condition>', 'what would be better').argParser(
        parseCondition
      )
    )
    .option('--idempotency-key <key>', 'the same key names the same task, wherever it is submitted')
    .option(
      '--delivery <at-least-once|at-most-once>',
      'whether a lost start may be repeated (default: at-least-once)'
    )
    .option(
      '--retention <duration>',
      'how long to keep it once it has settled (default: 1d, failed ones 7d)'
    )
    .addOption(repeatable('--tag <tag>', 'for filters'))
    .option('--ref <name>', 'what you call it: shown with its id, and found by hearsay ls')
    .option('--traceparent <value>', 'the trace it belongs to, as in W3C Trace Context')
    .option(
      '--acks <count>',
      'how many other members must have it on disk, one of them on another computer if there is one',
      parseNumber
    )
  return command
}

/** The flags that were given, in the words of the library. */
export function submitOptions(flags: TaskFlags): SubmitOptions {
  const { tag: tags, label: require, preferLabel: prefer } = flags
  const { backoff: short, backoffDelay: delay = short, backoffFactor: factor } = flags
  const { backoffMaxDelay: maxDelay, backoffJitter: jitter } = flags
  const options = {
    ...Object.fromEntries(SAME.map(name => [name, flags[name]])),
    tags,
    backoff: given({ delay, factor, maxDelay, jitter }),
    labels: given({ require, prefer })
  }
  return (given(options) ?? {}) as SubmitOptions
}

/** Undefined if nothing was. */
function given<T extends object>(values: T): Partial<T> | undefined {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Partial<T>)
}

/** `gpu=1`, `zone=a,b` or `memory>=16`, added to those before it. */
function parseCondition(text: string, before: Conditions | undefined): Conditions {
  const [, label, sign, value] = /^([^=<>]+)(>=|=)(.+)$/s.exec(text) ?? []
  if (label === undefined || value === undefined) {
    throw new InvalidArgumentError('A condition is such as gpu=1, zone=a,b or memory>=16.')
  }
  if (sign === '>=') return { ...before, [label]: `>=${value}` }
  return { ...before, [label]: value.includes(',') ? value.split(',') : value }
}

function parseReal(text: string): number {
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It has to be a number.')
}
