/**
 * What a handler says in ways of its own to the node, and what it prints without end: the run is what it returns, and the
 * node keeps no more than it has room for.
 */
import assert from 'node:assert'
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
  { kind: 'output', number: 1, stream: 'nowhere', bytes: new Uint8Array(1) },
  { kind: 'output', number: 1, stream: 'log', bytes: new Uint8Array(100_000) },
  // A part of a larger memory, all of which would be kept.
  { kind: 'output', number: 1, stream: 'log', bytes: new Uint8Array(100_000).subarray(0, 1) },
  { kind: 'output', number: 1, stream: 'log', bytes: 'x' },
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

test('whatever a handler reports is told, and so is what cannot be shown', async () => {
  const hidden = { [Symbol.for('nodejs.util.inspect.custom')]: () => assert.fail() }
  const odd = [undefined, Symbol('s'), Object.create(null), hidden, 5n]
  heard.runner.registerFunction('odd', (_, context) => {
    for (const line of odd) context.log(line)
    for (const fraction of [Number.NaN, 'x', undefined, -Infinity])
      context.progress(fraction as number, 7 as unknown as string)
  })
  expect(await value('odd')).toBeNull()
  expect(heard.lines.map(line => line.slice(0, 20))).toEqual([
    'undefined',
    'Symbol(s)',
    '[Object: null protot',
    'what it is cannot be',
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

/** How many bytes a handler has printed, as far as it was told: those that came, and those that were dropped. */
function bytesTold(): number {
  const dropped = /^\((\d+) bytes of output dropped/
  return heard.said.reduce((sum, bytes) => {
    const note = dropped.exec(Buffer.from(bytes).toString())?.[1]
    return sum + (note === undefined ? bytes.length : Number(note))
  }, 0)
}

test('a handler that prints in a loop fills neither its thread nor the node', async () => {
  // More than 64 MiB, if each left behind as little as 140 bytes: it left 300.
  expect(await value('printsAtOnce', 500_000)).toBeNull()
  expect(bytesTold()).toBe(500_000)
})

test('of what a handler prints while the node is busy, no more waits than the node has room for', async () => {
  const done = join(tmpdir(), `prints-${crypto.randomUUID()}`)
  // Two seconds and more: of each, a mebibyte would pass.
  const run = heard.start('printsUntil', { ms: 2500, done })
  await heard.line('begun')
  while (!existsSync(done)) readFileSync(file)
  await heard.outcome(run)
  await rm(done)
  expect(heard.said.length).toBeGreaterThan(200)
  expect(heard.said.length).toBeLessThan(270)
  expect(heard.lines.at(-1)).toMatch(/dropped: more than 1 MiB a second, or the node was busy/)
})

test('a text of any size is kept or counted, and comes in pieces', async () => {
  const bytes = 2 ** 20
  expect(await value('printsMuch', bytes)).toBeNull()
  expect(Math.max(...heard.said.map(({ length }) => length))).toBeLessThanOrEqual(8192)
  expect(heard.lines.slice(0, 1000)).toEqual(Array.from({ length: 1000 }, () => 'x'))
  // Each of two ends with the end of a line, and of what is logged no more than a line counts.
  const logged = 8192 + Buffer.byteLength(`… (${bytes - 8192} more bytes)\n`)
  expect(bytesTold()).toBe(3 * bytes + 2 + logged)
})
