/** Cuts and newcomers as they are, and not as short and as welcome as a simulator likes them. */
import { SCENARIO_DEFAULTS, type Scenario } from '../../../src/sim/scenario.ts'

/** Newcomers are found by one other, which may crash a moment later; the rest have to be told of them. */
export const introduced: Partial<Scenario> = {
  nodes: 4,
  dependent: 0,
  late: 0,
  leaving: 0,
  crashes: 12,
  network: { ...SCENARIO_DEFAULTS.network, linkBreak: 0, foundByOne: true }
}

/**
 * One cut that lasts, behind which nobody sees links break: the others are missed one by one, for their clocks differ,
 * and so they did not speak at the same time.
 */
export const staggered: Partial<Scenario> = {
  nodes: 5,
  tasks: 20,
  busyMs: 15_000,
  runMsMax: 8000,
  late: 0,
  leaving: 0,
  crashes: 0,
  partitions: 1,
  skewMsMax: 1000,
  network: { ...SCENARIO_DEFAULTS.network, gossipLoss: 0, linkBreak: 0, cutNoticedMsMax: 20_000 }
}

/** Staggered cuts, and a node that hears of no quorum ends its work before others take it over. */
export const selfFenced: Partial<Scenario> = {
  ...staggered,
  tasks: 8,
  busyMs: 20_000,
  runMsMax: 15_000,
  stopAfterIsolatedMs: 4000
}

/** Lonely nodes, and each cut is followed by another one, between others, before anything has healed. */
export const shifting: Partial<Scenario> = { ...selfFenced, busyMs: 40_000, partitions: 4 }
