/** `hearsay forget NODE`: for a node that will not come back. */
import type { Command } from '@commander-js/extra-typings'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'forget',
    summary:
      'count a node no more that will not come back, or is expected and does not exist; what it held is taken over',
    examples: ['hearsay forget computer-b/3']
  })
    .argument('<node>', 'its name or id; of one that was never seen, its name')
    .action(async (name, options) => {
      const client = await openClient(options, terminal)
      const node = await client.forget(name)
      if (options.json) return terminal.json(node)
      return terminal.line(`${node.name ?? node.id} is forgotten`)
    })
}
