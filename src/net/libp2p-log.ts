/**
 * What libp2p says: its error lines are passed on at `debug`, as a stranger who knocks with the wrong key shows up
 * nowhere else.
 */
import type { ComponentLogger, Logger } from '@libp2p/interface'
import { reason, type TransportLog } from './log.ts'

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
