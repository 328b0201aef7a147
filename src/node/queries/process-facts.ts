/** What a node can tell that is in no log. */
import type { NodeId } from '../../core/base/ids.ts'
import type { StatusView } from '../api/node-api.ts'
import type { ClockSteps } from '../runtime/clock-steps.ts'

/** What this process alone can tell: it is in no log, and ends with the process. */
export type ProcessFacts = Readonly<{
  submitters: () => StatusView['submitters']
  /** Why nothing can be written to the disk; null if it works. */
  diskFailure: () => string | null
  /** Nodes that ran twice at a time -> when that was found, by the monotonic clock, in ms. */
  duplicates: () => ReadonlyMap<NodeId, number>
  clockStep: () => ClockSteps['last']
  loopLagMs: () => number
}>
