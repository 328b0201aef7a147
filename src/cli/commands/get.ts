/** `hearsay get`: one task, as it stands now. */
import type { Command } from '@commander-js/extra-typings'
import { taskLines } from '../print.ts'
import { wholeTask } from '../whole.ts'
import type { Terminal } from '../terminal.ts'
import {
  clusterOption,
  dataOption,
  examples,
  jsonOption,
  nodeOption,
  openClient
} from '../where.ts'

export function registerGet(program: Command, terminal: Terminal): void {
  program
    .command('get')
    .description('show one task')
    .argument('<id>', 'its id, or any unambiguous part of it: the end, rather than the beginning')
    .addOption(jsonOption())
    .addOption(dataOption())
    .addOption(nodeOption())
    .addOption(clusterOption())
    .addHelpText(
      'after',
      examples('hearsay get 0007a31c94e2', 'hearsay get 0007a31c94e2 --json | jq .result')
    )
    .action(async (id, options) => {
      const client = await openClient(options)
      const task = await client.get(id)
      if (options.json) await terminal.line(await wholeTask(client, task))
      else await terminal.line(taskLines(task, terminal).join('\n'))
    })
}
