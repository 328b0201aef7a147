/**
 * `hearsay submit`: hands a task to the node and prints its id; with `--wait`, waits for its end and prints that.
 */
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import { NotReplicatedError } from '../../errors.ts'
import type { SubmitOptions, Submitted } from '../../node/handle.ts'
import { parseDurationMs } from '../duration.ts'
import { exitCodeOfTask } from '../exit-code.ts'
import { parseNumber } from '../numbers.ts'
import { readPayload } from '../payload.ts'
import { taskLine } from '../print.ts'
import type { Terminal } from '../terminal.ts'
import { wholeTask } from '../whole.ts'
import {
  clusterOption,
  dataOption,
  examples,
  jsonOption,
  nodeOption,
  openClient
} from '../where.ts'

type Shown = { wait?: true; idOnly?: true; json?: true }

export function registerSubmit(program: Command, terminal: Terminal): void {
  program
    .command('submit')
    .description('submit a task, and print its id')
    .argument('<type>', 'what is to be done: the name of a handler')
    .argument('[payload]', 'JSON, @file, or - for stdin (default: null)')
    .option('--priority <1-10>', '10 runs first (default: 5)', parseNumber)
    .option('--depends-on <id...>', 'tasks that have to complete first')
    .option('--timeout <duration>', 'bound on one attempt, such as 30s', parseDurationMs)
    .option(
      '--retention <duration>',
      'how long to keep it once it has settled (default: 1d, failed ones 7d)'
    )
    .option('--tag <tag...>', 'for filters')
    .option('--acks <count>', 'how many other members must have it on disk', parseNumber)
    .option('--wait', 'wait until it has settled, and print how it ended')
    .option('--id-only', 'print nothing but the id')
    .addOption(jsonOption())
    .addOption(dataOption())
    .addOption(nodeOption())
    .addOption(clusterOption())
    .addHelpText(
      'after',
      examples(
        `hearsay submit resize '{"file":"a.png"}' --priority 8 --wait`,
        'id=$(hearsay submit count @numbers.json --id-only)'
      )
    )
    .action(async (type, text, options) => {
      const payload = await readPayload(text, terminal.stdin)
      const client = await openClient(options)
      const { priority, dependsOn, timeout, retention, tag, acks } = options
      const task: SubmitOptions = {
        ...(priority === undefined ? {} : { priority }),
        ...(dependsOn === undefined ? {} : { dependsOn }),
        ...(timeout === undefined ? {} : { timeout }),
        ...(retention === undefined ? {} : { retention }),
        ...(tag === undefined ? {} : { tags: tag }),
        ...(acks === undefined ? {} : { acks })
      }
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
