/**
 * `hearsay submit`: hands a task to the node and prints its id; with `--wait`, waits for its end and prints that.
 */
import { Option, type Command } from '@commander-js/extra-typings'
import type { BatchAnswer, BatchLine } from '../../api/batch.ts'
import type { Client } from '../../api/client.ts'
import { errorOf } from '../../api/problem.ts'
import { TASK_LIMITS } from '../../core/options.ts'
import { InvalidOptionError, NotReplicatedError } from '../../shared/errors.ts'
import type { SubmitOptions, Submitted, TaskView } from '../../node/api/node-api.ts'
import { exitCodeOfTask } from '../exit-code.ts'
import { readPayload, type Payload } from '../submit/payload.ts'
import { parseDurationMs } from '../output/duration.ts'
import { taskLine } from '../output/print.ts'
import { watched } from '../submit/goes-on.ts'
import { sayRemarks } from '../submit/remarks.ts'
import { submitOptions, taskFlags, type TaskFlags } from '../submit/task-flags.ts'
import type { Terminal } from '../terminal.ts'
import { wholeTask } from '../output/whole.ts'
import { clientVerb, openClient, type Where } from '../verb.ts'

type Shown = { wait?: true; waitTimeout?: number; idOnly?: true; json?: true }

const NOTES = [
  'A file for --each has a task a line, as JSON: its type, its payload, and options by the names of the',
  'flags, such as maxRetries for --max-retries. A line may have a "ref", and depend on those of others:',
  '  {"ref": "doc4", "type": "summarise", "payload": {"text": "..."}}',
  '  {"ref": "all", "type": "merge", "dependsOn": ["ref:doc4", "ref:doc5"], "priority": 8}',
  'The results of what it depends on reach the handler as context.dependencies, by their ids. All lines',
  'are looked at before the first task is submitted. config/schemas/task-line.json has all fields.'
]

export function register(program: Command, terminal: Terminal): void {
  const outline = {
    name: 'submit',
    summary: 'submit a task, and print its id',
    examples: [
      `hearsay submit resize '{"file":"a.png"}' --priority 8 --wait`,
      'id=$(hearsay submit count @numbers.json --id-only)',
      'hearsay submit --each tasks.ndjson --idempotency-prefix nightly-2026-07-01-'
    ],
    notes: NOTES
  }
  taskFlags(clientVerb(program, outline))
    .argument('[type]', 'what is to be done: the name of a handler')
    .argument('[payload]', 'JSON, @file, or - for stdin (default: null)')
    .option(
      '--each <file>',
      'submit a task a line of this file, as JSON; a pipe will do, - is stdin'
    )
    .addOption(
      new Option(
        '--idempotency-prefix <text>',
        'with --each: tasks have this and their ref or line as key, so that sending the file again submits none twice'
      ).conflicts('idempotencyKey')
    )
    .option('--wait', 'wait until it has settled, and print how it ended')
    .addOption(
      new Option('--wait-timeout <duration>', '--wait, and give up after this; the task goes on')
        .argParser(parseDurationMs)
        .implies({ wait: true })
    )
    .option('--id-only', 'print nothing but the id')
    .action(async (type, text, options) => {
      if (options.each !== undefined) return submitEach(type, text, options.each, options, terminal)
      if (type === undefined) {
        throw new InvalidOptionError('submit needs a type, or --each FILE with one on each line')
      }
      if (options.idempotencyPrefix !== undefined) {
        throw new InvalidOptionError('--idempotency-prefix is for --each: use --idempotency-key')
      }
      const payload = await readPayload(text, terminal.stdin)
      const client = await openClient(options, terminal)
      const task = submitOptions(options)
      if (options.wait && 'value' in payload && isInline(payload.value)) {
        return submitAndWait(client, type, payload.value, task, options, terminal)
      }
      const submitted = await submit(client, type, payload, task, options, terminal)
      if (!options.wait) return
      const { id } = submitted
      const late = new AbortController()
      const arrived = watched(client, id, options.waitTimeout, late, terminal)
      const ended = await client.wait(id, undefined, late.signal).finally(arrived)
      await printEnd(client, ended, options, terminal)
    })
}

async function submitEach(
  type: string | undefined,
  payload: string | undefined,
  file: string,
  options: TaskFlags & Where & Shown & { idempotencyPrefix?: string },
  terminal: Terminal
): Promise<void> {
  if (payload !== undefined) {
    throw new InvalidOptionError('with --each, payloads are in the file: leave out the one before')
  }
  const { submitFile } = await import('../submit/submit-file.ts')
  const { wait = false, waitTimeout, idOnly = false, json = false, idempotencyPrefix } = options
  const defaults = { type, options: submitOptions(options), idempotencyPrefix }
  await submitFile(
    await openClient(options, terminal),
    { file, defaults, wait, waitTimeoutMs: waitTimeout, idOnly, json },
    terminal
  )
}

async function submit(
  client: Client,
  type: string,
  payload: Payload,
  task: SubmitOptions,
  shown: Shown,
  terminal: Terminal
): Promise<Submitted> {
  const accepted =
    'pieces' in payload
      ? client.submitText(type, payload.pieces, task)
      : client.submit(type, payload.value, task)
  const submitted = await accepted.catch(async (error: unknown) => {
    // The task stands, and the user who submitted it has to be able to find it.
    if (error instanceof NotReplicatedError)
      await printAccepted(error.taskId, null, shown, terminal)
    throw error
  })
  sayRemarks(submitted, terminal)
  if (!shown.wait || shown.idOnly) {
    await printAccepted(submitted.id, submitted, shown, terminal)
  }
  return submitted
}

/** Waited for from when it is accepted: it may settle and be pruned before a question could reach the node. */
async function submitAndWait(
  client: Client,
  type: string,
  payload: unknown,
  task: SubmitOptions,
  shown: Shown,
  terminal: Terminal
): Promise<void> {
  let id = ''
  let ended: TaskView | null = null
  let arrived = (): void => {}
  const late = new AbortController()
  try {
    const line = oneLine({ line: 1, type, payload, options: task })
    for await (const news of client.submitAndWait(line, late.signal)) {
      if ('task' in news) ended = news.task
      else {
        id = await told(news, shown, terminal)
        arrived = watched(client, id, shown.waitTimeout, late, terminal)
      }
    }
    // A node of an older version does not tell.
    ended ??= await client.wait(id, undefined, late.signal)
  } finally {
    arrived()
  }
  await printEnd(client, ended, shown, terminal)
}

/** @throws what the task was refused for */
async function told(answer: BatchAnswer, shown: Shown, terminal: Terminal): Promise<string> {
  if ('error' in answer) {
    const error = errorOf(answer)!
    if (error instanceof NotReplicatedError)
      await printAccepted(error.taskId, null, shown, terminal)
    throw error
  }
  sayRemarks(answer, terminal)
  if (shown.idOnly) await printAccepted(answer.id, answer, shown, terminal)
  return answer.id
}

// oxlint-disable-next-line typescript/require-await -- the lines of a file are asynchronous
async function* oneLine(line: BatchLine): AsyncGenerator<BatchLine> {
  yield line
}

function isInline(payload: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(payload) ?? '') <= TASK_LIMITS.inlineBytesMax
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
  task: TaskView,
  shown: Shown,
  terminal: Terminal
): Promise<void> {
  terminal.exitCode = exitCodeOfTask(task.state)
  if (shown.idOnly) return
  if (shown.json) await terminal.line(await wholeTask(client, task))
  else await terminal.line(taskLine(task, terminal))
}
