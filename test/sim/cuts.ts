/** Cuts as they are, and not as short as a simulator likes them. */
import { SCENARIO_DEFAULTS, type Scenario } from '../../src/sim/scenario.ts'

/** One cut that lasts, behind which nobody sees links break: the others are missed one by one. */
export const staggered: Partial<Scenario> = {
  nodes: 5,
  tasks: 20,
  busyMs: 15_000,
  runMsMax: 8000,
  late: 0,
  leaving: 0,
  crashes: 0,
  partitions: 1,
  network: { ...SCENARIO_DEFAULTS.network, gossipLoss: 0, linkBreak: 0, cutNoticedMsMax: 20_000 }
}
