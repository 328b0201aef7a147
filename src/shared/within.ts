/** An end to waiting. */
import { WaitTimeoutError } from './errors.ts'

/**
 * Gives up after a time.
 *
 * @throws WaitTimeoutError with this message
 */
export async function within<T>(
  ms: number,
  message: string,
  action: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  const ended = new AbortController()
  const timer = setTimeout(() => ended.abort(new WaitTimeoutError(message)), ms)
  try {
    return await action(ended.signal)
  } finally {
    clearTimeout(timer)
  }
}
