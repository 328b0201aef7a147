/**
 * `hearsay simulate`: runs the protocol under seeded dice, a seed after the other, and says which invariant broke with
 * which seed. Needs no node, no key and no network.
 */
import { Option, type Command } from '@commander-js/extra-typings'
import type { Report, Scenario } from '../../sim/index.ts'
import { parseCount, parseNumber } from '../numbers.ts'
import { printable } from '../../shared/printable.ts'
import { Progress } from '../output/progress.ts'
import type { Terminal } from '../terminal.ts'
import { verb } from '../verb.ts'

/** About ten seconds on one core of a small server. */
const SEEDS_DEFAULT = 100

type Options = { seeds: number; from: number; scenario?: string; transcript?: true; json?: true }

/** A seed that broke an invariant, and the command that shows how. */
type Found = { seed: number; invariant: number; message: string; replay: string }

export function register(program: Command, terminal: Terminal): void {
  verb(program, {
    name: 'simulate',
    summary: 'run the protocol under a seeded simulator and check its invariants',
    examples: [
      'hearsay simulate --seeds 1000 --scenario config/sim/crashes.json',
      'hearsay simulate --seeds 1 --from 42 --transcript'
    ]
  })
    .option('--seeds <count>', 'how many seeds', parseCount, SEEDS_DEFAULT)
    .option('--from <seed>', 'the first seed', parseNumber, 1)
    .option(
      '--scenario <file>',
      'JSON with what differs from the default, such as { "damages": 2 } or config/sim/*.json'
    )
    .addOption(new Option('--transcript', 'print all that happens in each seed').conflicts('json'))
    .action(options => runSeeds(options, terminal))
}

async function runSeeds(options: Options, terminal: Terminal): Promise<void> {
  const { readScenario, SCENARIO_DEFAULTS, simulate } = await import('../../sim/index.ts')
  const { seeds, from, scenario: file, transcript, json } = options
  const scenario: Scenario = file === undefined ? SCENARIO_DEFAULTS : await readScenario(file)
  const progress = new Progress(terminal)
  const violations: Found[] = []
  let steps = 0
  for (let i = 0; i < seeds; i++) {
    const report = simulate(from + i, scenario)
    steps += report.steps
    if (transcript) await printTranscript(report, terminal)
    if (report.violation !== null) {
      const found = foundIn(report, file)
      violations.push(found)
      progress.clear()
      if (!json) await printFound(found, terminal)
    }
    if (!progress.isDue) continue
    progress.show(`${i + 1} of ${seeds} seeds, ${violations.length} violations`)
    // A seed is one long computation: signals get their turn here.
    await new Promise(resolve => setImmediate(resolve))
  }
  progress.clear()
  if (violations.length > 0) terminal.exitCode = 1
  if (json) return terminal.json({ v: 1, seeds, violations })
  const range = seeds === 1 ? `seed ${from}` : `seeds ${from} to ${from + seeds - 1}`
  const outcome =
    violations.length === 0
      ? `all invariants held in ${steps} steps`
      : `${violations.length} of ${seeds} broke an invariant`
  await terminal.line(`${range}: ${outcome}`)
}

function foundIn({ seed, violation }: Report, file: string | undefined): Found {
  const { invariant, message } = violation!
  const scenario = file === undefined ? '' : ` --scenario ${shellWord(file)}`
  const replay = `hearsay simulate --seeds 1 --from ${seed}${scenario} --transcript`
  return { seed, invariant, message, replay }
}

async function printFound({ seed, message, replay }: Found, terminal: Terminal): Promise<void> {
  await terminal.line(`seed ${seed}: ${message.split('\n').map(printable).join('\n  ')}`)
  await terminal.line(`  again: ${replay}`)
}

async function printTranscript({ transcript }: Report, terminal: Terminal): Promise<void> {
  await terminal.line(transcript.flatMap(line => line.split('\n').map(printable)).join('\n'))
}

/** A file name as a shell takes it. */
function shellWord(text: string): string {
  return /^[\w./@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
