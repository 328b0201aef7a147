/** `hearsay cancel`: cancels tasks, wherever they are: each by its id, or all that filters fit. */
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import { atATime } from '../at-a-time.ts'
import { exitCodeOfError, mostTelling, REFUSED } from '../exit-code.ts'
import { doMany, filterOf, manyFlags } from '../many.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, TASK_ID_HELP } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  const verb = clientVerb(program, {
    name: 'cancel',
    summary: 'cancel tasks, in whatever state they are and whichever nodes hold them',
    examples: [
      'hearsay cancel 0007a31c94e2',
      'hearsay cancel $(cat ids.txt) --json',
      'hearsay cancel --all --type resize --state queued'
    ]
  }).argument('[id...]', TASK_ID_HELP)
  manyFlags(verb).action(async (ids, flags, command) => {
    const filter = filterOf('cancel', ids, flags, command.getOptionValueSource('node') === 'cli')
    if (filter !== null) return doMany({ action: 'cancel', filter }, flags, terminal)
    const client = await openClient(flags, terminal)
    const codes = await Promise.all(
      atATime(ids, id => cancel(client, id, flags.json === true, terminal))
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
