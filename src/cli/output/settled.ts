/** Waits for a task and prints how it ended, for every verb that waits. */
import type { Client } from '../../api/client.ts'
import { exitCodeOfError, exitCodeOfTask, NO_NODE, OWN_FAILURE } from '../exit-code.ts'
import type { TaskView } from '../../node/api/node-api.ts'
import { taskLine } from './print.ts'
import { BrokenPipeError, type Terminal } from '../terminal.ts'
import { wholeTask } from './whole.ts'

export type Wait = {
  client: Client
  id: string
  timeoutMs: number | undefined
  json: boolean
  /** Aborted when there is nobody left to print for, so that no wait keeps the process alive. */
  ended: AbortController
  /** Called before anything is printed. @default nothing is to be done */
  onPrint?: () => void
}

/** Returns the exit code that a settled task asks for. */
export async function printTask(
  client: Client,
  task: TaskView,
  json: boolean,
  terminal: Terminal
): Promise<number> {
  if (json) await terminal.line(await wholeTask(client, task))
  else await terminal.line(taskLine(task, terminal))
  return exitCodeOfTask(task.state)
}

/** Returns the exit code that this task asks for. One that is unknown must not keep the others from being printed. */
export async function printSettled(wait: Wait, terminal: Terminal): Promise<number> {
  const { client, id, timeoutMs, json, ended } = wait
  try {
    const task = await client.wait(id, timeoutMs, ended.signal)
    wait.onPrint?.()
    return await printTask(client, task, json, terminal)
  } catch (error) {
    const code = exitCodeOfError(error)
    if (error instanceof BrokenPipeError || code === OWN_FAILURE || code === NO_NODE) {
      ended.abort(error)
      throw error
    }
    terminal.words((error as Error).message)
    return code
  }
}
