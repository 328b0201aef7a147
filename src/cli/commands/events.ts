/**
 * `hearsay events`: what happens in the cluster, as one node sees it, until the node or the reader ends.
 *
 * Each event has a cursor. A program that keeps the last one it has seen goes on after it with `--since`.
 */
import type { Command } from '@commander-js/extra-typings'
import { NoNodeError } from '../../shared/errors.ts'
import type { NodeEvent } from '../../node/api/node-api.ts'
import { unknownEventText } from '../output/event-words.ts'
import { eventLine } from '../output/print.ts'
import { sayUnmatched } from '../output/unmatched.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, openOwnClient } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'events',
    summary: 'show what happens, as it happens',
    examples: ['hearsay events --event node', 'hearsay events --json --since "$CURSOR"']
  })
    .option('--event <name>', 'only this event, such as task:failed, or all of task, node, cluster')
    .option('--type <type>', 'only events of tasks of this type')
    .option('--task <id>', 'only events of this task')
    .option('--since <cursor>', 'those after this one, as far as the node still has them')
    .action(async ({ json, data, node, cluster, ...filter }) => {
      const where = { data: data ?? '', node: node ?? '', cluster: cluster ?? '' }
      // A cursor is of one node.
      const client = await (filter.since === undefined
        ? openClient(where, terminal)
        : openOwnClient(where))
      const { type, event: name } = filter
      const unknown = name === undefined ? null : unknownEventText(name)
      if (unknown !== null) terminal.words(unknown)
      if (type !== undefined) await sayUnmatched(client, { type }, terminal)
      for await (const event of client.events(filter)) {
        if (json) await terminal.json(event)
        else if (event.event === 'events:lost') terminal.words(lossText(event))
        else await terminal.line(eventLine(event))
      }
      throw new NoNodeError('the node has stopped: ask another one, or start it again')
    })
}

function lossText({ count, reason }: NodeEvent): string {
  if (reason === 'CursorOfAnotherBoot') {
    return 'the node has been started since, or is another one: these are the oldest events it has'
  }
  const why = reason === 'SlowReader' ? 'they came faster than they were read' : 'too long ago'
  return `${JSON.stringify(count)} events are missing here: ${why}`
}
