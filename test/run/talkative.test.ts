/**
 * What a handler says in ways of its own to the node, and what it prints without end: the run is what it returns, and the
 * node keeps no more than it has room for.
 */
import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createRunner } from '../../src/run/runner.ts'
import { Heard } from '../contract/runner.ts'
import { until } from '../support/until.ts'

const file = fileURLToPath(new URL('./fixtures/talkative.ts', import.meta.url))

let heard: Heard
const warnings: string[] = []

beforeEach(async () => {
  warnings.length = 0
  vi.stubEnv('HEARSAY_KEY', 'secret')
  vi.stubEnv('HEARSAY_KEY_FILE', '/where/it/is')
  const log = { warn: (message: string) => warnings.push(message) }
  heard = new Heard(await createRunner({ files: [file], concurrency: 1, memoryMiB: 64, log }))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await heard.runner.stop()
})

const value = (type: string, payload?: unknown): Promise<unknown> =>
  heard.value(heard.start(type, payload))

test.each(['posts', 'closesPort'])(
  '%s: the parent port is the handler’s own, and nothing that is done to it is heard',
  async type => {
    expect(await value(type)).toBe('returned')
    expect(await value('echo', 1)).toBe(1)
    expect(heard.runner.refused).toBe(0)
    expect(warnings).toEqual([])
  }
)

test('a handler finds neither the line to the node nor the key of the cluster', async () => {
  expect(await value('whatIsGiven')).toEqual({ data: {}, keys: [] })
})

const failed = {
  status: 'failed',
  error: { name: 'Error', message: 'x', stack: null },
  reason: 'HandlerError'
}

test.each([
  { kind: 'progress', number: 1, fraction: Number.NaN, message: null },
  { kind: 'progress', number: 1, fraction: 7, message: null },
  { kind: 'progress', number: 1, fraction: 0.5, message: 'x'.repeat(2000) },
  { kind: 'output', number: 1, stream: 'nowhere', text: 'x' },
  { kind: 'output', number: 1, stream: 'log', text: 'x'.repeat(100_000) },
  { kind: 'output', number: 1, stream: 'log', text: '\ud800' },
  { kind: 'called', number: 'one' },
  { kind: 'tainted', why: 5 },
  // Of a run that is not there.
  { kind: 'ended', number: 9, result: { status: 'completed', result: '1' }, durationMs: 'long' }
])('%j: a run goes on beside what is refused, and its thread gets no other', async message => {
  expect(await value('forges', [message])).toBe('returned')
  expect(heard.runner.refused).toBe(9)
  expect(heard.progress).toEqual([])
  expect(heard.lines).toEqual([])
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('no message of hearsay')
  expect(await value('echo', 2)).toBe(2)
  expect(heard.runner.threads).toBe(1)
})

test.each([
  { status: 'completed', result: 'no JSON' },
  { status: 'completed', result: JSON.stringify('x'.repeat(9000)) },
  { status: 'completed', result: { hash: '../../etc/passwd', bytes: 5 } },
  { status: 'completed', result: { hash: 'a'.repeat(64), bytes: 2 ** 40 } },
  { ...failed, reason: 'toString' },
  { ...failed, error: { name: 'Error', message: 'x'.repeat(5000), stack: null } },
  { ...failed, retryAfterMs: Number.NaN },
  { ...failed, retryAfterMs: 1e300 },
  null
])('%j: a run whose end cannot be read has failed', async result => {
  const run = heard.start('forges', [{ kind: 'ended', number: 1, result, durationMs: 1 }])
  const { error } = await heard.failure(run)
  expect(error.name).toBe('HandlerCrashedError')
  expect(error.message).toContain('no message of hearsay')
  expect(await value('echo', 3)).toBe(3)
  expect(heard.ends).toHaveLength(2)
})

test('of two ends of a run the first one counts', async () => {
  const end = { kind: 'ended', number: 1, durationMs: 1 }
  const first = { ...end, result: { status: 'completed', result: '"first"' } }
  const second = { ...end, result: failed }
  expect(await value('forges', [first, second, first])).toBe('first')
  expect(await value('echo', 4)).toBe(4)
  expect(heard.ends).toHaveLength(2)
})

