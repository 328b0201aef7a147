/**
 * The command line. Each verb lives in a file of its own; only the file of the verb that was called is loaded, and it
 * loads what is heavy (the network, schemas) only when it acts. That is why `hearsay ls` answers at once.
 */
import { Command, CommanderError } from '@commander-js/extra-typings'
import { packageVersion } from '../shared/own-files.ts'
import { inSources } from '../shared/source-places.ts'
import { assertUtf8 } from './arguments.ts'
import { EXIT_CODES, exitCodeOfError, OWN_FAILURE, USAGE } from './exit-code.ts'
import { BrokenPipeError, Terminal } from './terminal.ts'
import { usageText } from './usage-error.ts'
import { helpSettings, type Register } from './verb.ts'

/** The verbs, in the order of the help text. */
const VERBS: Readonly<Record<string, () => Promise<{ register: Register }>>> = {
  start: () => import('./commands/start.ts'),
  submit: () => import('./commands/submit.ts'),
  run: () => import('./commands/run.ts'),
  wait: () => import('./commands/wait.ts'),
  logs: () => import('./commands/logs.ts'),
  get: () => import('./commands/get.ts'),
  ls: () => import('./commands/ls.ts'),
  cancel: () => import('./commands/cancel.ts'),
  retry: () => import('./commands/retry.ts'),
  why: () => import('./commands/why.ts'),
  nodes: () => import('./commands/nodes.ts'),
  status: () => import('./commands/status.ts'),
  metrics: () => import('./commands/metrics.ts'),
  label: () => import('./commands/label.ts'),
  reload: () => import('./commands/reload.ts'),
  drain: () => import('./commands/drain.ts'),
  leave: () => import('./commands/leave.ts'),
  forget: () => import('./commands/forget.ts'),
  top: () => import('./commands/top.ts'),
  dashboard: () => import('./commands/dashboard.ts'),
  doctor: () => import('./commands/doctor.ts'),
  events: () => import('./commands/events.ts'),
  key: () => import('./commands/key.ts'),
  state: () => import('./commands/state.ts'),
  completion: () => import('./commands/completion.ts'),
  simulate: () => import('./commands/simulate.ts'),
  work: () => import('./commands/work.ts'),
  mcp: () => import('./commands/mcp.ts'),
  demo: () => import('./commands/demo.ts')
}

process.on('uncaughtExceptionMonitor', (error: unknown) => {
  if (error instanceof Error) error.stack = inSources(error.stack ?? '')
})

/**
 * Runs one command line, without the names of the program and its file.
 *
 * @returns the exit code; never throws
 */
export async function main(
  argv: readonly string[],
  terminal: Terminal = new Terminal(process)
): Promise<number> {
  try {
    assertUtf8(argv)
    const called = VERBS[argv[0] ?? '']
    const program = await programWith(
      called === undefined ? Object.values(VERBS) : [called],
      terminal
    )
    // Otherwise commander would take `--help` after a word that is no verb for the program's own.
    const isVerbless = called === undefined && !/^(-|help$)/.test(argv[0] ?? '-')
    await program.parseAsync(isVerbless ? argv.slice(0, 1) : argv, { from: 'user' })
    return terminal.exitCode
  } catch (error) {
    return report(error, argv, terminal)
  }
}

/** With all verbs, to be looked at. */
export function wholeProgram(terminal: Terminal): Promise<Command> {
  return programWith(Object.values(VERBS), terminal)
}

async function programWith(
  verbs: readonly (() => Promise<{ register: Register }>)[],
  terminal: Terminal
): Promise<Command> {
  const program = createProgram(terminal)
  for (const load of verbs) {
    const { register } = await load()
    register(program, terminal, () => wholeProgram(terminal))
  }
  return program
}

function createProgram(terminal: Terminal): Command {
  const program = new Command('hearsay')
  return program
    .description('Share work between the AI instances on a few computers, without a server.')
    .version(packageVersion(), '-V, --version')
    .showSuggestionAfterError()
    .configureHelp(helpSettings)
    .addHelpText('after', exitCodeText())
    .configureOutput({
      writeOut: text => void terminal.stdout.write(text),
      writeErr: text => void terminal.stderr.write(text),
      outputError: (text, write) => write(usageText(text, program))
    })
    .exitOverride()
}

function exitCodeText(): string {
  const lines = Object.entries(EXIT_CODES).map(([code, text]) => `  ${code.padEnd(5)}${text}`)
  return ['', 'Exit codes, but for those of "run":', ...lines].join('\n')
}

function report(error: unknown, argv: readonly string[], terminal: Terminal): number {
  if (error instanceof BrokenPipeError) return terminal.exitCode
  // Its words have been printed already. Help that was asked for is no error, help for lack of a verb is.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
  const code = exitCodeOfError(error)
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const text = code === OWN_FAILURE ? `this should not have happened: ${name}: ${message}` : message
  terminal.words(text)
  if (isDebugging(argv)) terminal.stderr.write(`${inSources(stack ?? '')}\n`)
  return code
}

function isDebugging(argv: readonly string[]): boolean {
  const flag = argv.indexOf('--log-level')
  const level = flag < 0 ? process.env['HEARSAY_LOG_LEVEL'] : argv[flag + 1]
  return level === 'debug' || argv.includes('--log-level=debug')
}
