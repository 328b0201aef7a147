/**
 * Scenarios as data: a JSON file names what differs from the default scenario, and nothing else.
 *
 * A slip in such a file would quietly test something else than was meant. So every key has to exist and every value to
 * be in its bounds; whatever is wrong is refused by name. The table below has a row for each setting of the scenario,
 * which the compiler sees to.
 */
import { readFile } from 'node:fs/promises'
import { TASK_LIMITS } from '../core/options.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import { nearestName } from '../shared/nearest-name.ts'
import { POOL_NAMES } from './plan/workload.ts'
import { SCENARIO_DEFAULTS, type Arrival, type Scenario } from './scenario.ts'

/** What a value may be, in the words of the error message. */
type Rule = Readonly<{ allowed: string; fits: (value: unknown) => boolean }>
type Rules<T> = { readonly [K in keyof T]-?: Rule }

/** A simulation is for what fits into one thread; more nodes only make a seed slow. */
const NODES_MAX = 50
const TASKS_MAX = 100_000
/** A virtual hour: what is planned for later is a slip of the keyboard. */
const MS_MAX = 3_600_000
/** How far a wrong clock is off. */
const WRONG_CLOCK_MS = 3_600_000
const ARRIVALS: readonly Arrival[] = ['scattered', 'one-by-one', 'at-once']

const chance: Rule = {
  allowed: 'a number from 0 to 1',
  fits: value => typeof value === 'number' && value >= 0 && value <= 1
}
const yesOrNo: Rule = { allowed: 'true or false', fits: value => typeof value === 'boolean' }

const NETWORK: Rules<Scenario['network']> = {
  gossipLoss: chance,
  gossipRepeat: chance,
  linkBreak: chance,
  syncBreak: chance,
  delayMsMin: whole(0, MS_MAX),
  delayMsMax: whole(0, MS_MAX),
  cutNoticedMsMax: whole(0, MS_MAX),
  foundByOne: yesOrNo,
  linkDelayMsMax: whole(0, MS_MAX),
  overtaking: yesOrNo
}

const CPU: Rules<Scenario['cpu']> = {
  stepMs: number(0, 1000),
  messageMs: number(0, 1000),
  taskMs: number(0, 1000),
  slowest: number(1, 1000),
  inTurn: yesOrNo,
  stallMsMax: whole(0, MS_MAX),
  burstMs: whole(0, MS_MAX)
}

const SCENARIO: Rules<Scenario> = {
  nodes: whole(1, NODES_MAX),
  computers: whole(1, NODES_MAX),
  tasks: whole(0, TASKS_MAX),
  arrival: {
    allowed: ARRIVALS.join(', '),
    fits: value => (ARRIVALS as readonly unknown[]).includes(value)
  },
  dependent: chance,
  failing: chance,
  outside: chance,
  saving: chance,
  blobs: chance,
  uncommon: chance,
  keyed: chance,
  again: chance,
  cancels: whole(0, TASKS_MAX),
  acks: chance,
  lostMax: whole(0, TASK_LIMITS.maxLostMax),
  backoffMs: whole(0, MS_MAX),
  questions: whole(0, TASKS_MAX),
  changes: whole(0, 1000),
  pools: whole(0, POOL_NAMES.length),
  drains: whole(0, NODES_MAX),
  expects: whole(0, 1000),
  types: {
    allowed: 'a list of 1 to 16 different texts',
    fits: value =>
      Array.isArray(value) &&
      value.length >= 1 &&
      value.length <= 16 &&
      new Set(value).size === value.length &&
      value.every(type => typeof type === 'string' && type !== '')
  },
  runMsMax: whole(0, MS_MAX),
  diskMsMax: whole(0, MS_MAX),
  turnMsMax: whole(0, MS_MAX),
  fullDisks: whole(0, 1000),
  torn: chance,
  busyMs: whole(1, MS_MAX),
  retentionMs: whole(0, MS_MAX),
  settledMax: whole(0, TASKS_MAX),
  late: whole(0, NODES_MAX),
  leaving: whole(0, NODES_MAX),
  hasty: chance,
  crashes: whole(0, 1000),
  crashAll: yesOrNo,
  disksLost: whole(0, 1000),
  deaths: whole(0, NODES_MAX),
  oneWay: whole(0, 1000),
  partial: whole(0, 1000),
  computersLost: whole(0, 1000),
  computersGone: whole(0, 1000),
  damages: whole(0, 1000),
  clones: whole(0, 1000),
  partitions: whole(0, 1000),
  healMsMax: whole(0, MS_MAX),
  pauses: whole(0, 1000),
  loads: whole(0, 1000),
  lies: whole(0, TASKS_MAX),
  once: chance,
  unreachableMs: whole(1, MS_MAX),
  stopAfterIsolatedMs: whole(0, MS_MAX),
  skewMsMax: whole(0, MS_MAX),
  wrongClocks: whole(0, NODES_MAX),
  clockSteps: whole(0, 1000),
  older: whole(0, NODES_MAX),
  unreadable: chance,
  cpu: settings('of what work costs'),
  network: settings('of the network')
}

