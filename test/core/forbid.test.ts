/** The guard that keeps clocks and dice out of the core can itself fail to notice: here it is shown that it does not. */
import { runInThisContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import './forbid.ts'

const calls = ['Date.now()', 'new Date()', 'Date()', 'Math.random()', 'performance.now()']

/** Runs code as if it stood in this file. */
function runAt(path: string, code: string): unknown {
  const call = runInThisContext(`(() => { return ${code} })`, { filename: path }) as () => unknown
  return call()
}

describe('clocks and dice', () => {
  test.each(calls)('%s throws when the core calls it', call => {
    expect(() => runAt('/any/src/core/planted.ts', call)).toThrow('was called by the core')
    expect(() => runAt('/any/src/sim/planted.ts', call)).toThrow('was called by the core')
  })

  test.each(calls)('%s works for everybody else', call => {
    expect(runAt('/any/test/core/planted.ts', call)).toBeTruthy()
  })

  test('a date of a given time is no clock', () => {
    expect(runAt('/any/src/core/planted.ts', 'new Date(5).getTime()')).toBe(5)
  })
})
