/** Who gives up the waiting for a task is told its id: the task goes on, and could not be found otherwise. */
import type { Terminal } from '../terminal.ts'

/** Tells it at the first signal, which then ends the process as it would have. Returns what is to be called before. */
export function saidAtSignal(id: string, terminal: Terminal): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    stop()
    terminal.words(`${signal}: ${id} goes on; "hearsay wait ${id}" waits for it again`)
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
