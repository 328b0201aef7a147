/** Whatever a caller says of a task is refused with an error, or makes a task that every node can read. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bootOf, taskOf } from '../../support/tasks.ts'
import { TASK_LIMITS } from '../../../src/core/options.ts'
import { isBlob } from '../../../src/core/task/content.ts'
import { SPEC } from '../../../src/core/task/shapes.ts'
import { TIME_MS_MAX } from '../../../src/core/task/times.ts'
import { InvalidOptionError, PayloadRejectedError } from '../../../src/shared/errors.ts'
import { checkSubmission } from '../../../src/node/tasks/task-options.ts'

const NOW = 1_800_000_000_000

/** Numbers that are most often wrong. */
const number = fc.oneof(
  fc.constantFrom(0, -0, 1, 10, 15, 16, 100, 1000, 1001, 0.5, -1, 2 ** 31, 2 ** 32, 9e15),
  fc.constantFrom(NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, 5e-324),
  fc.constantFrom(TIME_MS_MAX, TIME_MS_MAX + 1, 8.64e15),
  fc.constantFrom(...Object.values(TASK_LIMITS)),
  fc.integer(),
  fc.double()
)
const text = fc.oneof(
  fc.constantFrom('', '0s', '1ms', '24d', '25d', '10000d', '1e9s', '-1s', 'Infinity', '\ud800'),
  fc.constantFrom('x'.repeat(128), 'x'.repeat(129), '\u{1f600}'.repeat(64), 'cancel', 'run'),
  fc.constantFrom('9999-12-31T23:59:59.999Z', '+010000-01-01T00:00:00Z', '-000001-01-01'),
  fc.constantFrom(
    'at-least-once',
    'at-most-once',
    '>= 5',
    '>= 1e999',
    '>= NaN',
    `>= ${'9'.repeat(400)}`
  ),
  fc.string({ unit: 'binary', maxLength: 40 })
)
const id = fc.constantFrom(taskOf(bootOf('a'), 1).spec.id, taskOf(bootOf('b'), 2).spec.id)
const any = fc.oneof(number, text, fc.constantFrom(null, undefined, true, [], {}), fc.anything())
const labels = fc.dictionary(
  fc.constantFrom('gpu', 'zone', '__proto__', 'x'.repeat(63)),
  fc.oneof(any, fc.array(text, { maxLength: 17 }))
)
const backoff = fc.record(
  { delay: any, factor: any, maxDelay: any, jitter: any },
  { requiredKeys: [] }
)

const options = fc.record(
  {
    priority: any,
    dependsOn: fc.oneof(any, fc.array(id, { maxLength: 3 })),
    onDependencyFailure: any,
    maxRetries: any,
    maxLost: any,
    backoff: fc.oneof(any, backoff),
    timeout: any,
    deadline: any,
    delay: any,
    runAt: fc.oneof(
      any,
      fc.date({ noInvalidDate: false }),
      number.map(ms => new Date(ms))
    ),
    labels: fc.oneof(any, fc.record({ require: labels, prefer: labels }, { requiredKeys: [] })),
    idempotencyKey: any,
    delivery: any,
    tags: fc.oneof(any, fc.array(text, { maxLength: 17 })),
    retention: any,
    acks: any
  },
  { requiredKeys: [] }
)

test('a submission is refused by name, or can be read by every node', () => {
  let accepted = 0
  const one = fc
    .constantFrom(...(['priority', 'maxRetries', 'timeout', 'runAt', 'delay', 'tags'] as const))
    .chain(name => options.map(of => ({ [name]: of[name] })))
  const few = fc.oneof(
    one,
    options,
    fc.record({ backoff }),
    fc.record({ labels: fc.record({ require: labels }) })
  )
  fc.assert(
    fc.property(fc.oneof(text, fc.constant('type')), any, few, (type, payload, given) => {
      let draft
      try {
        ;({ draft } = checkSubmission(type, payload, given, NOW))
      } catch (error) {
        expect([InvalidOptionError, PayloadRejectedError]).toContain((error as Error).constructor)
        return
      }
      accepted++
      const small = !isBlob(draft.payload) && draft.payload.length < 2000 ? draft.payload : 'null'
      expect(SPEC.fault({ ...taskOf(bootOf('a'), 1).spec, ...draft, payload: small })).toBeNull()
    }),
    { numRuns: 4000 }
  )
  expect(accepted).toBeGreaterThan(100)
})
