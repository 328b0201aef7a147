/** The floor of claims: who may run a task, since when, and who takes it over. */
export { canRun, demandKey, demandOf, lackOf } from './capability.ts'
export { canRunIn, firstFor, inOrder, labelsIn, poolsOf, typesOf } from './pools.ts'
export { PoolRoom } from './pool-room.ts'
export { toHave } from './portions.ts'
export { Reclaim } from './reclaim.ts'
export {
  afterRun,
  failedBefore,
  firstClaim,
  grantOf,
  holderLost,
  holds,
  isEpochTaken,
  isLost,
  needsStartBarrier,
  payloadLost,
  resumeOf,
  startOf,
  uncalledOf,
  verdictOf
} from './rules.ts'
export { StartBarrier } from './start-barrier.ts'
