/** `hearsay wait`: prints each of the tasks when it settles, whichever comes first. */
import type { Command } from '@commander-js/extra-typings'
import { parseDurationMs } from '../duration.ts'
import { mostTelling } from '../exit-code.ts'
import { printSettled } from '../settled.ts'
import type { Terminal } from '../terminal.ts'
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
