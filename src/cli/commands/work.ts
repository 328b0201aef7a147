/** `hearsay work`: tasks of some types are run by a command here, a process each or one for all. */
import { Option, type Command } from '@commander-js/extra-typings'
import { InvalidOptionError } from '../../shared/errors.ts'
import { parseCount } from '../numbers.ts'
import { repeatable } from '../repeatable.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

const NOTES = [
  'The command reads the payload as JSON on stdin and is told HEARSAY_TASK_ID, HEARSAY_ATTEMPT,',
  'HEARSAY_EPOCH and HEARSAY_RESULT_FILE. What it prints is the log of the task; its result is the JSON',
  'that it writes to that file, or with --result-from stdout all that it prints (JSON, else text).',
  'Exit code 0 completes the task; 75 means "try again later", which uses no retry (the file may say',
  'when: {"retryAfterMs": 5000}); any other is a failed attempt.',
  '',
  'With --stdio each slot has one process, which lives on. It reads a line of JSON for each task,',
  '{"id","type","payload","attempt","dependencies"}, and writes {"id","result"}, or {"id","error":',
  '{"name","message"},"retryable","retryAfterMs"}; meanwhile {"id","progress"} and {"id","log"}. It is',
  'told {"id","cancel":"<reason>"} when a task is to stop. With {"id","checkpoint":<value>} it saves where it',
  'stands, and is told {"id","saved":true}, or false and why; the next attempt has that as "checkpoint" in its',
  'line. A command that runs once for each task saves none.',
  '',
  'Ctrl-C takes no more and ends what runs; twice gives that back, and nothing counts as lost.'
]

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'work',
    summary: 'run tasks of these types with a command, for a node on this computer',
    examples: [
      'hearsay work thumbnail -- ./thumbnail.sh',
      'hearsay work embed rank --stdio --slots 2 -- python3 model.py'
    ],
    notes: NOTES
  })
    .argument('<type...>', 'types of tasks, and after -- the command and its arguments')
    .addOption(new Option('--slots <n>', 'how many tasks at once').argParser(parseCount).default(1))
    .addOption(repeatable('--label <name=value>', 'what it says of itself, for tasks to choose by'))
    .option('--name <name>', 'what it is called among the pools of the node')
    .addOption(
      new Option('--result-from <what>', 'what the result is').choices(['file', 'stdout'] as const)
    )
    .option('--stdio', 'one process a slot, which is given one task after the other')
    .action(async (words, { slots, label = [], name, resultFrom, stdio, ...where }) => {
      const { types, argv } = parted(words, program)
      if (stdio === true && resultFrom !== undefined) {
        throw new InvalidOptionError('with --stdio results are lines: leave out --result-from')
      }
      const { assertThere } = await import('../work/process.ts')
      assertThere(argv[0]!)
      const client = await openClient(where)
      const { parseLabels } = await import('../node/config.ts')
      const { Work } = await import('../work/work.ts')
      const hands =
        stdio === true
          ? new (await import('../work/stdio-processes.ts')).StdioProcesses(argv)
          : new (await import('../work/task-processes.ts')).TaskProcesses(
              argv,
              resultFrom ?? 'file'
            )
      const named = name === undefined ? {} : { name }
      const options = { types, slots, labels: parseLabels(label), ...named }
      await new Work(client, options, hands, terminal).run()
    })
}

/** Commander tells operands before and after `--` as one list: how many come after it, the line itself says. */
function parted(
  words: readonly string[],
  program: Command
): Readonly<{ types: readonly string[]; argv: readonly string[] }> {
  const { rawArgs } = program as Command & Readonly<{ rawArgs: readonly string[] }>
  const dashes = rawArgs.indexOf('--')
  const count = dashes < 0 ? 0 : rawArgs.length - dashes - 1
  const types = words.slice(0, words.length - count)
  if (count > 0 && types.length > 0) return { types, argv: words.slice(-count) }
  throw new InvalidOptionError(
    'work needs types, and a command after --: such as hearsay work resize -- ./resize.sh'
  )
}
