/**
 * `hearsay demo`: starts nodes on this computer, lets them draw a picture together, and shows who did how much of it.
 */
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Command } from '@commander-js/extra-typings'
import type { Dashboard } from '../../dashboard/server/dashboard.ts'
import type { DemoOptions, Onlooker } from '../../demo/demo.ts'
import type { DemoSummary } from '../../demo/summary.ts'
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
    examples: [
      'hearsay demo',
      'hearsay demo --kill --dashboard',
      'hearsay demo --nodes 3 --out /tmp/p.png'
    ]
  })
    .option(
      '--nodes <count>',
      `how many nodes, ${nodesMin} to ${nodesMax} (default: ${defaultNodes})`,
      parseNumber
    )
    .option('--out <file>', `where the picture goes (default: ${defaultOut})`)
    .option('--kill', 'crash one of the nodes half-way')
    .option('--dashboard', 'show it in the browser, too; the nodes stay until Enter is pressed')
    .option('--lan', 'use mDNS on all interfaces, instead of staying on 127.0.0.1')
    .action(
      async ({
        nodes = defaultNodes,
        out = defaultOut,
        lan = false,
        kill = false,
        dashboard = false,
        json = false
      }) => {
        if (!Number.isInteger(nodes) || nodes < nodesMin || nodes > nodesMax) {
          throw new InvalidOptionError(
            `--nodes is ${nodes}: give a whole number from ${nodesMin} to ${nodesMax}`
          )
        }
        await untilInterrupted(terminal, signal =>
          dashboard
            ? showInBrowser({ nodes, out: resolve(out), lan, kill }, json, terminal, signal)
            : show({ nodes, out: resolve(out), lan, kill }, json, terminal, signal)
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
  await printSummary(await run(options, terminal, signal), json, terminal)
}

/** The same, with a page that shows it; the nodes stay for those who want to look around. */
async function showInBrowser(
  options: DemoOptions,
  json: boolean,
  terminal: Terminal,
  signal: AbortSignal
): Promise<void> {
  const { servePage, showPage } = await import('../page.ts')
  let page: Dashboard | null = null
  let isDone = false
  const onlooker: Onlooker = {
    async met(folder) {
      const { Client } = await import('../../api/client.ts')
      page = await servePage(await Client.open({ data: folder }), {})
      terminal.words(`the dashboard: ${page.newLink()}`)
      if (isTerminal(terminal.stdout)) await showPage(page, terminal, signal)
    },
    async done(summary) {
      isDone = true
      await printSummary(summary, json, terminal)
      terminal.words('the nodes stay, for the dashboard to show them: Enter ends them')
      await untilEnter(terminal.stdin, signal)
    }
  }
  try {
    await run({ ...options, onlooker }, terminal, signal)
  } catch (error) {
    // With the picture there, Ctrl-C is one more way to say that it is enough.
    if (!(isDone && error instanceof InterruptedError)) throw error
  } finally {
    await (page as Dashboard | null)?.close()
  }
}

async function run(
  options: DemoOptions,
  terminal: Terminal,
  signal: AbortSignal
): Promise<DemoSummary> {
  const { runDemo } = await import('../../demo/demo.ts')
  const { View } = await import('../../demo/view.ts')
  return runDemo(options, new View(terminal.stderr, process.env['NO_COLOR']), signal)
}

async function printSummary(
  summary: DemoSummary,
  json: boolean,
  terminal: Terminal
): Promise<void> {
  if (json) return terminal.json(summary)
  const { summaryLines } = await import('../../demo/summary.ts')
  const colour = isTerminal(terminal.stdout) && !process.env['NO_COLOR']
  await terminal.line(summaryLines(summary, colour).join('\n'))
}

/** Resolves at the next line, or when there can be none any more. */
async function untilEnter(stdin: Readable, signal: AbortSignal): Promise<void> {
  const lines = createInterface({ input: stdin })
  try {
    await Promise.race([
      once(lines, 'line', { signal }).catch(() => {}),
      once(lines, 'close', { signal }).catch(() => {})
    ])
  } finally {
    lines.close()
  }
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
