/** `hearsay wait`: prints each of the tasks when it settles, whichever comes first. */
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import { parseDurationMs } from '../duration.ts'
import { exitCodeOfError, exitCodeOfTask, mostTelling, NO_NODE, OWN_FAILURE } from '../exit-code.ts'
import { taskLine } from '../print.ts'
import { BrokenPipeError, type Terminal } from '../terminal.ts'
import { wholeTask } from '../whole.ts'
import { clientVerb, openClient } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'wait',
    summary: 'wait until tasks have settled, and print each when it has',
    examples: ['hearsay wait 0007a31c94e2 --timeout 30s', 'hearsay wait $(cat ids.txt) --json']
  })
    .argument(
      '<id...>',
      'ids, or any unambiguous parts of them: the ends, rather than the beginnings'
    )
    .option('--timeout <duration>', 'give up after this; the tasks go on', parseDurationMs)
    .action(async (ids, { timeout, json, ...where }) => {
      const client = await openClient(where)
      const ended = new AbortController()
      const waitFor = (id: string): Promise<number> =>
        printSettled({ client, id, timeoutMs: timeout, json: json === true, ended }, terminal)
      const codes = await Promise.all(ids.map(waitFor))
      terminal.exitCode = mostTelling(codes)
    })
}

type Wait = {
  client: Client
  id: string
  timeoutMs: number | undefined
  json: boolean
  /** Aborted when there is nobody left to print for, so that no wait keeps the process alive. */
  ended: AbortController
}

/** Returns the exit code that this task asks for. One that is unknown must not keep the others from being printed. */
async function printSettled(wait: Wait, terminal: Terminal): Promise<number> {
  const { client, id, timeoutMs, json, ended } = wait
  try {
    const task = await client.wait(id, timeoutMs, ended.signal)
    if (json) await terminal.line(await wholeTask(client, task))
    else await terminal.line(taskLine(task, terminal))
    return exitCodeOfTask(task.state)
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
