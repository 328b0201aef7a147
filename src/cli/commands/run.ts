/**
 * `hearsay run`: a command on whichever node has room for it, as if it ran here: its output is printed as it comes, and
 * its exit code is ours.
 *
 * It goes on if this ends: only Ctrl-C cancels it. A code that the command did not choose is one that shells know: 128
 * and the number of the signal, 124 for a time that is over, 125 for whatever kept it from running.
 */
import { isUtf8 } from 'node:buffer'
import { constants } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { InvalidOptionError } from '../../shared/errors.ts'
import { Option, type Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import type { Json, TaskView } from '../../node/api/node-api.ts'
import { OWN_FAILURE } from '../exit-code.ts'
import { linesOf, pass } from '../output/output.ts'
import { readInput } from '../submit/payload.ts'
import { sayRemarks } from '../submit/remarks.ts'
import { mayBeUnread } from '../submit/unread.ts'
import { repeatable } from '../repeatable.ts'
import { submitOptions, taskFlags, type TaskFlags } from '../submit/task-flags.ts'
import { BrokenPipeError, type Terminal } from '../terminal.ts'
import { StuckHint } from '../wait/stuck.ts'
import { clientVerb, openClient, type Where } from '../verb.ts'

type Flags = TaskFlags &
  Where & {
    cwd?: string
    env?: string[]
    stdin?: string
    shell?: true
    resultFrom?: string
    json?: true
  }

/** A command that has failed once is not known to do no harm the second time. */
const MAX_RETRIES = 0
const TIME_OVER = 124
const TIME_REASONS = ['Timeout', 'DeadlineExceeded']
const SIGNAL_BASE = 128

const NOTES = [
  'It ends with the exit code of the command; with 128 + n if signal n ended that, 124 if its time was',
  'over, 125 if it never came to run. Ctrl-C cancels the task.',
  '',
  'The command runs in a process group of its own and is told HEARSAY_TASK_ID, HEARSAY_ATTEMPT and',
  'HEARSAY_EPOCH. Exit code 75 means "try again later", which uses no retry. When it is cancelled, its',
  'group gets SIGTERM, and after 2 s SIGKILL; what it leaves running in its group ends with it.',
  '',
  'Its result, for tasks that depend on it, is the JSON that it writes to the file HEARSAY_RESULT_FILE;',
  'with 75, {"retryAfterMs": 60000} there says when. Without that, how it ended.',
  '',
  'It reads our stdin with --stdin - alone, so that a loop over lines keeps its lines.',
  '',
  'To submit the same without following it:',
  `  $ hearsay submit command '{"argv": ["make"], "cwd": "/srv", "env": {"A": "1"}, "stdin": "text"}'`
]

export function register(program: Command, terminal: Terminal): void {
  const outline = {
    name: 'run',
    summary: 'run a command on a node that takes commands, and follow it',
    examples: [
      'hearsay run -- make -C /srv/project test',
      "hearsay run --timeout 5m --shell -- 'sort /data/words | uniq -c'"
    ],
    notes: NOTES
  }
  taskFlags(clientVerb(program, outline), MAX_RETRIES)
    .argument('<command...>', 'the program and its arguments, after --')
    .option('--cwd <folder>', 'where to run it, as an absolute path of the node that does')
    .addOption(repeatable('--env <name=value>', 'a variable, beside those of the node'))
    .option(
      '--stdin <@file>',
      'what it reads, byte for byte: a text, @file, or - for our own stdin'
    )
    .option('--shell', 'have /bin/sh read the first word; further words are $1 and so on')
    .addOption(
      new Option(
        '--result-from <stream>',
        'what its result is: stdout, all that it prints there, as JSON if it is JSON, else as text'
      ).choices(['stdout'])
    )
    .action(async (argv, flags) => {
      try {
        await run(argv, flags, terminal)
      } catch (error) {
        if (error instanceof BrokenPipeError) throw error
        terminal.words((error as Error).message)
        terminal.exitCode = OWN_FAILURE
      }
    })
}

async function run(argv: string[], flags: Flags, terminal: Terminal): Promise<void> {
  const { cwd, env, stdin, shell, resultFrom, json } = flags
  if (stdin === '--') {
    throw new InvalidOptionError(
      '--stdin needs what the command is to read: a text, @file, or - for our own stdin, as in --stdin - -- CMD'
    )
  }
  assertCommand(argv, cwd, env)
  const { parseLabels } = await import('../node/config.ts')
  const payload = {
    argv,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: parseLabels(env) }),
    ...(stdin === undefined ? {} : fieldOf(await readInput(stdin, terminal.stdin))),
    ...(shell === undefined ? {} : { shell }),
    ...(resultFrom === undefined ? {} : { resultFrom })
  }
  if (stdin === undefined && mayBeUnread(terminal.stdin)) {
    terminal.words(
      'the command does not get our stdin: --stdin - hands it over, < /dev/null is none'
    )
  }
  const client = await openClient(flags, terminal)
  const options = { maxRetries: MAX_RETRIES, ...submitOptions(flags) }
  const submitted = await client.submit('command', payload, options)
  sayRemarks(submitted, terminal)
  const interrupted = cancelOnSignal(client, submitted.id, terminal)
  const hint = new StuckHint(
    client,
    () => [submitted.id],
    text => terminal.words(text)
  )
  try {
    const entries = client.logs(submitted.id, true)
    if (json) for await (const line of linesOf(entries)) await terminal.json(line)
    else for await (const entry of entries) await pass(entry, terminal, 'exact')
    const task = await client.wait(submitted.id)
    if (json) await terminal.json(task)
    const signal = interrupted()
    const isCancelled = signal !== null && task.state === 'cancelled'
    terminal.exitCode = isCancelled ? codeOfSignal(signal) : codeOf(task, terminal)
  } finally {
    hint.stop()
    interrupted()
  }
}

