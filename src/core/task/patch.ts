/**
 * A change of a task, and what has to hold of all that is written: it can be read back. What could not would be missing
 * everywhere else, and with it all that its boot writes after it.
 */
import { assert } from '../base/assert.ts'
import type { Shape } from '../base/shape.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { CancelRequest, Claim, Outcome, Started, TaskRecord } from './record.ts'
import { CANCEL_REQUEST, CHECKPOINT, CLAIM, OUTCOME, RECORD, STARTED } from './shapes.ts'

export type Patch = Readonly<{
  claim?: Claim
  started?: Started
  cancelRequest?: CancelRequest
  outcome?: Outcome
  checkpoint?: Checkpoint
}>

export function assertRecord(record: TaskRecord): void {
  assertReadable(RECORD, record)
}

export function assertPatch({ claim, started, cancelRequest, outcome, checkpoint }: Patch): void {
  if (claim !== undefined) assertReadable(CLAIM, claim)
  if (started !== undefined) assertReadable(STARTED, started)
  if (cancelRequest !== undefined) assertReadable(CANCEL_REQUEST, cancelRequest)
  if (outcome !== undefined) assertReadable(OUTCOME, outcome)
  if (checkpoint !== undefined) assertReadable(CHECKPOINT, checkpoint)
}

function assertReadable<T>(shape: Shape<T>, value: T): void {
  const why = shape.fault(value)
  if (why !== null) assert(false, `what is written can be read: ${why}`)
}
