/**
 * One task that is waited for by the verb that has submitted it. Whatever ends the waiting early tells its id: the task
 * goes on, and could not be found otherwise.
 */
import type { Client } from '../../api/client.ts'
import { WaitTimeoutError } from '../../shared/errors.ts'
import type { Terminal } from '../terminal.ts'
import { StuckHint } from '../wait/stuck.ts'

/**
 * Tells it at the first signal, which then ends the process as it would have, and when the time is over; and that nothing
 * can run it, if so. Returns what is to be called when the waiting is over.
 *
 * @param timeoutMs from now on. @default no bound
 * @param late is aborted, with a WaitTimeoutError, when the time is over
 */
export function watched(
  client: Pick<Client, 'why'>,
  id: string,
  timeoutMs: number | undefined,
  late: AbortController,
  terminal: Terminal
): () => void {
  const goesOn = `${id} goes on; "hearsay wait ${id}" waits for it again`
  const hint = new StuckHint(
    client,
    () => [id],
    text => terminal.words(text)
  )
  const end = (): void =>
    late.abort(new WaitTimeoutError(`it has not settled within ${timeoutMs} ms: ${goesOn}`))
  const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs)
  const quiet = atSignal(signal => terminal.words(`${signal}: ${goesOn}`))
  return () => {
    quiet()
    hint.stop()
    clearTimeout(timer)
  }
}

/** @returns what takes it back */
function atSignal(say: (signal: string) => void): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    stop()
    say(signal)
    process.kill(process.pid, signal)
  }
  const stop = (): void => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return stop
}
