/**
 * The protocol under a seeded simulator: a whole cluster in one thread and in virtual time, with a network, disks and
 * handlers made of dice. One seed gives one history, on every computer, so a seed that breaks an invariant is a bug
 * report that replays.
 *
 * ```ts
 * import { simulate } from 'hearsay/sim'
 *
 * const { violation, transcript } = simulate(7, { nodes: 3, crashes: 1 })
 * if (violation !== null) console.log(violation.message, transcript.join('\n'))
 * ```
 *
 * @packageDocumentation
 */
export { Violation } from './violation.ts'
export type { CpuOptions } from './world/cpu.ts'
export type { NetworkOptions } from './world/network.ts'
export { SCENARIO_DEFAULTS, type Arrival, type Scenario } from './scenario.ts'
export { checkScenario, readScenario } from './scenario-file.ts'
export { simulate, type Report } from './simulator.ts'
