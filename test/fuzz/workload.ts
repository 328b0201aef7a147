/**
 * What honest people do with a cluster, at the ends of what they may: every option of a task at the least and the most that
 * a caller is allowed, keys that are used on all nodes in the same instant, attempts by the hundred, lists as long as they
 * may be.
 */
import type { Input } from '../../src/core/input.ts'
import type { TaskId } from '../../src/core/base/ids.ts'
import { TASK_DEFAULTS, TASK_LIMITS } from '../../src/core/options.ts'
import type { TaskDraft } from '../../src/core/task/spec.ts'
import type { Random } from '../../src/sim/world/random.ts'

/** Types that all nodes have handlers for. Runs of the last fail without an end. */
export const TYPES: readonly string[] = ['red', 'blue', 'doomed']
/** Of settled tasks: some go within a round, so that there is something forgotten. */
const SHORT_MS: readonly number[] = [0, 300]
const LONG_MS: readonly (number | null)[] = [TASK_LIMITS.retentionMsMax, null]

export type Circumstances = Readonly<{
  nowMs: number
  /** Whether some tasks are kept for good. Where none is, whole boots are forgotten. */
  isKept: boolean
}>

/** A task at the ends of what a caller may ask for. */
export function extremeDraft(
  random: Random,
  tasks: readonly TaskId[],
  payload: TaskDraft['payload'],
  { nowMs, isKept }: Circumstances
): TaskDraft {
  const sometimes = <T>(other: () => T, usual: T): T => (random.chance(0.3) ? other() : usual)
  const times = [0, 1, nowMs - 1, Math.floor(nowMs) + 500, 8_640_000_000_000]
  return {
    ...TASK_DEFAULTS,
    type: random.pick(TYPES),
    payload,
    priority: random.pick([
      TASK_LIMITS.priorityMin,
      TASK_DEFAULTS.priority,
      TASK_LIMITS.priorityMax
    ]),
    dependsOn: sometimes(() => dependencies(random, tasks), []),
    onDependencyFailure: random.pick(['cancel', 'run']),
    maxRetries: random.pick([0, 1, TASK_LIMITS.maxRetriesMax]),
    maxLost: random.pick([0, TASK_LIMITS.maxLostMax]),
    backoff: {
      delayMs: random.pick([0, 0, 1, TASK_LIMITS.backoffMsMax]),
      factor: random.pick([1, TASK_LIMITS.backoffFactorMax]),
      maxDelayMs: random.pick([0, 1, TASK_LIMITS.backoffMsMax]),
      jitter: random.pick([0, 1])
    },
    timeoutMs: sometimes(() => random.pick([1, TASK_LIMITS.timeoutMsMax]), null),
    deadlineMs: sometimes(() => random.pick([1, 1000, TASK_LIMITS.deadlineMsMax]), null),
    notBefore: sometimes(() => random.pick(times), null),
    labels: sometimes(() => labels(random), TASK_DEFAULTS.labels),
    delivery: random.pick(['at-least-once', 'at-most-once']),
    retryOf: sometimes(() => (tasks.length > 0 ? random.pick(tasks) : null), null),
    tags: sometimes(() => tags(random), []),
    ref: sometimes(() => random.pick(['a', 'ü'.repeat(TASK_LIMITS.refBytesMax / 2)]), null),
    traceparent: sometimes(() => `00-${'ab'.repeat(16)}-${'01'.repeat(8)}-01`, null),
    retentionMs: random.pick(isKept ? [...SHORT_MS, ...LONG_MS] : SHORT_MS)
  }
}

/** Fails a thousand times in a row, with the waits that grow fastest out of nothing. */
export function endlessDraft(): TaskDraft {
  return {
    ...TASK_DEFAULTS,
    type: 'doomed',
    payload: 'null',
    maxRetries: TASK_LIMITS.maxRetriesMax,
    backoff: {
      delayMs: 0,
      factor: TASK_LIMITS.backoffFactorMax,
      maxDelayMs: TASK_LIMITS.backoffMsMax,
      jitter: 0
    }
  }
}

/** Anything else that people or the shell may do to a node. */
export function command(random: Random, tasks: readonly TaskId[], names: readonly string[]): Input {
  const taskId = tasks.length > 0 ? random.pick(tasks) : '00000000-0000-8000-8000-000000000000'
  const inputs: readonly Input[] = [
    { kind: 'cancel', taskId },
    { kind: 'find', taskId },
    { kind: 'watch', taskId },
    { kind: 'disk', works: true },
    { kind: 'expect', names: [random.pick(names), `late/${random.whole(0, 99)}`] },
    { kind: 'forget', name: `late/${random.whole(0, 99)}`, node: null },
    { kind: 'labels', labels: { '': '', power: String(random.whole(0, 9)) } },
    { kind: 'addresses', addresses: Array.from({ length: 32 }, () => '/'.padEnd(256, 'x')) },
    { kind: 'blob-missing', hash: '0'.repeat(64) }
  ]
  return random.pick(inputs)
}

function dependencies(random: Random, tasks: readonly TaskId[]): readonly TaskId[] {
  if (tasks.length === 0) return []
  const all = random.chance(0.3)
  const some = Array.from({ length: random.whole(1, 3) }, () => random.pick(tasks))
  return [...new Set(all ? tasks.slice(-TASK_LIMITS.dependenciesMax) : some)]
}

function labels(random: Random): TaskDraft['labels'] {
  const bound = random.pick([-Number.MAX_VALUE, 0, Number.MAX_VALUE])
  const conditions = [
    { label: 'power', atLeast: bound },
    { label: '', anyOf: [] },
    { label: '__proto__', anyOf: ['', 'x'.repeat(100)] }
  ]
  const some = conditions.slice(0, random.whole(1, conditions.length))
  return random.chance(0.5) ? { require: [], prefer: some } : { require: some, prefer: [] }
}

function tags(random: Random): readonly string[] {
  const letter = random.pick(['x', '\u{1f600}'])
  const rest = letter.repeat(TASK_LIMITS.tagLengthMax / letter.length - 2)
  return Array.from({ length: TASK_LIMITS.tagsMax }, (_, n) => String(n).padStart(2, '0') + rest)
}