/** Longer than any run goes on after it was busy: nothing is pruned before its end. */
const KEPT_MS = 200_000

/** Combinations of settings, each sound by itself, of which nothing is promised. */
const UNPROMISED: readonly Readonly<{ when: (scenario: Scenario) => boolean; why: string }>[] = [
  {
    when: ({ keyed, again, retentionMs, busyMs }) =>
      keyed > 0 && again > 0 && retentionMs < busyMs + KEPT_MS,
    why: `a key that comes again after its task has been forgotten names another task: with again, retentionMs has to be busyMs and ${KEPT_MS} more`
  },
  {
    when: ({ keyed, pauses, retentionMs, busyMs }) =>
      keyed > 0 && pauses > 0 && retentionMs < busyMs + KEPT_MS,
    why: `a node that stands still may submit a key when its task has been forgotten: with keyed and pauses, retentionMs has to be busyMs and ${KEPT_MS} more`
  },
  {
    when: ({ wrongClocks, retentionMs, late, crashes, crashAll }) =>
      wrongClocks > 0 && (late + crashes > 0 || crashAll) && retentionMs < WRONG_CLOCK_MS,
    why: `whoever has just started forgets by its own clock, which may be an hour off: with wrongClocks and late or crashes, retentionMs has to be ${WRONG_CLOCK_MS} or more`
  },
  {
    when: ({ clockSteps, nodes, retentionMs }) =>
      clockSteps > 0 && (nodes < 3 || retentionMs < WRONG_CLOCK_MS),
    why: `a clock that is set wrong is told by two others, and until they are heard its node forgets by it: with clockSteps, nodes has to be 3 or more and retentionMs ${WRONG_CLOCK_MS} or more`
  },
  {
    when: ({ lies, partitions, pauses, oneWay, partial, network }) =>
      lies > 0 && (partitions + pauses + oneWay + partial > 0 || network.linkBreak > 0),
    why: 'whoever cannot be asked is believed less than others: with lies, no link may break but by an end (network.linkBreak, partitions, pauses, oneWay and partial 0)'
  },
  {
    when: ({ clones, nodes, leaving }) => clones > 0 && nodes - leaving < 2,
    why: 'two processes under one identity hear of each other from others: with clones, somebody else has to stay (leaving at most nodes - 2)'
  },
  {
    when: ({ clones, partitions, pauses, oneWay, partial, deaths }) =>
      clones > 0 && partitions + pauses + oneWay + partial + deaths > 0,
    why: 'of two processes under one identity, one that cannot be heard is taken for gone: with clones, partitions, pauses, oneWay, partial and deaths have to be 0'
  },
  {
    when: ({ clones, damages, skewMsMax, wrongClocks, clockSteps }) =>
      clones > 0 && damages + skewMsMax + wrongClocks + clockSteps > 0,
    why: 'which of two processes was started later is told by their clocks: with clones, damages, skewMsMax, wrongClocks and clockSteps have to be 0'
  },
  {
    when: ({ damages, skewMsMax, wrongClocks, clockSteps }) =>
      damages > 0 && skewMsMax + wrongClocks + clockSteps > 0,
    why: 'whose disk does not tell any more when it was started last goes by its clock, and has to be later than before: with damages, skewMsMax, wrongClocks and clockSteps have to be 0'
  },
  {
    when: ({ fullDisks, skewMsMax, wrongClocks, clockSteps }) =>
      fullDisks > 0 && skewMsMax + wrongClocks + clockSteps > 0,
    why: 'a full disk does not take when its node was started, which then goes by its clock and has to be later than before: with fullDisks, skewMsMax, wrongClocks and clockSteps have to be 0'
  },
  {
    when: ({ expects, leaving, nodes }) => expects > 0 && leaving * 2 >= nodes,
    why: 'an instance that has left is still expected, and counts: with expects, more than half of the nodes have to stay'
  }
]

