/**
 * `hearsay submit`: hands a task to the node and prints its id; with `--wait`, waits for its end and prints that.
 */
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import { NotReplicatedError } from '../../errors.ts'
import type { SubmitOptions, Submitted } from '../../node/handle.ts'
import { exitCodeOfTask } from '../exit-code.ts'
import { readPayload } from '../payload.ts'
import { taskLine } from '../print.ts'
import { submitOptions, taskFlags } from '../task-flags.ts'
import type { Terminal } from '../terminal.ts'
import { wholeTask } from '../whole.ts'
import { clientVerb, openClient } from '../verb.ts'

type Shown = { wait?: true; idOnly?: true; json?: true }

export function register(program: Command, terminal: Terminal): void {
  const outline = {
    name: 'submit',
    summary: 'submit a task, and print its id',
    examples: [
      `hearsay submit resize '{"file":"a.png"}' --priority 8 --wait`,
      'id=$(hearsay submit count @numbers.json --id-only)'
    ]
  }
  taskFlags(clientVerb(program, outline))
    .argument('<type>', 'what is to be done: the name of a handler')
    .argument('[payload]', 'JSON, @file, or - for stdin (default: null)')
    .option('--wait', 'wait until it has settled, and print how it ended')
    .option('--id-only', 'print nothing but the id')
    .action(async (type, text, options) => {
      const payload = await readPayload(text, terminal.stdin)
      const client = await openClient(options)
      const task = submitOptions(options)
      const submitted = await submit(client, type, payload, task, options, terminal)
      if (options.wait) await printEnd(client, submitted.id, options, terminal)
    })
}

async function submit(
  client: Client,
  type: string,
  payload: unknown,
  task: SubmitOptions,
  shown: Shown,
  terminal: Terminal
): Promise<Submitted> {
  const submitted = await client.submit(type, payload, task).catch(async (error: unknown) => {
    // The task stands, and whoever submitted it has to be able to find it.
    if (error instanceof NotReplicatedError)
      await printAccepted(error.taskId, null, shown, terminal)
    throw error
  })
  for (const warning of submitted.warnings) terminal.words(warning)
  if (!shown.wait || shown.idOnly) {
    await printAccepted(submitted.id, submitted, shown, terminal)
  }
  return submitted
}

/** @param submitted null if fewer members than asked for have the task */
async function printAccepted(
  id: string,
  submitted: Submitted | null,
  shown: Shown,
  terminal: Terminal
): Promise<void> {
  if (shown.idOnly || !shown.json) return terminal.line(id)
  await terminal.json(submitted === null ? { v: 1, id } : submitted)
}

async function printEnd(
  client: Client,
  id: string,
  shown: Shown,
  terminal: Terminal
): Promise<void> {
  const task = await client.wait(id)
  terminal.exitCode = exitCodeOfTask(task.state)
  if (shown.idOnly) return
  if (shown.json) await terminal.line(await wholeTask(client, task))
  else await terminal.line(taskLine(task, terminal))
}
