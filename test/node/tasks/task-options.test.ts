/** What a caller may say of a task: everything else is refused, with its name. */
import { describe, expect, test } from 'vitest'
import { TASK_DEFAULTS } from '../../../src/core/options.ts'
import { checkSubmission } from '../../../src/node/tasks/task-options.ts'

const NOW = 1_000_000
const TRACE = `00-${'ab'.repeat(16)}-${'01'.repeat(8)}-01`
const draft = (options: object): object => checkSubmission('type', 1, { ...options }, NOW).draft

describe('an option', () => {
  test('that is not given is as usual', () => {
    expect(draft({})).toEqual({ ...TASK_DEFAULTS, type: 'type', payload: '1' })
  })

  test.each([
    [{ onDependencyFailure: 'run' }, { onDependencyFailure: 'run' }],
    [
      { maxRetries: 0, maxLost: 15 },
      { maxRetries: 0, maxLost: 15 }
    ],
    [{ backoff: { delay: '2s' } }, { backoff: { ...TASK_DEFAULTS.backoff, delayMs: 2000 } }],
    [
      { backoff: { maxDelay: 5, jitter: 0, factor: 1 } },
      { backoff: { delayMs: 1000, factor: 1, maxDelayMs: 5, jitter: 0 } }
    ],
    [{ deadline: '1m' }, { deadlineMs: 60_000 }],
    [{ delay: '5s' }, { notBefore: NOW + 5000 }],
    [{ runAt: new Date(77) }, { notBefore: 77 }],
    [{ runAt: '1970-01-01T00:00:01Z' }, { notBefore: 1000 }],
    [{ runAt: 1000 }, { notBefore: 1000 }],
    [{ idempotencyKey: 'k' }, { idempotencyKey: 'k' }],
    [{ ref: 'ü'.repeat(48) }, { ref: 'ü'.repeat(48) }],
    [{ traceparent: TRACE }, { traceparent: TRACE }],
    [{ delivery: 'at-most-once' }, { delivery: 'at-most-once', maxRetries: 0 }],
    [
      { labels: { require: { zone: ['b', 'a', 'b'], gpu: 1, memory: '>= 1.5' } } },
      {
        labels: {
          require: [
            { label: 'gpu', anyOf: ['1'] },
            { label: 'memory', atLeast: 1.5 },
            { label: 'zone', anyOf: ['a', 'b'] }
          ],
          prefer: []
        }
      }
    ]
  ])('%j is understood', (options, part) => {
    expect(draft(options)).toMatchObject(part)
  })

  test.each([
    ['onDependencyFailure', 'ignore'],
    ['maxRetries', -1],
    ['maxRetries', 1001],
    ['maxRetries', 1.5],
    ['maxLost', 16],
    ['backoff', 5],
    ['backoff.delay', { delay: 'soon' }],
    ['backoff.factor', { factor: 0.5 }],
    ['backoff.jitter', { jitter: 2 }],
    ['backoff.max', { max: 1 }],
    ['timeout', 0],
    ['deadline', 0],
    ['deadline', 'never'],
    ['delay', -1],
    ['runAt', 'tomorrow'],
    ['runAt', -5],
    ['runAt', 9e15],
    ['runAt', Number.MAX_SAFE_INTEGER],
    ['runAt', new Date('+010000-01-01T00:00:00Z')],
    ['runAt', new Date(Number.NaN)],
    ['labels', 'gpu'],
    ['labels.must', { must: {} }],
    ['labels.require', { require: [] }],
    ['labels.require', { require: { 'a b': 1 } }],
    ['labels.require.gpu', { require: { gpu: '>=many' } }],
    ['labels.require.gpu', { require: { gpu: [] } }],
    ['labels.prefer.gpu', { prefer: { gpu: null } }],
    ['idempotencyKey', ''],
    ['idempotencyKey', 'x'.repeat(129)],
    ['ref', ''],
    ['ref', 7],
    ['ref', '\ud800'],
    ['ref', 'x'.repeat(97)],
    ['traceparent', ''],
    ['traceparent', 7],
    ['traceparent', TRACE.toUpperCase()],
    ['traceparent', TRACE.replace(/a/g, '0').replace(/b/g, '0')],
    ['traceparent', `${TRACE}-more`],
    ['delivery', 'exactly-once'],
    ['retention', -1],
    ['tags', 'a'],
    ['priority', 11]
  ])('%s: %j is refused by name', (name, value) => {
    const option = name.split('.')[0]!
    const refused = expect(() => draft({ [option]: value }))
    refused.toThrow(expect.objectContaining({ name: 'InvalidOptionError' }) as Error)
    refused.toThrow(name)
  })

  test.each([
    [{ delay: 1, runAt: 5 }, /delay and runAt/],
    [{ delay: '1h', deadline: '10m' }, /deadline cannot be 600000 ms.*delay lets/],
    [{ runAt: NOW + 5000, deadline: 5000 }, /deadline cannot be 5000 ms.*runAt lets/],
    [{ delivery: 'at-most-once', maxRetries: 1 }, /maxRetries cannot be 1/],
    [
      {
        labels: { require: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`l${i}`, 1])) }
      },
      /labels.require has 9/
    ],
    [{ backoff: { delay: '10m' } }, /backoff.delay cannot be 600000 ms.*backoff.maxDelay/],
    [{ backoff: { delay: 7, maxDelay: 6 } }, /backoff.delay cannot be 7 ms/],
    [{ backoff: { maxDelay: 'soon' } }, /backoff.maxDelay must be from 0/],
    [{ acks: 51 }, /acks must be a whole number from 0 to 50/],
    [{ maxRetrys: 1 }, /did you mean maxRetries/],
    [{ prio: 1 }, /did you mean priority/],
    [{ runAt: '1h' }, /not "1h" \(string\): a time from now is given as delay \(--delay\)$/],
    [{ runAt: 'tomorrow' }, /not "tomorrow" \(string\)$/],
    [{ delay: '2026-12-24T00:00:00Z' }, /a point in time is given as runAt \(--run-at\)$/],
    [{ delay: '2026-12-24' }, /a point in time is given as runAt \(--run-at\)$/],
    [{ delay: '2026' }, /not "2026" \(string\)$/]
  ])('%j is refused', (options, why) => {
    expect(() => draft(options)).toThrow(why)
  })
})