test('a run that cuts the line to the node has failed', async () => {
  const { error } = await heard.failure(heard.start('cutsLine'))
  expect(error.name).toBe('HandlerExitedError')
  expect(await value('echo', 5)).toBe(5)
})

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  'an error that is called %s is an error like any other',
  async name => {
    const { reason, error } = await heard.failure(heard.start('throwsNamed', name))
    expect(reason).toBe('HandlerError')
    expect(error.name).toBe(name)
    heard.runner.registerFunction('here', () => {
      throw Object.assign(new Error('x'), { name })
    })
    expect((await heard.failure(heard.start('here'))).reason).toBe('HandlerError')
  }
)

test('a handler that replaces what makes JSON gives no other run another result', async () => {
  expect(await value('breaksJson', 'no JSON')).toBe('returned')
  expect(await value('echo', { a: [1] })).toEqual({ a: [1] })
})

test('a handler that breaks its thread costs the runs of that thread at most', async () => {
  for (const type of ['breaksThread', 'echo']) await heard.outcome(heard.start(type))
  await until(async () => (await heard.outcome(heard.start('echo'))).status === 'completed', 'echo')
})

test('whatever a handler reports as a line is one', async () => {
  const odd = [undefined, Symbol('s'), Object.create(null), new Error('e'), 5n]
  heard.runner.registerFunction('odd', (_, context) => {
    for (const line of odd) context.log(line as string)
    for (const fraction of [Number.NaN, 'x', undefined, -Infinity])
      context.progress(fraction as number, 7 as unknown as string)
  })
  expect(await value('odd')).toBeNull()
  expect(heard.lines.map(line => line.slice(0, 20))).toEqual([
    'undefined',
    'Symbol(s)',
    '[Object: null protot',
    'Error: e',
    '5'
  ])
  expect(heard.progress).toEqual([{ fraction: 0, message: null }])
})

test('what a function says after its end is not heard', async () => {
  let late = (): void => {}
  heard.runner.registerFunction('later', (_, context) => {
    late = () => {
      context.log('late')
      context.progress(0.5)
    }
  })
  await value('later')
  late()
  expect([heard.lines, heard.progress]).toEqual([[], []])
})

/** How many lines a handler has printed or logged, as far as it was told: those that came, and those that were dropped. */
function linesTold(): number {
  const notes = heard.lines.flatMap(line => /^\((\d+) lines dropped/.exec(line)?.[1] ?? [])
  return heard.lines.length - notes.length + notes.reduce((sum, count) => sum + Number(count), 0)
}

test('a handler that prints in a loop fills neither its thread nor the node', async () => {
  // More than 64 MiB, if each left behind as little as 140 bytes: it left 300.
  expect(await value('printsAtOnce', 500_000)).toBeNull()
  expect(linesTold()).toBe(500_000)
})

test('of what a handler prints while the node is busy, no more waits than the node has room for', async () => {
  const done = join(tmpdir(), `prints-${crypto.randomUUID()}`)
  // Two seconds and more: of each, 200 lines would pass.
  const run = heard.start('printsUntil', { ms: 2500, done })
  await heard.line('begun')
  while (!existsSync(done)) readFileSync(file)
  await heard.outcome(run)
  await rm(done)
  expect(heard.lines.length).toBeGreaterThan(200)
  expect(heard.lines.length).toBeLessThan(270)
  expect(heard.lines.at(-1)).toMatch(/lines dropped: more than 200 a second, or the node was busy/)
})

test('one text of any size is some lines, cut', async () => {
  const bytes = 2 ** 20
  expect(await value('printsMuch', bytes)).toBeNull()
  expect(Math.max(...heard.said.map(({ length }) => length))).toBeLessThanOrEqual(8193)
  expect(heard.lines[0]).toBe('x')
  // The first text is followed by an empty line.
  expect(linesTold()).toBe(bytes / 2 + 1 + 3)
})
