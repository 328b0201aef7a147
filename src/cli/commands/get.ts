/** `hearsay get`: one task, as it stands now, and how it came to that. */
import { Option, type Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import type { Json, NodeEvent, TaskView } from '../../node/api/node-api.ts'
import { TaskStateError } from '../../shared/errors.ts'
import { exitCodeOfTask } from '../exit-code.ts'
import { eventLine, taskLines } from '../output/print.ts'
import { printableLines } from '../../shared/printable.ts'
import { wholeTask } from '../output/whole.ts'
import { isTerminal, type Terminal } from '../terminal.ts'
import { clientVerb, openClient, TASK_ID_HELP } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'get',
    summary: 'show one task',
    examples: [
      'hearsay get 0007a31c94e2',
      'hearsay get 0007a31c94e2 --history',
      'hearsay get 0007a31c94e2 --result'
    ]
  })
    .argument('<id>', TASK_ID_HELP)
    .option('--history', 'also what has happened to it, as far as the node remembers')
    .addOption(
      new Option('--result', 'only its result: a text as it is, anything else as JSON').conflicts([
        'history',
        'json'
      ])
    )
    .action(async (id, options) => {
      const client = await openClient(options, terminal)
      const task = await client.get(id)
      if (options.result) return printResult(client, task, terminal)
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

/** On a terminal a text must not do what only the terminal's user may: there, control characters are shown. */
async function printResult(client: Client, task: TaskView, terminal: Terminal): Promise<void> {
  const { id, state, result, resultBlob } = task
  if (state === 'failed' || state === 'cancelled') {
    terminal.exitCode = exitCodeOfTask(state)
    const why = task.error === null ? (task.reason ?? '') : task.error.message
    return terminal.words(
      `${id} has no result, it has ${state === 'failed' ? 'failed' : 'been cancelled'}: ${why}`
    )
  }
  if (state !== 'completed') {
    throw new TaskStateError(`${id} has no result yet, it is ${state}: see hearsay wait ${id}`)
  }
  const value = resultBlob === null ? result : (JSON.parse(await client.blob(resultBlob)) as Json)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const shown = isTerminal(terminal.stdout) ? printableLines(text) : text
  await (shown.endsWith('\n') ? terminal.raw('stdout', shown) : terminal.line(shown))
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