/** What no node would run. The one that is asked may run no commands, and would leave it to another one to refuse it. */
function assertCommand([program]: readonly string[], cwd = '/', env: readonly string[] = []): void {
  if (program === '') throw new InvalidOptionError('the name of the command is empty')
  if (!isAbsolute(cwd)) {
    throw new InvalidOptionError(
      `--cwd cannot be ${JSON.stringify(cwd)}: it is an absolute path on the node that runs the command (from here, ${resolve(cwd)})`
    )
  }
  const wrong = env.find(pair => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(pair))
  if (wrong === undefined) return
  throw new InvalidOptionError(
    `--env cannot be ${JSON.stringify(wrong)}: it is name=value, and the name of a variable has letters, digits and _`
  )
}

/** What is text goes as text, to nodes of any version; other bytes in a field that is theirs. */
function fieldOf(stdin: Buffer): { stdin: string } | { stdinBase64: string } {
  return isUtf8(stdin)
    ? { stdin: stdin.toString('utf8') }
    : { stdinBase64: stdin.toString('base64') }
}

/** The code of the command, if it came to have one; else why it did not, in words. */
function codeOf(task: TaskView, terminal: Terminal): number {
  // Its result may be anything then.
  if (task.state === 'completed') return 0
  const { exitCode, signal } = (task.result ?? {}) as Record<string, Json>
  if (typeof exitCode === 'number') return exitCode
  if (typeof signal === 'string') return codeOfSignal(signal)
  const why = task.error === null ? (task.reason ?? '') : task.error.message
  terminal.words(`${task.id} ${task.state}: ${why}`)
  return TIME_REASONS.includes(task.reason ?? '') ? TIME_OVER : OWN_FAILURE
}

function codeOfSignal(name: string): number {
  return SIGNAL_BASE + (constants.signals[name as NodeJS.Signals] ?? 0)
}

/**
 * The first signal cancels the task, which is then followed to its end; the second one ends us.
 *
 * @returns tells which signal has come, and stops listening
 */
function cancelOnSignal(
  client: Client,
  id: string,
  terminal: Terminal
): () => NodeJS.Signals | null {
  let came: NodeJS.Signals | null = null
  const onSignal = (signal: NodeJS.Signals): void => {
    stop()
    came = signal
    terminal.words(`${signal}: ${id} is being cancelled; once more to leave it to itself`)
    client.cancel(id).catch((error: unknown) => terminal.words((error as Error).message))
  }
  const stop = (): void => {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return () => {
    stop()
    return came
  }
}