/**
 * A whole scenario out of the settings that differ from the default one.
 *
 * @throws InvalidOptionError naming the setting, its value and what is allowed
 */
export function checkScenario(settings: unknown): Scenario {
  const given = checked('', settings, SCENARIO)
  const network = checked('network.', given.network ?? {}, NETWORK)
  const cpu = checked('cpu.', given.cpu ?? {}, CPU)
  const scenario = {
    ...SCENARIO_DEFAULTS,
    ...given,
    cpu: { ...SCENARIO_DEFAULTS.cpu, ...cpu },
    network: { ...SCENARIO_DEFAULTS.network, ...network }
  }
  const { nodes, late, leaving, crashes, disksLost, wrongClocks, older } = scenario
  const { delayMsMin, delayMsMax } = scenario.network
  atMost('late', late, 'nodes', nodes)
  atMost('leaving', leaving, 'nodes', nodes)
  // The last one is there for everybody.
  atMost('older', older, 'all nodes but one', nodes - 1)
  atMost('wrongClocks', wrongClocks, 'a minority of the nodes', Math.ceil(nodes / 2) - 1)
  atMost('disksLost', disksLost, 'crashes', crashes)
  atMost('network.delayMsMin', delayMsMin, 'network.delayMsMax', delayMsMax)
  // More than half have to be left, also while one of them is down.
  atMost('deaths', scenario.deaths, 'what leaves a majority', Math.max(0, Math.ceil(nodes / 2) - 1))
  for (const { when, why } of UNPROMISED) {
    if (when(scenario)) throw new InvalidOptionError(`no invariant is about that: ${why}`)
  }
  return scenario
}

/**
 * The scenario in a JSON file.
 *
 * @throws InvalidOptionError if the file cannot be read, is not JSON, or holds anything else than a scenario
 */
export async function readScenario(file: string): Promise<Scenario> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InvalidOptionError(`the scenario file ${file} cannot be read (${error.code})`)
  })
  try {
    return checkScenario(JSON.parse(text))
  } catch (error) {
    const what = error instanceof SyntaxError ? `is not JSON: ${error.message}` : ''
    throw new InvalidOptionError(
      what === '' ? `${file}: ${(error as Error).message}` : `the scenario file ${file} ${what}`
    )
  }
}

function checked<T extends object>(prefix: string, settings: unknown, rules: Rules<T>): Partial<T> {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) {
    throw new InvalidOptionError('a scenario has to be an object, such as { "nodes": 3 }')
  }
  for (const [key, value] of Object.entries(settings)) {
    const rule = Object.hasOwn(rules, key) ? rules[key as keyof T] : undefined
    if (rule === undefined) {
      const meant = nearestName(key, Object.keys(rules))
      throw new InvalidOptionError(
        `${prefix}${key} is no setting of a scenario: did you mean ${prefix}${meant}?`
      )
    }
    if (!rule.fits(value)) {
      throw new InvalidOptionError(
        `${prefix}${key} cannot be ${shown(value)}: allowed is ${rule.allowed}`
      )
    }
  }
  return settings
}

function atMost(name: string, value: number, limit: string, most: number): void {
  if (value <= most) return
  throw new InvalidOptionError(`${name} is ${value}, more than ${limit}, which is ${most}`)
}

function settings(ofWhat: string): Rule {
  return {
    allowed: `an object with settings ${ofWhat}`,
    fits: value => typeof value === 'object' && value !== null && !Array.isArray(value)
  }
}

function number(min: number, max: number): Rule {
  return {
    allowed: `a number from ${min} to ${max}`,
    fits: value => typeof value === 'number' && value >= min && value <= max
  }
}

function whole(min: number, max: number): Rule {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    fits: value =>
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'that'
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
