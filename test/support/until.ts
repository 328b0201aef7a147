/**
 * Waits for something to become true, with a bound. The only way in which a test may wait: it goes on at once when the
 * condition holds, and a machine under load costs time instead of a failure.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** How often the condition is looked at: rarely enough not to disturb what is waited for. */
const pollMs = 10

/**
 * Resolves with the first truthy value that `condition` gives, looking every 10 ms.
 *
 * @param what names what is waited for, in the error
 * @param timeoutMs gives up after this many ms
 * @throws Error naming `what`, with the last error of `condition` as its cause
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  timeoutMs = 10_000
): Promise<T> {
  const giveUpAt = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value) return value
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() >= giveUpAt) {
      throw new Error(`gave up after ${timeoutMs} ms waiting for ${what}`, { cause })
    }
    await sleep(pollMs)
  }
}
