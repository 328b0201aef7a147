/** `hearsay get`: one task, as it stands now. */
import type { Command } from '@commander-js/extra-typings'
import { taskLines } from '../print.ts'
import { wholeTask } from '../whole.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, TASK_ID_HELP } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'get',
    summary: 'show one task',
    examples: ['hearsay get 0007a31c94e2', 'hearsay get 0007a31c94e2 --json | jq .result']
  })
    .argument('<id>', TASK_ID_HELP)
    .action(async (id, options) => {
      const client = await openClient(options)
      const task = await client.get(id)
      if (options.json) await terminal.line(await wholeTask(client, task))
      else await terminal.line(taskLines(task, terminal).join('\n'))
    })
}
