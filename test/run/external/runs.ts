/** Runs to be handed to workers. */
import { taskId } from '../../../src/core/base/ids.ts'
import type { Run } from '../../../src/core/effect.ts'

let made = 0

export function runOf(more: Partial<Run> = {}): Run {
  return {
    taskId: taskId(1_800_000_000_000, 'test', made++),
    epoch: 0,
    attempt: 1,
    type: 'any',
    payload: 'null',
    timeoutMs: null,
    traceparent: null,
    dependencies: new Map(),
    pool: 'any',
    slot: 0,
    isExternal: true,
    ...more
  }
}
