/** However a handler ends, its outcome can be written, and read by every node. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bootOf, taskOf } from '../support/tasks.ts'
import { afterRun } from '../../src/core/claim/rules.ts'
import type { RunResult } from '../../src/core/input.ts'
import { CLAIM, OUTCOME } from '../../src/core/task/shapes.ts'
import {
  outcomeOfCrash,
  outcomeOfError,
  outcomeOfResult,
  outcomeOfUnkept,
  outcomeOfUnreadable
} from '../../src/run/outcome.ts'

const A = bootOf('a')
const NOW = 1_800_000_000_000

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('\ud800', 'x\udc00', '\u{1f600}'.repeat(3000), 'x'.repeat(127) + '\u{1f600}')
)
const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true })
const error = fc
  .record({ name: text, message: text, stack: text, cause: anything })
  .map(({ name, message, stack, cause }) =>
    Object.assign(new Error(message, { cause }), { name, stack })
  )
const later = fc
  .oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 1e300, -1, '5', null, undefined))
  .map(retryAfterMs => Object.assign(new Error('later'), { name: 'RetryAfterError', retryAfterMs }))
const thrown = fc.oneof(anything, error, later, text)

function expectReadable(run: RunResult): void {
  const record = taskOf(A, 1, { started: { epoch: 0, by: A, at: 1 }, spec: { maxRetries: 3 } })
  const ended = { at: NOW * 1000, now: NOW, durationMs: 1.5, tail: null }
  const { outcome, claim } = afterRun(A, record, run, ended)
  if (outcome !== undefined) expect(OUTCOME.fault(outcome)).toBeNull()
  if (claim !== undefined) expect(CLAIM.fault(claim)).toBeNull()
}

test('whatever a handler throws', () => {
  fc.assert(
    fc.property(thrown, given => {
      for (const outcomeOf of [
        outcomeOfError,
        outcomeOfCrash,
        outcomeOfUnkept,
        outcomeOfUnreadable
      ]) {
        expectReadable(outcomeOf(given))
      }
    }),
    { numRuns: 1000 }
  )
})

test('whatever a handler returns', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(anything, text), async given => {
      expectReadable(await outcomeOfResult(given, null))
    }),
    { numRuns: 500 }
  )
})
