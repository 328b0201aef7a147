/**
 * The runner with real threads: what a handler may do to its thread, and what becomes of it.
 */
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Handler } from '../../src/ports/handler.ts'
import { createRunner } from '../../src/run/runner.ts'
import { Heard, runnerContract } from '../contract/runner.ts'
import { until } from '../support/until.ts'
import * as wellBehaved from './fixtures/well-behaved.ts'

const handlersFile = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url))

/** Long enough for an obedient handler to be heard on a machine under load. */
const abortGraceMs = 1000

runnerContract('a runner of modules', () =>
  createRunner({ files: [handlersFile('well-behaved')], concurrency: 2, abortGraceMs })
)

runnerContract('a runner of functions', async () => {
  const runner = await createRunner({ concurrency: 2, abortGraceMs })
  for (const [type, handler] of Object.entries(wellBehaved)) {
    runner.registerFunction(type, handler as Handler)
  }
  return runner
})

describe('whatever a handler does to its thread', () => {
  let heard: Heard
  const warnings: string[] = []

  beforeEach(async () => {
    warnings.length = 0
    heard = new Heard(
      await createRunner({
        files: [handlersFile('ill-behaved')],
        concurrency: 2,
        abortGraceMs: 50,
        memoryMiB: 64,
        idleMs: 1000,
        log: { warn: message => warnings.push(message) }
      })
    )
  })
  afterEach(() => heard.runner.stop())

  const threadOf = (type: string, payload?: unknown): Promise<unknown> =>
    heard.value(heard.start(type, payload))

  test.each([
    ['exits', 3, 'HandlerExitedError', 'process.exit(3)'],
    ['exits', 0, 'HandlerExitedError', 'process.exit(0)'],
    ['kills', null, 'HandlerExitedError', 'process.exit(1)'],
    ['rejectsUnseen', null, 'HandlerCrashedError', 'TypeError: nobody awaits me'],
    ['throwsInTimer', null, 'HandlerCrashedError', 'TypeError: nobody catches me'],
    ['hoards', null, 'OutOfMemoryError', 'limit of 64 MiB'],
    ['hoardsBuffers', null, 'OutOfMemoryError', 'limit of 64 MiB'],
    ['hoardsShared', null, 'OutOfMemoryError', 'limit of 64 MiB'],
    ['growsShared', null, 'OutOfMemoryError', 'limit of 64 MiB'],
    ['hoardsSharedWasm', null, 'OutOfMemoryError', 'limit of 64 MiB'],
    ['grabs', null, 'OutOfMemoryError', 'limit of 64 MiB']
  ])('%s(%s) is the failure of that run, and the next run is fine', async (...row) => {
    const [type, payload, name, message] = row
    const neighbour = heard.start('rests', 100)
    const { reason, error } = await heard.failure(heard.start(type, payload))
    expect(reason).toBe('HandlerError')
    expect(error.name).toBe(name)
    expect(error.message).toContain(message)
    expect((await heard.outcome(neighbour)).status).toBe('completed')
    expect(await threadOf('whichThread')).toBeGreaterThan(0)
  })

  test('a run that blocks its thread is reported as timed out only when it is over', async () => {
    const file = join(tmpdir(), `blocks-${crypto.randomUUID()}`)
    const { reason } = await heard.failure(heard.start('blocks', file, { timeoutMs: 100 }))
    expect(reason).toBe('Timeout')
    await rm(file)
    await threadOf('rests', 100)
    await expect(readFile(file)).rejects.toThrow('ENOENT')
  })

  test('an aborted run that blocks its thread loses it, and its place is free again', async () => {
    const file = join(tmpdir(), `blocks-${crypto.randomUUID()}`)
    const runs = [heard.start('blocks', file), heard.start('blocks', file)]
    await until(() => heard.lines.length === 2, 'both to run')
    for (const run of runs) void heard.runner.abort(run.taskId, run.epoch)
    expect(await threadOf('whichThread')).toBeGreaterThan(0)
    expect(heard.ends).toHaveLength(1)
    await rm(file)
  })

  test('what an ended run left behind costs its thread, but not the run that has it now', async () => {
    for (const type of ['leavesExit', 'leavesError']) {
      const thread = await threadOf(type)
      expect(await threadOf('releases')).toBe(thread)
      expect(await threadOf('whichThread')).not.toBe(thread)
    }
    expect(warnings.join()).toContain('called by a run that had ended')
    expect(warnings.join()).toContain('Error: left behind')
  })

  test('a run that reaches a thread which is just dying gets another one', async () => {
    for (let i = 0; i < 10; i++) {
      await threadOf('exitsLater')
      const began = performance.now()
      await until(() => performance.now() - began >= 15 + i, 'the moment of the exit')
      expect(await threadOf('whichThread')).toBeGreaterThan(0)
    }
  })

  test('what a handler prints is a line of its run', async () => {
    await heard.outcome(heard.start('prints'))
    expect(heard.lines).toEqual(['printed 1', 'also printed', 'two', 'lines'])
  })

  test.each(['console.debug', 'JSON.parse', 'Array.prototype'])(
    'a thread that it leaves with another %s gets no further run',
    async what => {
      const before = await threadOf('patches', what)
      expect(await threadOf('whichThread')).not.toBe(before)
      expect(warnings).toEqual([
        `a worker thread is replaced after its run: a handler of patches changed ${what}`
      ])
    }
  )

  test('what it keeps in a global of its own does no harm: the thread is used again', async () => {
    const before = await threadOf('patches', 'a global of its own')
    expect(await threadOf('whichThread')).toBe(before)
    expect(warnings).toEqual([])
  })

  test('a default export handles types that are no identifiers', async () => {
    expect(await threadOf('not-an-identifier')).toBe('from the default export')
    expect(heard.runner.handlers).not.toContain('aConstant')
  })

  test('no more threads than allowed, a thread is used again, and an idle runner has none', async () => {
    expect(heard.runner.threads).toBe(0)
    const runs = Array.from({ length: 6 }, () => heard.start('rests', 20))
    expect(heard.runner.threads).toBe(2)
    const threads = new Set(await Promise.all(runs.map(run => heard.value(run))))
    expect(threads.size).toBe(2)
    await until(() => heard.runner.threads === 0, 'idle threads to be ended')
    expect(await threadOf('whichThread')).toBeGreaterThan(0)
  })
})

