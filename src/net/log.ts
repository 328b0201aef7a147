/**
 * What the transport says, and to whom.
 */
type Say = (details: object | string, message?: string) => void

/** As much of a logger as the transport needs. A pino logger is one. */
export interface TransportLog {
  debug: Say
  info: Say
  warn: Say
  error: Say
}

/** An error, or whatever was thrown instead of one, in words. */
export function reason(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** An error, also where something else was thrown. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
