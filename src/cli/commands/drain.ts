/** `hearsay drain [NODE]`: nothing new runs there, and what is queued goes elsewhere; the node stays. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import type { NodeView } from '../../node/api/node-api.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

/** A message and the next heartbeat take about a second. */
const SHOWN_MS = 5000
const LOOK_MS = 100

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'drain',
    summary: 'have a node take nothing more and hand on what is queued; what runs goes on',
    examples: ['hearsay drain', 'hearsay drain computer-b/3']
  })
    .argument('[node]', 'its name or id (default: the node that is asked)')
    .action(async (name, options) => {
      const client = await openClient(options)
      const node = await shownAsDraining(client, await client.drain(name))
      if (options.json) return terminal.json(node)
      const done = node.draining ? 'drains' : 'has been told to drain, and does not show it yet'
      const left = `${node.running} running, ${node.queued} queued`
      return terminal.line(`${node.name ?? node.id} ${done}: ${left}`)
    })
}

async function shownAsDraining(client: Client, told: NodeView): Promise<NodeView> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const node = (await client.nodes()).find(({ id }) => id === told.id) ?? told
    if (node.draining || waitedMs >= SHOWN_MS) return node
    await sleep(LOOK_MS)
  }
}
