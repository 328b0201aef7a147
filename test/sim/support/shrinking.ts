/**
 * The smallest scenario that goes wrong in the same way: settings are left out, one after the other, as long as some seed
 * still breaks the same invariant in the same words.
 */
import { checkScenario, SCENARIO_DEFAULTS, simulate } from '../../../src/sim/index.ts'
import type { Settings } from './dice.ts'

export type Failure = Readonly<{ seed: number; settings: Settings; message: string }>

/** Seeds that are tried besides the one that is known to fail: with fewer settings the dice fall otherwise. */
const OTHER_SEED = 50_000
/** What a scenario without this is like, where the default has some of it. */
const NONE: Settings = { late: 0, leaving: 0, crashes: 0, dependent: 0, failing: 0 }
const NODES = [2, 3, 4]
const TASKS = [3, 8, 15]

/** @param tries seeds for each attempt @param ms that it may take, in all */
export function shrink(failure: Failure, { tries = 20, ms = 60_000 } = {}): Failure {
  const until = performance.now() + ms
  let least = failure
  const attempt = (settings: Settings): boolean => {
    const found =
      performance.now() < until ? failureLike(failure, settings, least.seed, tries) : null
    if (found !== null) least = found
    return found !== null
  }
  for (const key of keysOf(failure.settings)) attempt(without(least.settings, key))
  for (const [key, none] of Object.entries(NONE)) attempt({ ...least.settings, [key]: none })
  const { nodes = SCENARIO_DEFAULTS.nodes, tasks = SCENARIO_DEFAULTS.tasks } = failure.settings
  NODES.filter(fewer => fewer < nodes).some(fewer => attempt(withNodes(least.settings, fewer)))
  TASKS.filter(fewer => fewer < tasks).some(fewer => attempt({ ...least.settings, tasks: fewer }))
  return least
}

/** What a message says, whoever it says it of. */
export function shapeOf(message: string): string {
  return message
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'TASK')
    .replaceAll(/n\d+\w*\/\w+-\w+/g, 'BOOT')
    .replaceAll(/(sim|c\d+)\/\d+/g, 'NODE')
    .replaceAll(/, (red|green|blue|work)\b/g, '')
    .replaceAll(/\d+/g, 'N')
    .split('(')[0]!
    .slice(0, 80)
}

function failureLike(
  { message }: Failure,
  settings: Settings,
  seed: number,
  tries: number
): Failure | null {
  let scenario
  try {
    scenario = checkScenario(settings)
  } catch {
    return null
  }
  const wanted = shapeOf(message)
  for (let n = 0; n < tries; n++) {
    const next = n === 0 ? seed : OTHER_SEED + n
    const { violation } = simulate(next, scenario)
    if (violation !== null && shapeOf(violation.message) === wanted) {
      return { seed: next, settings, message: violation.message }
    }
  }
  return null
}

function keysOf({ network, ...settings }: Settings): string[] {
  return [...Object.keys(settings), ...Object.keys(network ?? {}).map(key => `network.${key}`)]
}

function without(settings: Settings, key: string): Settings {
  const { network, ...others } = structuredClone(settings) as Record<string, unknown>
  const inNetwork = { ...(network as object) } as Record<string, unknown>
  delete others[key]
  delete inNetwork[key.replace('network.', '')]
  return Object.keys(inNetwork).length === 0 ? others : { ...others, network: inNetwork }
}

function withNodes(settings: Settings, nodes: number): Settings {
  const { late = SCENARIO_DEFAULTS.late, leaving = SCENARIO_DEFAULTS.leaving } = settings
  return {
    ...settings,
    nodes,
    late: Math.min(late, nodes - 1),
    leaving: Math.min(leaving, nodes - 1)
  }
}
