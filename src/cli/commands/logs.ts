/**
 * `hearsay logs`: what the runs of a task have said, from the beginning, on whichever nodes they ran.
 *
 * What a program wrote to stderr goes to stderr here; `--timestamps` and `--json` put everything on stdout. A terminal
 * shows what it would obey otherwise; a file or a pipe gets every byte.
 */
import type { Command } from '@commander-js/extra-typings'
import { linesOf, pass, stamped } from '../output/output.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, TASK_ID_HELP } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'logs',
    summary: 'show what a task has printed and logged',
    examples: ['hearsay logs 00017cdaf76b -f', 'hearsay logs 00017cdaf76b --json | jq -r .line']
  })
    .argument('<id>', TASK_ID_HELP)
    .option('-f, --follow', 'go on until the task has settled')
    .option('-t, --timestamps', 'begin each line with its time, attempt and stream')
    .action(async (id, { follow, timestamps, json, ...where }) => {
      const client = await openClient(where, terminal)
      const entries = client.logs(id, follow === true)
      if (json) for await (const line of linesOf(entries)) await terminal.json(line)
      else if (timestamps)
        for await (const line of linesOf(entries)) await terminal.line(stamped(line, terminal))
      else for await (const entry of entries) await pass(entry, terminal)
    })
}
