/**
 * The names that scripts and programs depend on, written down a second time: whoever renames one of them, or takes it away,
 * has to do so here, too, and will know what that means. What metrics are called stands in test/metrics.
 */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { EXIT_CODES, exitCodeOfError, exitCodeOfTask } from '../../src/cli/exit-code.ts'
import { wholeProgram } from '../../src/cli/main.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import type { CoreEvent } from '../../src/core/effect.ts'
import { SETTLED_REASONS } from '../../src/core/task/record.ts'
import * as library from '../../src/index.ts'
import { TASK_STATES } from '../../src/shared/names.ts'
import { Node } from '../../src/node/node.ts'
import type { OpenReason } from '../../src/node/queries/why.ts'
import { SCHEMAS } from './schemas.ts'

const words = (text: string): string[] => text.split(/\s+/).filter(word => word !== '')

/** Verb -> its own flags. */
const FLAGS: Readonly<Record<string, string>> = {
  start: `--cluster --computer --instance --data --config --key-file --handlers --concurrency --label --peer --listen
    --no-mdns --http --no-http --commands --grace --quorum --stop-after-isolated --settled-max --acks --print-config --log-level`,
  submit: `--priority --depends-on --on-dependency-failure --max-retries --max-lost --backoff-delay --backoff-factor
    --backoff-max-delay --backoff-jitter --timeout --deadline --delay --run-at --label --prefer-label --idempotency-key
    --delivery --retention --tag --each --idempotency-prefix --acks --wait --id-only`,
  run: '--max-retries --priority --timeout --label',
  wait: '--timeout',
  ls: '--state --type --tag --node --limit',
  get: '--history',
  logs: '--follow',
  cancel: '',
  retry: '',
  why: '',
  nodes: '',
  status: '',
  metrics: '',
  top: '',
  events: '--since',
  drain: '',
  reload: '',
  leave: '',
  forget: '',
  state: '',
  key: '',
  simulate: '--seeds --from --scenario',
  completion: '',
  doctor: '',
  demo: '--kill --lan'
}

test('verbs and flags', async () => {
  const program = await wholeProgram(new Terminal(process))
  const verbs = new Map<string, CommandUnknownOpts>(
    program.commands.map(verb => [verb.name(), verb])
  )
  for (const [name, flags] of Object.entries(FLAGS)) {
    const has = verbs.get(name)?.options.map(({ long }) => long)
    expect(has, name).toEqual(expect.arrayContaining(words(flags)))
  }
  const subverbs = (name: string): string[] => verbs.get(name)!.commands.map(verb => verb.name())
  expect([subverbs('state'), subverbs('key')]).toEqual([
    ['save', 'load'],
    ['new', 'show']
  ])
  expect(verbs.get('logs')!.options.some(({ short }) => short === '-f')).toBe(true)
})

test('exit codes', () => {
  const byError = {
    InvalidOptionError: 2,
    NoNodeError: 3,
    UnknownTaskError: 4,
    PayloadRejectedError: 6,
    TooLargeError: 6,
    ForeignStateFileError: 6,
    NotReplicatedError: 7,
    WaitTimeoutError: 124,
    TypeError: 125
  }
  for (const [name, code] of Object.entries(byError)) {
    expect(exitCodeOfError(Object.assign(new Error('x'), { name })), name).toBe(code)
  }
  for (const code of Object.values(byError)) expect(EXIT_CODES).toHaveProperty(String(code))
  expect((['completed', 'failed', 'cancelled'] as const).map(exitCodeOfTask)).toEqual([0, 1, 5])
})

/** A name that the compiler does not find, or finds beyond these, does not pass the type check. */
const OPEN_REASONS = {
  DependencyOpen: 1,
  NotBefore: 1,
  Backoff: 1,
  RetryAfter: 1,
  NoHandler: 1,
  LabelsUnmatched: 1,
  SlotsBusy: 1,
  HolderDraining: 1,
  ClaimSettling: 1,
  NoQuorum: 1,
  StartUnconfirmed: 1,
  DiskFull: 1,
  Isolated: 1,
  PayloadUnavailable: 1
} satisfies Record<OpenReason, 1>

const CORE_EVENTS = {
  'task:submitted': 1,
  'task:deduplicated': 1,
  'task:queued': 1,
  'task:started': 1,
  'task:retrying': 1,
  'task:stolen': 1,
  'task:reclaimed': 1,
  'task:pruned': 1,
  'node:joined': 1,
  'node:left': 1,
  'node:crashed': 1,
  'node:suspect': 1,
  'node:unreachable': 1,
  'node:refuted': 1,
  'node:draining': 1,
  'node:undrained': 1,
  'node:starved': 1,
  'node:duplicate-identity': 1,
  'node:clock-skew': 1,
  'cluster:partitioned': 1,
  'cluster:healed': 1
} satisfies Record<CoreEvent['name'], 1>

test('states, reasons and events', () => {
  expect(TASK_STATES.toSorted()).toEqual(
    words('cancelled completed delayed failed queued running waiting')
  )
  expect(SETTLED_REASONS.toSorted()).toEqual(
    words(`CancelledByUser DeadlineExceeded DependencyFailed HandlerError HolderLost NonRetryable PayloadLost
      PayloadRejected ResultRejected Timeout TooLarge`)
  )
  expect(Object.keys({ ...OPEN_REASONS, ...CORE_EVENTS })).toHaveLength(35)
})

test('fields of the JSON of a task and a node', () => {
  const fields = (schema: z.ZodType): string[] =>
    Object.keys((z.toJSONSchema(schema) as { properties: object }).properties)
  expect(fields(SCHEMAS.task)).toEqual(
    expect.arrayContaining(
      words(`v id type state reason priority attempt maxRetries epoch holder submittedBy submittedAt startedAt settledAt
        durationMs payload result error dependsOn labels tags ref idempotencyKey progress lost retryOf acks`)
    )
  )
  expect(fields(SCHEMAS.node)).toEqual(
    expect.arrayContaining(
      words(`v name id computer instance status draining self found connected synced slots running queued handlers labels
        addresses heartbeatAgeMs boot version`)
    )
  )
})

test('the library', () => {
  const methods = `registerWorker registerTaskHandler startWorker createTask waitForTask getMetrics checkWorkerHealth
    getSystemStatus saveState loadState leave`
  for (const name of words(methods)) expect(Node.prototype, name).toHaveProperty(name)
  expect(Object.keys(library)).toEqual(
    expect.arrayContaining(words('createNode NonRetryableError RetryAfterError NoClusterKeyError'))
  )
})
