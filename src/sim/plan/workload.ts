/**
 * Tasks made of dice: what they are, and how uncommon their options.
 */
import type { TaskId } from '../../core/base/ids.ts'
import type { NamedPool } from '../../core/message.ts'
import { TASK_DEFAULTS, TASK_LIMITS } from '../../core/options.ts'
import type { Content } from '../../core/task/content.ts'
import type { Labels } from '../../core/task/labels.ts'
import type { TaskDraft } from '../../core/task/spec.ts'
import type { Random } from '../world/random.ts'
import type { Scenario } from '../scenario.ts'

/** The one label of simulated nodes, from 0 to 9. */
const LABEL = 'power'
const POWER_MAX = 9
/** A delay and a wait for another attempt are short beside the time to come to rest. */
const DELAY_MS_MAX = 1000
const DEADLINE_MS_MIN = 300
const DEADLINE_MS_MAX = 3000

/** @param strong whether tasks with any condition may run there */
export function labelsOf(random: Random, { uncommon }: Scenario, strong: boolean): Labels {
  if (uncommon === 0) return {}
  return { [LABEL]: String(strong ? POWER_MAX : random.whole(0, POWER_MAX)) }
}

/** What pools are called: one before the default one, and others behind it. */
export const POOL_NAMES: readonly string[] = ['a', 'p', 'q', 'z']

/** Pools of a node beside the default one; without any dice where there are to be none. */
export function poolsOf(random: Random, scenario: Scenario): NamedPool[] {
  if (scenario.pools === 0) return []
  const count = random.whole(0, scenario.pools)
  const names = POOL_NAMES.filter(() => random.chance(0.8)).slice(0, count)
  return names.map(name => ({
    name,
    slots: random.whole(0, 2),
    types: scenario.types.filter(() => random.chance(0.5)),
    labels: random.chance(0.3) ? labelsOf(random, scenario, false) : {},
    external: random.chance(0.5)
  }))
}

export function randomTask(
  random: Random,
  scenario: Scenario,
  payload: Content,
  dependsOn: readonly TaskId[],
  now: number
): TaskDraft {
  const plain: TaskDraft = {
    ...TASK_DEFAULTS,
    type: random.pick(scenario.types),
    payload,
    priority: random.whole(TASK_LIMITS.priorityMin, TASK_LIMITS.priorityMax),
    dependsOn,
    ...(scenario.once > 0 && random.chance(scenario.once) ? { delivery: 'at-most-once' } : {}),
    retentionMs: scenario.retentionMs,
    maxRetries: 0,
    maxLost: scenario.lostMax
  }
  const { uncommon, backoffMs } = scenario
  if (uncommon === 0) return plain
  const sometimes = <T>(make: () => T, otherwise: T): T =>
    random.chance(uncommon) ? make() : otherwise
  const condition = (): TaskDraft['labels']['require'] => [
    { label: LABEL, atLeast: random.whole(0, POWER_MAX) }
  ]
  return {
    ...plain,
    backoff: { delayMs: backoffMs, factor: 2, maxDelayMs: 4 * backoffMs, jitter: 0.5 },
    maxRetries: sometimes(() => random.whole(1, 3), 0),
    onDependencyFailure: sometimes<'cancel' | 'run'>(() => 'run', 'cancel'),
    notBefore: sometimes<number | null>(
      () => Math.floor(now + random.whole(0, DELAY_MS_MAX)),
      null
    ),
    deadlineMs: sometimes<number | null>(
      () => random.whole(DEADLINE_MS_MIN, DEADLINE_MS_MAX),
      null
    ),
    labels: { require: sometimes(condition, []), prefer: sometimes(condition, []) }
  }
}
