/** All mistakes. */
import { CLAIMS } from './claims.ts'
import { EDGE } from './edge.ts'
import { INVARIANTS } from './invariants.ts'
import { LOG } from './log.ts'
import { LOOSE_WRITES } from './loose.ts'
import { MEMBERS } from './members.ts'
import { LEASES } from './leases.ts'
import type { Mistake } from './mistake.ts'
import { PLACEMENT } from './placement.ts'
import { POOLS } from './pools.ts'

export const MISTAKES: readonly Mistake[] = [
  ...CLAIMS,
  ...PLACEMENT,
  ...POOLS,
  ...LOG,
  ...LOOSE_WRITES,
  ...MEMBERS,
  ...EDGE,
  ...INVARIANTS,
  ...LEASES
]
