/** `hearsay status`: the cluster in brief. */
import type { Command } from '@commander-js/extra-typings'
import { statusLines } from '../output/print.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'status',
    summary: 'show the cluster in brief: members, tasks, slots',
    examples: ['hearsay status', 'hearsay status --json | jq .tasks.queued']
  }).action(async options => {
    const client = await openClient(options, terminal)
    const status = await client.status()
    if (options.json) await terminal.json(status)
    else await terminal.line(statusLines(status, terminal).join('\n'))
  })
}
