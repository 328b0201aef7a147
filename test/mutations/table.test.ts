/** The table of mistakes does not rot: each can still be planted. Whether tests notice them: `npm run soak -- mutants`. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MISTAKES } from './table.ts'

const sources = new URL('../../src/', import.meta.url)

test.each(MISTAKES.map(([name, file, find, replace]) => ({ name, file, find, replace })))(
  '$name can be planted: what it replaces stands in its file exactly once',
  ({ file, find, replace }) => {
    const text = readFileSync(new URL(file, sources), 'utf8')
    expect(text.split(find)).toHaveLength(2)
    expect(replace).not.toBe(find)
  }
)

test('each mistake has a name of its own, and words', () => {
  const names = MISTAKES.map(([name]) => name)
  expect(names).toEqual([...new Set(names)])
  expect(MISTAKES.filter(([, , , , is]) => is === '')).toEqual([])
})

test('tests that are named are there', () => {
  const root = new URL('../../', import.meta.url)
  const named = MISTAKES.flatMap(([, , , , , tests = []]) => tests)
  expect(named.filter(file => !existsSync(new URL(file, root)))).toEqual([])
})
