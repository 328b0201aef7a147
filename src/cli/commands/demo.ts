/**
 * `hearsay demo`: starts nodes on this computer, lets them draw a picture together, and shows who did how much of it.
 */
import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { DemoOptions } from '../../demo/demo.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { SIGNAL_EXIT_CODES } from '../exit-code.ts'
import { parseNumber } from '../numbers.ts'
import { BrokenPipeError, isTerminal, type Terminal } from '../terminal.ts'
import { verb } from '../verb.ts'

const defaultNodes = 6
const defaultOut = 'hearsay-demo.png'
/** Fewer have nobody to share with; more have no colour of their own. */
const nodesMin = 2
const nodesMax = 12

class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
  readonly signal: keyof typeof SIGNAL_EXIT_CODES

  constructor(signal: keyof typeof SIGNAL_EXIT_CODES) {
    super(`stopped by ${signal}; all nodes have been stopped, there is no picture`)
    this.signal = signal
  }
}

export function register(program: Command, terminal: Terminal): void {
  verb(program, {
    name: 'demo',
    summary: 'start six nodes on this computer and watch them share the work on a picture',
    examples: ['hearsay demo', 'hearsay demo --kill', 'hearsay demo --nodes 3 --out /tmp/p.png']
  })
    .option(
      '--nodes <count>',
      `how many nodes, ${nodesMin} to ${nodesMax} (default: ${defaultNodes})`,
      parseNumber
    )
    .option('--out <file>', `where the picture goes (default: ${defaultOut})`)
    .option('--kill', 'crash one of the nodes half-way')
    .option('--lan', 'use mDNS on all interfaces, instead of staying on 127.0.0.1')
    .action(
      async ({
        nodes = defaultNodes,
        out = defaultOut,
        lan = false,
        kill = false,
        json = false
      }) => {
        if (!Number.isInteger(nodes) || nodes < nodesMin || nodes > nodesMax) {
          throw new InvalidOptionError(
            `--nodes is ${nodes}: give a whole number from ${nodesMin} to ${nodesMax}`
          )
        }
        await untilInterrupted(terminal, signal =>
          show({ nodes, out: resolve(out), lan, kill }, json, terminal, signal)
        )
      }
    )
}

async function show(
  options: DemoOptions,
  json: boolean,
  terminal: Terminal,
  signal: AbortSignal
): Promise<void> {
  const { runDemo } = await import('../../demo/demo.ts')
  const { summaryLines } = await import('../../demo/summary.ts')
  const { View } = await import('../../demo/view.ts')
  const noColor = process.env['NO_COLOR']
  const summary = await runDemo(options, new View(terminal.stderr, noColor), signal)
  if (json) return terminal.json(summary)
  const colour = isTerminal(terminal.stdout) && !noColor
  await terminal.line(summaryLines(summary, colour).join('\n'))
}

/**
 * Runs the action with a signal that Ctrl-C and its like abort. What goes wrong with the nodes ends with code 1 and
 * their last words, line by line.
 */
async function untilInterrupted(
  terminal: Terminal,
  action: (signal: AbortSignal) => Promise<void>
): Promise<void> {
  const controller = new AbortController()
  const interrupt = (name: NodeJS.Signals): void => {
    controller.abort(new InterruptedError(name as keyof typeof SIGNAL_EXIT_CODES))
  }
  // Kept until the end: a second Ctrl-C must not leave nodes behind.
  for (const name of Object.keys(SIGNAL_EXIT_CODES)) process.on(name, interrupt)
  try {
    await action(controller.signal)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if (error instanceof InvalidOptionError || error instanceof BrokenPipeError) throw error
    for (const line of error.message.split('\n')) terminal.words(line)
    terminal.exitCode = error instanceof InterruptedError ? SIGNAL_EXIT_CODES[error.signal] : 1
  } finally {
    for (const name of Object.keys(SIGNAL_EXIT_CODES)) process.off(name, interrupt)
  }
}
