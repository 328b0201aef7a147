/** The options of a task as flags, in the words of the library. */
import { Command } from '@commander-js/extra-typings'
import { describe, expect, test } from 'vitest'
import { submitOptions, taskFlags } from '../../../src/cli/submit/task-flags.ts'
import { checkSubmission } from '../../../src/node/tasks/task-options.ts'

const TRACE = `00-${'ab'.repeat(16)}-${'01'.repeat(8)}-01`

function parse(...argv: string[]): object {
  const command = taskFlags(new Command().exitOverride().configureOutput({ writeErr: () => {} }))
  return submitOptions(command.parse(argv, { from: 'user' }).opts())
}

describe('flags of a task', () => {
  const id = '0198a1b2-c3d4-8000-8000-000000000001'
  const [other, third] = [id.replace(/1$/, '2'), id.replace(/1$/, '3')]
  test.each([
    [[], {}],
    [['--priority', '8'], { priority: 8 }],
    [
      ['--depends-on', id, '--on-dependency-failure', 'run'],
      { dependsOn: [id], onDependencyFailure: 'run' }
    ],
    [['--depends-on', `${id},${other}`, '--depends-on', third], { dependsOn: [id, other, third] }],
    [['--max-retries', '0', '--max-lost', '2'], { maxRetries: 0, maxLost: 2 }],
    [
      ['--backoff-delay', '2s', '--backoff-factor', '1.5'],
      { backoff: { delay: '2s', factor: 1.5 } }
    ],
    [['--backoff', '500ms'], { backoff: { delay: '500ms' } }],
    [
      ['--backoff-max-delay', '1m', '--backoff-jitter', '0'],
      { backoff: { maxDelay: '1m', jitter: 0 } }
    ],
    [['--timeout', '30s', '--deadline', '5m'], { timeout: 30_000, deadline: '5m' }],
    [['--delay', '1h'], { delay: '1h' }],
    [['--run-at', '2026-01-31T12:00:00Z'], { runAt: '2026-01-31T12:00:00.000Z' }],
    [
      ['--label', 'gpu=1', '--label', 'zone=a,b'],
      { labels: { require: { gpu: '1', zone: ['a', 'b'] } } }
    ],
    [
      ['--label', 'memory>=16', '--label', 'gpu=1'],
      { labels: { require: { memory: '>=16', gpu: '1' } } }
    ],
    [['--prefer-label', 'ssd=yes'], { labels: { prefer: { ssd: 'yes' } } }],
    [
      ['--idempotency-key', 'k', '--delivery', 'at-most-once'],
      { idempotencyKey: 'k', delivery: 'at-most-once' }
    ],
    [
      [
        '--retention',
        '1h',
        '--tag',
        'a',
        '--tag',
        'b,c',
        '--ref',
        'doc4',
        '--traceparent',
        TRACE,
        '--acks',
        '2'
      ],
      { retention: '1h', tags: ['a', 'b,c'], ref: 'doc4', traceparent: TRACE, acks: 2 }
    ]
  ])('%j', (argv, options) => {
    const given = parse(...argv)
    expect(given).toEqual(options)
    expect(() => checkSubmission('type', null, { ...given }, 0)).not.toThrow()
  })

  // A flag by the command line itself, or by the node in the words of the library.
  test.each([
    ['--priority', '0', 'priority'],
    ['--priority', 'high', '--priority'],
    ['--depends-on', 'x'.repeat(40), 'dependsOn'],
    ['--on-dependency-failure', 'ignore', 'onDependencyFailure'],
    ['--max-retries', '-1', '--max-retries'],
    ['--max-retries', '1001', 'maxRetries'],
    ['--max-lost', '16', 'maxLost'],
    ['--backoff-delay', 'soon', 'backoff.delay'],
    ['--backoff-delay', '10m', 'backoff.maxDelay'],
    ['--backoff-factor', 'x', '--backoff-factor'],
    ['--backoff-factor', '0.5', 'backoff.factor'],
    ['--backoff-max-delay', '2d', 'backoff.maxDelay'],
    ['--backoff-jitter', '1.1', 'backoff.jitter'],
    ['--timeout', '0', 'timeout'],
    ['--timeout', '25d', '--timeout'],
    ['--deadline', '0', 'deadline'],
    ['--delay', 'later', 'delay'],
    ['--run-at', 'tomorrow', 'runAt'],
    ['--label', 'gpu', '--label'],
    ['--label', '=1', '--label'],
    ['--label', 'gpu<1', '--label'],
    ['--label', 'memory>=much', 'labels.require.memory'],
    ['--prefer-label', 'a b=1', 'labels.prefer'],
    ['--idempotency-key', '', 'idempotencyKey'],
    ['--delivery', 'exactly-once', 'delivery'],
    ['--retention', '-1', 'retention'],
    ['--tag', '', 'tags'],
    ['--ref', '', 'ref'],
    ['--ref', 'ü'.repeat(49), 'ref'],
    ['--traceparent', '00-1-2-3', 'traceparent'],
    ['--acks', '51', 'acks']
  ])('%s %j is refused by its name', (flag, value, name) => {
    expect(() => checkSubmission('type', null, { ...parse(flag, value) }, 0)).toThrow(name)
  })

  test.each(['--tag', '--depends-on', '--label', '--prefer-label'])(
    '%s takes one value, and leaves the operands of its verb alone',
    flag => {
      const command = taskFlags(new Command()).argument('[type]').argument('[payload]')
      command.parse([flag, 'x=1', 'TYPE', '1'], { from: 'user' })
      expect(command.args).toEqual(['TYPE', '1'])
    }
  )

  test('--backoff and --backoff-delay are one, and not given twice', () => {
    expect(() => parse('--backoff', '1s', '--backoff-delay', '2s')).toThrow(/cannot be used with/)
  })

  test('the help says the number of retries that is in force', () => {
    expect(taskFlags(new Command(), 0).helpInformation()).toMatch(/failed one \(default: 0\)/)
    expect(taskFlags(new Command()).helpInformation()).toMatch(/failed one \(default: 3\)/)
  })
})
