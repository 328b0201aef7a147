/** `hearsay leave`: what the first signal does, without knowing the process. */
import type { Command } from '@commander-js/extra-typings'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openOwnClient } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'leave',
    summary: 'have the node finish what runs, hand on the rest, say goodbye and end',
    examples: ['hearsay leave', 'hearsay leave --node computer-a/2']
  }).action(async options => {
    const client = await openOwnClient(options)
    const { node, cluster } = await client.status()
    await client.leave()
    if (options.json) return terminal.json({ v: 1, node, cluster })
    return terminal.line(`${node} leaves the cluster "${cluster}" when what it runs has ended`)
  })
}
