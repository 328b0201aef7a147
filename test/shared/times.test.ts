/** A date-time of RFC 3339 is read, and nothing looser. */
import { afterEach, expect, test, vi } from 'vitest'
import { parseDuration } from '../../src/shared/durations.ts'
import { parseTime } from '../../src/shared/times.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

test.each([
  ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31t12:00:00.5z', '2026-01-31T12:00:00.500Z'],
  ['2026-01-31 12:00:00+01:30', '2026-01-31T10:30:00.000Z'],
  ['2024-02-29T23:59:59.123456789-00:30', '2024-03-01T00:29:59.123Z'],
  ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ['0099-01-01T00:00:00Z', '0099-01-01T00:00:00.000Z']
])('%s is %s', (text, instant) => {
  expect(new Date(parseTime(text)!).toISOString()).toBe(instant)
})

test.each([
  'tomorrow 9',
  '99',
  '',
  '2026-02-30T00:00:00Z',
  '2026-02-29T00:00:00',
  '2026-13-01T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:60Z',
  '2026-01-01',
  '2026-01-01T12:00Z',
  '2026-01-01T12:00:00+24:00',
  '2026-01-01T12:00:00+0100',
  '+012026-01-01T12:00:00Z',
  'Sat, 31 Jan 2026 12:00:00 GMT',
  ' 2026-01-31T12:00:00Z'
])('%j is no time', text => {
  expect(parseTime(text)).toBeNull()
})

test('without an offset it is in the zone of this process', () => {
  vi.stubEnv('TZ', 'Europe/Vienna')
  expect(new Date(parseTime('2026-01-31T12:00:00')!).toISOString()).toBe('2026-01-31T11:00:00.000Z')
  expect(new Date(parseTime('2026-07-31T12:00:00')!).toISOString()).toBe('2026-07-31T10:00:00.000Z')
  // The clocks of Vienna go from 2 to 3 that night.
  expect(parseTime('2026-03-29T02:30:00')).toBeNull()
})

test.each([
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['500ms', 500],
  ['2d', 172_800_000],
  ['0', 0],
  ['0s', 0],
  ['3', null],
  ['3000', null],
  ['', null],
  ['-3s', null],
  ['3 s', null]
])('a duration needs its unit, 0 excepted: %j', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})
