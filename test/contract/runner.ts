/**
 * What every Runner keeps, whatever it runs handlers on. `make` gives a runner that has the handlers of
 * test/run/fixtures/well-behaved.ts.
 */
import { afterEach, beforeEach, expect, test, describe } from 'vitest'
import type { Run } from '../../src/core/effect.ts'
import type { RunResult } from '../../src/core/input.ts'
import { TASK_LIMITS } from '../../src/core/options.ts'
import type { ModuleAndFunctionRunner } from '../../src/run/runner.ts'
import { until } from '../support/until.ts'

export type End = { taskId: string; epoch: number; result: RunResult; durationMs: number }

/** Collects what a runner says. */
export class Heard {
  readonly ends: End[] = []
  readonly lines: string[] = []
  /** All that was said, on whichever stream. */
  readonly said: Uint8Array[] = []
  /** The same as text, by stream. */
  readonly output = { stdout: '', stderr: '', log: '' }
  readonly progress: { fraction: number; message: string | null }[] = []
  /** How often its handlers have become others by themselves. */
  changes = 0
  readonly runner: ModuleAndFunctionRunner

  constructor(runner: ModuleAndFunctionRunner) {
    this.runner = runner
    runner.onEnded((taskId, epoch, result, durationMs) =>
      this.ends.push({ taskId, epoch, result, durationMs })
    )
    runner.onHandlersChanged(() => this.changes++)
    runner.onOutput((_taskId, _epoch, stream, bytes) => {
      const text = Buffer.from(bytes).toString()
      this.said.push(bytes)
      this.lines.push(...text.replace(/\n$/, '').split('\n'))
      this.output[stream] += text
    })
    runner.onProgress((_taskId, _epoch, fraction, message) =>
      this.progress.push({ fraction, message })
    )
  }

  start(type: string, payload: unknown = null, more: Partial<Run> = {}): Run {
    const run: Run = {
      taskId: crypto.randomUUID(),
      epoch: 0,
      attempt: 1,
      type,
      payload: JSON.stringify(payload),
      timeoutMs: null,
      traceparent: null,
      dependencies: new Map(),
      pool: 'default',
      slot: 0,
      ...more
    }
    this.runner.start(run)
    return run
  }

  async outcome(run: Run): Promise<RunResult> {
    const ofRun = (end: End): boolean => end.taskId === run.taskId && end.epoch === run.epoch
    const end = await until(() => this.ends.find(ofRun), `the end of a run of ${run.type}`)
    return end!.result
  }

  /** The error of a run that has to fail. */
  async failure(run: Run): Promise<Extract<RunResult, { status: 'failed' }>> {
    const result = await this.outcome(run)
    if (result.status === 'failed') return result
    throw new Error(`ended as ${JSON.stringify(result)}`)
  }

  async value(run: Run): Promise<unknown> {
    const result = await this.outcome(run)
    if (result.status !== 'completed') throw new Error(JSON.stringify(result))
    return JSON.parse(result.result as string)
  }

  line(text: string): Promise<unknown> {
    return until(() => this.lines.includes(text), `the line ${text}`)
  }
}

export function runnerContract(name: string, make: () => Promise<ModuleAndFunctionRunner>): void {
  describe(`${name} keeps the contract of a runner`, () => {
    let heard: Heard
    beforeEach(async () => {
      heard = new Heard(await make())
    })
    afterEach(() => heard.runner.stop())

    results(() => heard)
    errors(() => heard)
    stops(() => heard)
    reports(() => heard)
  })
}

