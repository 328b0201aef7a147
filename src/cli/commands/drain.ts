/** `hearsay drain [NODE]`: nothing new runs there, and what is queued goes elsewhere; the node stays, and may be undone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import type { NodeView } from '../../node/api/node-api.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, openOwnClient } from '../verb.ts'

/** A message and the next heartbeat take about a second. */
const SHOWN_MS = 5000
const LOOK_MS = 100

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'drain',
    summary: 'have a node take nothing more and hand on what is queued; what runs goes on',
    examples: ['hearsay drain', 'hearsay drain computer-b/3', 'hearsay drain computer-b/3 --undo']
  })
    .argument('[node]', 'its name or id (default: the node that is asked)')
    .option('--undo', 'have it take tasks again')
    .action(async (name, { undo = false, json, ...where }) => {
      const client = await (name === undefined ? openOwnClient(where) : openClient(where, terminal))
      const told = await (undo ? client.undrain(name) : client.drain(name))
      const node = await shown(client, told, !undo)
      if (json) return terminal.json(node)
      const left = `${node.running} running, ${node.queued} queued`
      return terminal.line(`${node.name ?? node.id} ${doneText(node, undo)}: ${left}`)
    })
}

function doneText({ draining }: NodeView, undo: boolean): string {
  if (!undo) return draining ? 'drains' : 'has been told to drain, and does not show it yet'
  return draining
    ? 'has been told to take tasks again, and still drains: it leaves, or is of an older version'
    : 'takes tasks again'
}

/** The node once it shows what it was told, or how it is after a while. */
async function shown(client: Client, told: NodeView, draining: boolean): Promise<NodeView> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const node = (await client.nodes()).find(({ id }) => id === told.id) ?? told
    if (node.draining === draining || waitedMs >= SHOWN_MS) return node
    await sleep(LOOK_MS)
  }
}
