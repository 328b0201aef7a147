/** `hearsay get`: one task, as it stands now, and how it came to that. */
import type { Command } from '@commander-js/extra-typings'
import type { NodeEvent } from '../../node/api/node-api.ts'
import { eventLine, taskLines } from '../output/print.ts'
import { wholeTask } from '../output/whole.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, TASK_ID_HELP } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'get',
    summary: 'show one task',
    examples: [
      'hearsay get 0007a31c94e2',
      'hearsay get 0007a31c94e2 --history',
      'hearsay get 0007a31c94e2 --json | jq .result'
    ]
  })
    .argument('<id>', TASK_ID_HELP)
    .option('--history', 'also what has happened to it, as far as the node remembers')
    .action(async (id, options) => {
      const client = await openClient(options)
      const task = await client.get(id)
      const history = options.history ? await client.history(task.id) : null
      if (options.json) {
        const shown = history === null ? task : { ...task, history }
        await terminal.line(await wholeTask(client, shown))
        return
      }
      await terminal.line(taskLines(task, terminal).join('\n'))
      if (history !== null) await printHistory(history, terminal)
    })
}

async function printHistory(history: readonly NodeEvent[], terminal: Terminal): Promise<void> {
  if (history[0]?.event !== 'task:submitted') {
    terminal.words(
      'the node does not remember the beginning: it keeps its newest 4096 events, until it stops'
    )
  }
  if (history.length === 0) return
  const lines = history.map(event => eventLine(event, ['taskId', 'type']))
  await terminal.line(['', ...lines].join('\n'))
}
