/** How runs end: in every way in which a handler may, with texts as long as they may be. */
import type { Run } from '../../src/core/effect.ts'
import type { RunResult } from '../../src/core/input.ts'
import { TASK_LIMITS } from '../../src/core/options.ts'
import type { Random } from '../../src/sim/world/random.ts'

const REASONS = ['HandlerError', 'NonRetryable', 'Timeout', 'TooLarge', 'PayloadRejected'] as const
const LONG_ERROR = {
  name: 'E'.repeat(TASK_LIMITS.errorNameLengthMax),
  message: 'm'.repeat(TASK_LIMITS.errorMessageBytesMax),
  stack: 's'.repeat(TASK_LIMITS.errorStackBytesMax)
}
const ERROR = { name: 'Error', message: '', stack: null }

/** Runs of `doomed` always fail and may be tried again, those of `red` and `blue` as it comes, and all others are done. */
export function endingOf(random: Random): (run: Run) => RunResult | null {
  return ({ type }) => {
    if (type === 'doomed') return { status: 'failed', error: ERROR, reason: 'HandlerError' }
    if (type !== 'red' && type !== 'blue') return { status: 'completed', result: '"here"' }
    if (random.chance(0.7)) return null
    if (random.chance(0.3)) return { status: 'completed', result: longResult() }
    const again = random.chance(0.3) ? { retryAfterMs: random.pick([0, 1, 86_400_000]) } : {}
    const result = random.chance(0.3) ? { result: longResult() } : {}
    return {
      status: 'failed',
      error: LONG_ERROR,
      reason: random.pick(REASONS),
      ...again,
      ...result
    }
  }
}

function longResult(): string {
  return JSON.stringify('x'.repeat(TASK_LIMITS.inlineBytesMax - 2))
}
