/** `hearsay status`: the cluster in brief. */
import type { Command } from '@commander-js/extra-typings'
import { statusLines } from '../print.ts'
import type { Terminal } from '../terminal.ts'
import {
  clusterOption,
  dataOption,
  examples,
  jsonOption,
  nodeOption,
  openClient
} from '../where.ts'

export function registerStatus(program: Command, terminal: Terminal): void {
  program
    .command('status')
    .description('show the cluster in brief: members, tasks, slots')
    .addOption(jsonOption())
    .addOption(dataOption())
    .addOption(nodeOption())
    .addOption(clusterOption())
    .addHelpText('after', examples('hearsay status', 'hearsay status --json | jq .tasks.queued'))
    .action(async options => {
      const client = await openClient(options)
      const status = await client.status()
      if (options.json) await terminal.json(status)
      else await terminal.line(statusLines(status, terminal).join('\n'))
    })
}
