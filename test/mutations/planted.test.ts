/** A few mistakes planted for real, in a copy: that tests which should notice do, and pass without. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Copy } from './copy.ts'
import { MISTAKES } from './table.ts'

/** Without a network, a disk or a clock: a second each, where nothing else is done. */
const TESTS = ['test/core/queue/carried-outcomes.test.ts']
const TEST_MS_MAX = 120_000

let copy: Copy

beforeAll(async () => {
  copy = await Copy.make()
}, TEST_MS_MAX)
afterAll(() => copy?.remove())

test(
  'without a mistake they pass, before and after',
  async () => {
    expect(await copy.passes(TESTS)).toBe(true)
    const [mistake] = MISTAKES.filter(([name]) => name === 'grant-resets-attempt')
    expect(await copy.isNoticed(mistake!, TESTS)).toBe(true)
    expect(await copy.passes(TESTS)).toBe(true)
  },
  TEST_MS_MAX
)

test.each(['grant-drops-backoff', 'epoch-taken-ignored', 'confirmed-before-disk'])(
  '%s is noticed',
  async name => {
    const [mistake] = MISTAKES.filter(([known]) => known === name)
    expect(await copy.isNoticed(mistake!, TESTS)).toBe(true)
  },
  TEST_MS_MAX
)
