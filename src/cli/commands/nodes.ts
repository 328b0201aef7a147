/** `hearsay nodes`: the members, as one node sees them. */
import type { Command } from '@commander-js/extra-typings'
import { nodeTable } from '../output/print.ts'
import { ALL_NODES_HELP, withoutLongGone } from '../output/shown-nodes.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'nodes',
    summary: 'list the members of the cluster, as the node sees them',
    examples: ['hearsay nodes', 'hearsay nodes --json | jq -r .name']
  })
    .option('--all', ALL_NODES_HELP)
    .action(async ({ all = false, json, ...where }) => {
      const client = await openClient(where, terminal)
      const known = await client.nodes()
      const nodes = all ? known : withoutLongGone(known)
      if (!json) return terminal.line((await nodeTable(nodes)).join('\n'))
      for (const node of nodes) await terminal.json(node)
    })
}