function results(heard: () => Heard): void {
  test('the payload arrives as it was, and so does the result', async () => {
    const payload = { text: 'ä\u0000😀', list: [1, null, { deep: true }] }
    expect(await heard().value(heard().start('echo', payload))).toEqual(payload)
  })

  test('a handler that returns nothing completes with null', async () => {
    expect(await heard().outcome(heard().start('nothing'))).toEqual({
      status: 'completed',
      result: 'null'
    })
  })

  test('the context says which run it is, and has the results of dependencies', async () => {
    const dependencies = new Map([['some-id', '{"x":[1]}']])
    const run = heard().start('about', null, { attempt: 3, epoch: 7, dependencies })
    expect(await heard().value(run)).toEqual({
      id: run.taskId,
      type: 'about',
      attempt: 3,
      epoch: 7,
      traceparent: null,
      dependencies: { 'some-id': { x: [1] } }
    })
  })

  test('a result of exactly the allowed size passes, one byte more does not', async () => {
    const fitting = TASK_LIMITS.inlineBytesMax / 2 - 1
    expect(await heard().value(heard().start('returnsText', fitting))).toHaveLength(fitting)
    const { reason, error } = await heard().failure(heard().start('returnsText', fitting + 1))
    expect(reason).toBe('TooLarge')
    expect(error.message).toContain('8194 bytes')
  })

  test.each([
    ['returnsFunction', 'it is a function'],
    ['returnsCircle', 'self is an object that it is itself within'],
    ['returnsBigInt', 'count is a BigInt'],
    ['returnsMap', 'found.byName is a Map']
  ])('%s: what JSON cannot carry is a failure for good that says where', async (type, where) => {
    const { reason, error } = await heard().failure(heard().start(type))
    expect(reason).toBe('ResultRejected')
    expect(error.name).toBe('ResultRejectedError')
    expect(error.message).toContain(`JSON cannot carry what the handler returned: ${where}`)
  })

  test('an end is never reported inside start, and only once', async () => {
    for (const type of ['echo', 'throws', 'noSuchType']) {
      const run = heard().start(type, { message: 'x' })
      expect(heard().ends.some(end => end.taskId === run.taskId)).toBe(false)
      await heard().outcome(run)
    }
    await heard().outcome(heard().start('echo'))
    expect(new Set(heard().ends.map(end => end.taskId)).size).toBe(heard().ends.length)
  })

  test('runs of one task at two epochs are two runs', async () => {
    const first = heard().start('obeys')
    const second = heard().start('echo', 2, { taskId: first.taskId, epoch: 1 })
    expect(await heard().value(second)).toBe(2)
    await heard().runner.abort(first.taskId, 0)
    expect(heard().ends.map(end => end.epoch)).toEqual([1])
  })
}

function errors(heard: () => Heard): void {
  test('an error keeps its name, message, cause and stack', async () => {
    const run = heard().start('throws', { message: 'out of range', cause: 'a bad number' })
    const { reason, error } = await heard().failure(run)
    expect(reason).toBe('HandlerError')
    expect(error.name).toBe('RangeError')
    expect(error.message).toBe('out of range (cause: a bad number)')
    expect(error.stack).toContain('well-behaved.ts')
    expect(error.stack).toContain('[cause]: Error: a bad number')
  })

  test('RetryAfterError says when, in ms or as a time, and something without sense is bounded', async () => {
    const after = async (type: string, payload?: unknown): Promise<number | undefined> =>
      (await heard().failure(heard().start(type, payload))).retryAfterMs
    expect(await after('comesEarly', 1234)).toBe(1234)
    for (const ms of [0, -1, 999]) expect(await after('comesEarly', ms)).toBe(1000)
    expect(await after('comesEarly', 'soon')).toBe(10_000)
    const inAMinute = await after('comesEarlyUntil', new Date(Date.now() + 60_000).toISOString())
    expect(inAMinute).toBeLessThanOrEqual(60_000)
    expect(inAMinute).toBeGreaterThan(1000)
    expect(await after('givesUp')).toBeUndefined()
    for (const when of ['never', 'far']) expect(await after('comesOddly', when)).toBe(2 ** 31 - 1)
    for (const when of ['nothing', 'no date']) expect(await after('comesOddly', when)).toBe(10_000)
    expect(await after('comesOddly', 'long ago')).toBe(1000)
  })

  test('texts of an error are cut between characters', async () => {
    const run = heard().start('throws', { message: `x${'😀'.repeat(5000)}`, cause: 'why' })
    const { error } = await heard().failure(run)
    expect(error.message).toMatch(/^x(😀)+ \(cause: why\)$/u)
    expect(Buffer.byteLength(error.message)).toBeLessThanOrEqual(TASK_LIMITS.errorMessageBytesMax)
    const stack = Buffer.byteLength(error.stack ?? '')
    expect(stack).toBeLessThanOrEqual(TASK_LIMITS.errorStackBytesMax)
  })

  test('something thrown that is not an error is described', async () => {
    const { error } = await heard().failure(heard().start('throwsText'))
    expect(error.name).toBe('NonErrorThrown')
    expect(error.message).toContain("'just text'")
  })

  test('an error that cannot be read is a failure like any other', async () => {
    const { reason } = await heard().failure(heard().start('throwsHostile'))
    expect(reason).toBe('HandlerError')
  })

  test('NonRetryableError has a reason of its own', async () => {
    const { reason, error } = await heard().failure(heard().start('givesUp'))
    expect(reason).toBe('NonRetryable')
    expect(error).toMatchObject({ name: 'NonRetryableError', message: 'never again' })
  })

  test('a type without a handler is a failure', async () => {
    const { error } = await heard().failure(heard().start('noSuchType'))
    expect(error.name).toBe('NoHandlerError')
  })
}

