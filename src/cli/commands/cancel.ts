/** `hearsay cancel`: cancels tasks, wherever they are, and prints what became of each. */
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import { atATime } from '../at-a-time.ts'
import { exitCodeOfError, mostTelling, REFUSED } from '../exit-code.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, TASK_ID_HELP } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'cancel',
    summary: 'cancel tasks, in whatever state they are and whichever nodes hold them',
    examples: ['hearsay cancel 0007a31c94e2', 'hearsay cancel $(cat ids.txt) --json']
  })
    .argument('<id...>', TASK_ID_HELP)
    .action(async (ids, { json, ...where }) => {
      const client = await openClient(where, terminal)
      const codes = await Promise.all(
        atATime(ids, id => cancel(client, id, json === true, terminal))
      )
      terminal.exitCode = mostTelling(codes)
    })
}

async function cancel(
  client: Client,
  id: string,
  json: boolean,
  terminal: Terminal
): Promise<number> {
  const result = await client.cancel(id).catch((error: unknown) => error as Error)
  if (result instanceof Error) {
    terminal.words(result.message)
    return exitCodeOfError(result)
  }
  const { status } = result
  if (json) await terminal.json(result)
  else await terminal.line(`${result.id}  ${status}`)
  if (status === 'requested') {
    terminal.words(`${result.id} is cancelled as soon as the node that holds it hears of it`)
  }
  return status === 'completed' || status === 'failed' ? REFUSED : 0
}
