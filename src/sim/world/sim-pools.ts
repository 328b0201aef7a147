/** What a simulated node can run. */
import { inOrder, labelsIn } from '../../core/claim/claim.ts'
import type { Pool } from '../../core/claim/pools.ts'
import type { Input } from '../../core/input.ts'
import { DEFAULT_POOL } from '../../core/message.ts'
import type { Labels } from '../../core/task/labels.ts'

export type WorkerInput = Extract<Input, { kind: 'worker' }>

export function workerOf({
  slots,
  handlers,
  pools = []
}: Pick<WorkerInput, 'slots' | 'handlers' | 'pools'>): WorkerInput {
  return { kind: 'worker', slots, handlers, pools }
}

/** What a node can run that has been told this. */
export function poolsOf(
  { slots, handlers, pools = [] }: WorkerInput,
  labels: Labels
): readonly Pool[] {
  const usual = { name: DEFAULT_POOL, slots, types: handlers, labels, external: false }
  return inOrder([
    usual,
    ...pools.map(pool => ({ ...pool, labels: labelsIn(labels, pool.labels) }))
  ])
}
