/**
 * What the parts of the transport count, in one place, because `counters()` reports it as one.
 */
import type { NetCounters } from '../ports/ports.ts'

export type Counters = { -readonly [Name in keyof NetCounters]: NetCounters[Name] }

/** All zero. */
export function newCounters(): Counters {
  return { refused: 0, dropped: 0, bytesSent: 0, bytesReceived: 0, syncBytes: 0 }
}
