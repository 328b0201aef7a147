/** Schemas of payloads: checked where the handler is, before a submission and again before a run. */
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { RunResult } from '../../src/core/input.ts'
import { createRunner, type ModuleAndFunctionRunner } from '../../src/run/runner.ts'

const file = fileURLToPath(new URL('fixtures/schemas.ts', import.meta.url))
const schema = z.object({ name: z.string(), times: z.number().default(2) })
let runner: ModuleAndFunctionRunner

afterEach(() => runner.stop())

async function withFile(): Promise<void> {
  runner = await createRunner({ files: [file], concurrency: 1 })
}

async function withFunction(given: StandardSchemaV1 = schema): Promise<void> {
  runner = await createRunner({ concurrency: 1 })
  runner.registerFunction('greet', ({ name, times }) => `${name}${times}`, given)
}

function ran(type: string, payload: unknown): Promise<RunResult> {
  return new Promise(resolve => {
    runner.onEnded((_taskId, _epoch, result) => resolve(result))
    runner.start({
      taskId: 't',
      epoch: 0,
      attempt: 1,
      type,
      payload: JSON.stringify(payload),
      timeoutMs: null,
      traceparent: null,
      dependencies: new Map(),
      pool: 'default',
      slot: 0
    })
  })
}

describe.each([
  ['a function', withFunction],
  ['a module', withFile]
])('the schema of %s', (_, start) => {
  test('says before a submission what is wrong with a payload, and where', async () => {
    await start()
    expect(await runner.refusalOf('greet', '{"name":1}')).toMatch(
      /^greet does not take this payload: name: .*expected string/
    )
    expect(await runner.refusalOf('greet', '{"name":"x"}')).toBeNull()
  })

  test('refuses a bad payload where it would be run, for good', async () => {
    await start()
    expect(await ran('greet', { name: 1 })).toMatchObject({
      status: 'failed',
      reason: 'PayloadRejected',
      error: { name: 'PayloadRejectedError' }
    })
  })

  test('gives the handler what it makes of the payload', async () => {
    await start()
    const { result } = (await ran('greet', { name: 'x' })) as { result: string }
    expect(['"x2"', '"x x"']).toContain(result)
  })
})

describe('a schema', () => {
  test('may be asynchronous, and make what JSON cannot carry', async () => {
    await withFile()
    expect(await ran('day', '2026-02-03')).toEqual({ status: 'completed', result: '3' })
    expect(await runner.refusalOf('day', '"never"')).toBe(
      'day does not take this payload: is no date'
    )
  })

  test('that is not there takes anything, and is not asked', async () => {
    await withFile()
    expect(runner.refusalOf('free', '1')).toBeNull()
    expect(runner.refusalOf('unknown', '1')).toBeNull()
  })

  test('that throws refuses', async () => {
    const broken: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate() {
          throw new TypeError('out of order')
        }
      }
    }
    await withFunction(broken)
    const why = 'the schema of greet failed: TypeError: out of order'
    expect(await runner.refusalOf('greet', '{}')).toBe(why)
  })

  test('with many complaints has its first ones told', async () => {
    await withFunction(z.tuple([z.string(), z.string(), z.string(), z.string(), z.string()]))
    expect(await runner.refusalOf('greet', '[1,2,3,4,5]')).toMatch(
      /^.*0: .*; 1: .*; 2: .*; and 2 more$/
    )
  })
})
