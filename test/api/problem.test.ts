/** Errors on their way to a client. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { errorOf, problemOf } from '../../src/api/problem.ts'
import { NodeClosedError } from '../../src/shared/errors.ts'

test('what was broken off because the node stops says so, wherever it was', async () => {
  const closing = new AbortController()
  const waiting = sleep(60_000, undefined, { signal: closing.signal })
  closing.abort(new NodeClosedError('node a/1 has stopped'))
  const error = await waiting.catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'AbortError' })
  const { status, problem } = problemOf(error)
  expect(status).toBe(503)
  expect(errorOf(problem)).toEqual(new NodeClosedError('node a/1 has stopped'))
})
