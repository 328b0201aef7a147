/** Points in time as people write them: a date-time of RFC 3339, such as `2026-01-31T12:00:00Z`, and nothing looser. */

const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))?$/

const MINUTE_MS = 60_000

/**
 * In ms since 1970; null if it is no date-time, or one that no calendar has, such as 30 February. Without an offset it
 * is in the time zone of this process, where an hour that its clocks leave out is none, either.
 */
export function parseTime(text: string): number | null {
  const match = DATE_TIME.exec(text)
  if (match === null) return null
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number
  ]
  const [fraction = '', utc, sign, offsetHour = '0', offsetMinute = '0'] = match.slice(7)
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return null
  const ms = Number(fraction.slice(0, 3).padEnd(3, '0'))
  const fields = [year, month - 1, day, hour, minute, second, ms] as const
  if (utc === undefined && sign === undefined) return localTime(fields)
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * MINUTE_MS
  const time = utcTime(fields)
  return time === null ? null : time - (sign === '-' ? -offset : offset)
}

type Fields = readonly [number, number, number, number, number, number, number]

function localTime(fields: Fields): number | null {
  const date = new Date(0)
  date.setFullYear(fields[0], fields[1], fields[2])
  date.setHours(fields[3], fields[4], fields[5], fields[6])
  const same =
    date.getFullYear() === fields[0] &&
    date.getMonth() === fields[1] &&
    date.getDate() === fields[2] &&
    date.getHours() === fields[3] &&
    date.getMinutes() === fields[4] &&
    date.getSeconds() === fields[5]
  return same ? date.getTime() : null
}

function utcTime(fields: Fields): number | null {
  const date = new Date(0)
  date.setUTCFullYear(fields[0], fields[1], fields[2])
  date.setUTCHours(fields[3], fields[4], fields[5], fields[6])
  const same =
    date.getUTCFullYear() === fields[0] &&
    date.getUTCMonth() === fields[1] &&
    date.getUTCDate() === fields[2] &&
    date.getUTCHours() === fields[3] &&
    date.getUTCMinutes() === fields[4] &&
    date.getUTCSeconds() === fields[5]
  return same ? date.getTime() : null
}
