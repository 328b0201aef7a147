/** Numbers, times and names, as people read them. */
import { printable } from '../../../shared/printable.ts'

const grouped = new Intl.NumberFormat('en-US')
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false
})
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' })

/** Such as 34,127. */
export function count(value: number): string {
  return grouped.format(value)
}

/** `1 task`, `2,000 tasks`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** The time of day here; the day, too, if it is not today. */
export function localTime(at: string | number, nowMs: number = Date.now()): string {
  const date = new Date(at)
  const isToday = date.toDateString() === new Date(nowMs).toDateString()
  return isToday ? clock.format(date) : `${day.format(date)}, ${clock.format(date)}`
}

/** The same instant in UTC, for a hover. */
export function utc(at: string | number): string {
  return new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC')
}

/** A time that something took, in the unit that fits. */
export function duration(ms: number): string {
  if (ms < 1) return '0 ms'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 120)
    return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** How long ago, of a time by the clock of another computer: never in the future. */
export function ago(at: string | number, nowMs: number): string {
  const ms = Math.max(0, nowMs - new Date(at).getTime())
  if (ms < 2000) return 'just now'
  return ms < 10_000 ? `${Math.floor(ms / 1000)} s ago` : `${duration(ms)} ago`
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`
  if (size < 1024 ** 2) return `${(size / 1024).toFixed(1)} KiB`
  return `${(size / 1024 ** 2).toFixed(1)} MiB`
}

/** The end of an id: ids of one minute begin alike. */
export function shortId(id: string): string {
  return id.slice(-12)
}

/** What others have written, on one line. */
export function plain(text: string): string {
  return printable(text)
}

/** A field of an event; empty if it is none, or no text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
