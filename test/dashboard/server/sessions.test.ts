/** Codes and tokens: what is good once is good once, and what is over is over. */
import { expect, test } from 'vitest'
import { OneUse, Sessions } from '../../../src/dashboard/server/sessions.ts'

test('a code gives a token once, and the token opens', () => {
  const sessions = new Sessions(() => 0)
  const code = sessions.newCode()
  const token = sessions.exchange(code)
  expect(token).toMatch(/^[\w-]{43}$/)
  expect(sessions.isOpen(`Bearer ${token}`)).toBe(true)
  expect(sessions.exchange(code)).toBeNull()
})

test('a code is good for less than a minute', () => {
  let now = 0
  const sessions = new Sessions(() => now)
  const [early, late] = [sessions.newCode(), sessions.newCode()]
  now = 59_999
  expect(sessions.exchange(early)).not.toBeNull()
  now = 60_000
  expect(sessions.exchange(late)).toBeNull()
})

test.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  'Bearer x',
  'Basic eDp4',
  `Bearer ${'a'.repeat(43)}`,
  `Bearer ${'a'.repeat(200)}`
])('no session is opened by %j', header => {
  const sessions = new Sessions(() => 0)
  const code = sessions.newCode()
  sessions.exchange(sessions.newCode())
  expect(sessions.isOpen(header)).toBe(false)
  expect(sessions.isOpen(`Bearer ${code}`)).toBe(false)
})

test('of more codes than anybody follows, the oldest are over', () => {
  const sessions = new Sessions(() => 0)
  const codes = Array.from({ length: 9 }, () => sessions.newCode())
  expect(sessions.exchange(codes[0]!)).toBeNull()
  expect(sessions.exchange(codes[1]!)).not.toBeNull()
})

test('a token outlives codes, and all but the newest pages have to ask anew', () => {
  let now = 0
  const sessions = new Sessions(() => now)
  const tokens = Array.from({ length: 65 }, () => sessions.exchange(sessions.newCode()))
  now = 1e9
  expect(sessions.isOpen(`Bearer ${tokens[0]}`)).toBe(false)
  expect(sessions.isOpen(`Bearer ${tokens[1]}`)).toBe(true)
})

test('what is handed out once is not there a second time', () => {
  const files = new OneUse<string>(() => 0)
  const code = files.add('content')
  expect(files.take('other')).toBeUndefined()
  expect(files.take(code)).toBe('content')
  expect(files.take(code)).toBeUndefined()
})