function stops(heard: () => Heard): void {
  test('a run above its timeout is asked to end, and has timed out whatever it returns', async () => {
    const run = heard().start('obeys', null, { timeoutMs: 30 })
    const { reason, error } = await heard().failure(run)
    expect(reason).toBe('Timeout')
    expect(error.name).toBe('TimeoutError')
    expect(heard().lines).toContain('asked to stop: TimeoutError')
  })

  test('a run that does not obey times out too', async () => {
    const run = heard().start('ignores', null, { timeoutMs: 30 })
    const { reason } = await heard().failure(run)
    expect(reason).toBe('Timeout')
  })

  test('a run below its timeout is left alone', async () => {
    expect(await heard().value(heard().start('echo', 1, { timeoutMs: 60_000 }))).toBe(1)
  })

  test('nothing is reported of an aborted run, obedient or not', async () => {
    for (const type of ['obeys', 'ignores']) {
      const count = heard().lines.length
      const run = heard().start(type)
      await until(() => heard().lines.length > count, 'the run to begin')
      const aborted = heard().runner.abort(run.taskId, run.epoch)
      // Once more changes nothing, and both are told when it is over.
      await Promise.all([aborted, heard().runner.abort(run.taskId, run.epoch)])
      expect(await heard().value(heard().start('echo', type))).toBe(type)
    }
    await heard().runner.stop()
    expect(heard().ends).toHaveLength(2)
    expect(heard().lines).toEqual(['running', 'running'])
  })

  test('a run that is aborted right after its start is never reported', async () => {
    const run = heard().start('echo')
    await heard().runner.abort(run.taskId, run.epoch)
    await heard().outcome(heard().start('echo'))
    await heard().runner.stop()
    expect(heard().ends).toHaveLength(1)
  })

  test('an unknown run is aborted without harm', async () => {
    await heard().runner.abort('no such task', 0)
  })

  test('a stopped runner reports nothing any more', async () => {
    heard().start('obeys')
    await heard().line('running')
    heard().start('ignores')
    heard().start('echo')
    await heard().runner.stop()
    expect(heard().ends).toEqual([])
    expect(heard().runner.threads).toBe(0)
  })
}

function reports(heard: () => Heard): void {
  test('of a flood of progress few reports pass, the last one among them', async () => {
    await heard().outcome(heard().start('reports'))
    const { progress } = heard()
    expect(progress.length).toBeLessThan(20)
    expect(progress[0]).toEqual({ fraction: 0, message: 'step 0' })
    expect(progress.at(-1)).toEqual({ fraction: 1, message: 'clamped' })
  })

  test('a burst of lines is kept, and a long one says where it was cut', async () => {
    await heard().outcome(heard().start('logs', 1000))
    const lines = heard().output.log.split('\n').slice(0, -1)
    expect(lines[0]).toMatch(/^ä{4096}… \(11808 more bytes\)$/)
    expect(lines.slice(1)).toEqual(Array.from({ length: 1000 }, (_, i) => `line ${i}`))
  })

  test('a flood of lines is cut off between lines, and the rest is counted', async () => {
    await heard().outcome(heard().start('logs', 200_000))
    const lines = heard().output.log.split('\n')
    const note = /^\((\d+) bytes of output dropped: more than 1 MiB a second\)$/
    const dropped = lines.reduce((sum, line) => sum + Number(note.exec(line)?.[1] ?? 0), 0)
    const kept = lines.filter(line => /^line \d+$/.test(line))
    const all = Array.from({ length: 200_000 }, (_, i) => `line ${i}\n`).join('').length
    expect(kept.length).toBeGreaterThan(50_000)
    expect(kept.join('').length + kept.length + dropped).toBe(all)
  })

  test('whatever is logged is shown', async () => {
    await heard().outcome(heard().start('logsAnything'))
    const text = heard().output.log
    expect(text).toContain("{ a: [ 1, { b: 'c' } ] }\nundefined\nSymbol(s)\n5\n")
    expect(text).toContain('Error: wrong\n    at ')
  })
}
