/**
 * What the transport says, and to whom. libp2p's own error lines are passed on at `debug`: a stranger who knocks with
 * the wrong key shows up nowhere else.
 */
import type { ComponentLogger, Logger } from '@libp2p/interface'

type Say = (details: object | string, message?: string) => void

/** As much of a logger as the transport needs. A pino logger is one. */
export interface TransportLog {
  debug: Say
  info: Say
  warn: Say
  error: Say
}

/** libp2p's logger interface over ours: errors at `debug`, everything else nowhere. */
export function libp2pLogger(log: TransportLog): ComponentLogger {
  return { forComponent: name => componentLogger(log, name) }
}

function componentLogger(log: TransportLog, name: string): Logger {
  const silent = (): void => undefined
  return Object.assign(silent, {
    enabled: false,
    trace: silent,
    error: (format: unknown, ...values: unknown[]) =>
      log.debug({ component: name }, fill(String(format), values)),
    newScope: (scope: string) => componentLogger(log, `${name}:${scope}`)
  })
}

/** libp2p's formats are %s, %d, %e (error), %p (peer id), %a (address) and the like: all of them read well as text. */
function fill(format: string, values: readonly unknown[]): string {
  let next = 0
  return format.replace(/%[a-zA-Z]/g, () => reason(values[next++]))
}

/** An error, or whatever was thrown instead of one, in words. */
export function reason(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** An error, also where something else was thrown. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
