/**
 * The log of a node in the foreground: what happens in the cluster, on stderr. JSON for programs, one line for people.
 */
import { Writable } from 'node:stream'
import { pino, type Logger } from 'pino'
import type { LogLevel } from '../../shared/names.ts'
import type { NodeEvent } from '../../node/api/node-api.ts'
import { printable } from '../../shared/printable.ts'
import { meaningOf } from './event-words.ts'
import { isTerminal } from '../terminal.ts'

type Line = { level: string; time: string; msg: string } & Record<string, unknown>

const WORRYING = new Set(['node:suspect', 'node:unreachable', 'node:crashed'])

export function createLog(level: LogLevel, stderr: Writable): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) }
    },
    isTerminal(stderr) ? readable(stderr) : stderr
  )
}

/** Members come and go rarely and matter; tasks are many. */
export function logEvent(log: Logger, happened: NodeEvent): void {
  const { event } = happened
  const said = new Set(['v', 'at', 'event', 'cursor'])
  const meaning = meaningOf(event)
  const details = {
    ...Object.fromEntries(Object.entries(happened).filter(([key]) => !said.has(key))),
    ...(meaning === null ? {} : { meaning })
  }
  if (event.startsWith('task:')) log.debug(details, event)
  else if (WORRYING.has(event)) log.warn(details, event)
  else log.info(details, event)
}

function readable(stderr: Writable): Writable {
  return new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      const { level, time, msg, ...details } = JSON.parse(text) as Line
      const words = Object.entries(details).map(([key, value]) => `${key}=${wordOf(value)}`)
      const line = [time.slice(11, 19), level.padEnd(5), msg, ...words].map(printable).join(' ')
      stderr.write(`${line}\n`, () => done())
    }
  })
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