describe('handlers files and registrations', () => {
  // Long enough for a busy machine to start a thread in; the one file that never loads has to wait for it.
  const refusal = (name: string): Promise<unknown> =>
    createRunner({ files: [handlersFile(name)], concurrency: 1, loadTimeoutMs: 5000 }).then(
      runner => runner.handlers,
      error => error
    )

  test.each([
    ['broken', 'SyntaxError: broken on purpose'],
    ['ends', 'process.exit(3)'],
    ['hangs', 'more than 5000 ms'],
    ['empty', 'has no handlers'],
    ['single', 'has no handlers'],
    ['missing', 'no such file']
  ])('the file %s is refused with its name and the cause', async (name, cause) => {
    const error = await refusal(name)
    expect(error).toMatchObject({ name: 'HandlersFileError' })
    expect(String(error)).toContain(handlersFile(name))
    expect(String(error)).toContain(cause)
  })

  test('a file that is no module is refused', async () => {
    const refused = createRunner({ files: ['/etc/hostname'], concurrency: 1 })
    await expect(refused).rejects.toMatchObject({ name: 'HandlersFileError' })
  })

  test('a type has one handler', async () => {
    const file = handlersFile('well-behaved')
    const twice = createRunner({ files: [file, file], concurrency: 1 })
    await expect(twice).rejects.toMatchObject({ name: 'InvalidOptionError' })
    const runner = await createRunner({ files: [file], concurrency: 1 })
    expect(() => runner.registerFunction('echo', () => 1)).toThrow('echo has a handler already')
    await expect(runner.registerModule('echo', file)).rejects.toThrow('has a handler already')
    await runner.stop()
  })

  test('has room for as many types as a heartbeat can name, and says so beyond', async () => {
    const runner = await createRunner({ concurrency: 1 })
    for (let n = 0; n < 255; n++) runner.registerFunction(`type-${n}`, () => n)
    const long = 'x'.repeat(128)
    runner.registerFunction(long, () => 0)
    expect(() => runner.registerFunction('more', () => 0)).toThrow('at most 256 task types')
    await runner.stop()
  })

  test('modules can be registered later, by an export of the name or a default function', async () => {
    const runner = await createRunner({ concurrency: 1 })
    await runner.registerModule('echo', handlersFile('well-behaved'))
    await runner.registerModule('any-type', handlersFile('single'))
    const missing = runner.registerModule('other', handlersFile('well-behaved'))
    await expect(missing).rejects.toMatchObject({ name: 'HandlersFileError' })
    expect(runner.handlers).toEqual(['any-type', 'echo'])
    const heard = new Heard(runner)
    expect(await heard.value(heard.start('any-type'))).toBe('the only one')
    expect(await heard.value(heard.start('echo', 5))).toBe(5)
    await runner.stop()
  })

  test.each([0, 1.5, Number.NaN, '2' as unknown as number])(
    'a concurrency of %s is refused by name and value',
    async concurrency => {
      const refused = createRunner({ concurrency })
      await expect(refused).rejects.toThrow(`concurrency has to be an integer of at least 1`)
    }
  )

  test('a time that no timer can wait for is refused', async () => {
    const refused = createRunner({ concurrency: 1, abortGraceMs: 2 ** 31 - 1 })
    await expect(refused).rejects.toThrow('abortGraceMs has to be an integer')
  })
})

describe('functions of the program', () => {
  test('are called before what has waited in the event loop, but not inside start', async () => {
    const runner = await createRunner({ concurrency: 1 })
    const order: string[] = []
    runner.registerFunction('work', () => void order.push('called'))
    setImmediate(() => order.push('what waited'))
    new Heard(runner).start('work')
    order.push('started')
    await new Promise(resolve => setImmediate(resolve))
    expect(order).toEqual(['started', 'called', 'what waited'])
    await runner.stop()
  })

  test('that end at once, and are followed by others, leave turns of the event loop to everybody else', async () => {
    const runner = await createRunner({ concurrency: 1 })
    runner.registerFunction('work', () => null)
    const heard = new Heard(runner)
    const runs = 100
    const finished = Promise.withResolvers<void>()
    let ends = 0
    runner.onEnded(() => {
      if (++ends === runs) finished.resolve()
      else heard.start('work')
    })
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    heard.start('work')
    await finished.promise
    isOver = true
    expect(turns).toBeGreaterThanOrEqual(runs / 3)
    await runner.stop()
  })
})
