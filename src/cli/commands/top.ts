/** `hearsay top`: a live view of the cluster in the terminal. */
import type { Command } from '@commander-js/extra-typings'
import type { ReadStream, WriteStream } from 'node:tty'
import { InvalidOptionError } from '../../shared/errors.ts'
import { parseDurationMs } from '../output/duration.ts'
import { SIGNAL_EXIT_CODES } from '../exit-code.ts'
import { ALL_NODES_HELP } from '../output/shown-nodes.ts'
import { isTerminal, type Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

const INTERVAL_MS = 1000
/** More often than this would only heat the node. */
const INTERVAL_MS_MIN = 100

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'top',
    summary: 'watch nodes, tasks and failures live; ? shows the keys',
    examples: ['hearsay top', 'hearsay top --json --interval 5s | jq .rate']
  })
    .option('--interval <duration>', 'how often to ask the node (default: 1s)', parseDurationMs)
    .option('--all', ALL_NODES_HELP)
    .action(async ({ interval = INTERVAL_MS, all = false, json, ...where }) => {
      if (interval < INTERVAL_MS_MIN) {
        throw new InvalidOptionError(`--interval has to be at least ${INTERVAL_MS_MIN}ms`)
      }
      const { stdin, stdout } = terminal
      if (!json && !(isTerminal(stdin) && isTerminal(stdout))) {
        throw new InvalidOptionError(
          'top needs a terminal: use --json, or hearsay status and hearsay events'
        )
      }
      const client = await openClient(where)
      const { Top } = await import('../top/top.ts')
      const top = new Top(client, interval, all)
      if (json) {
        for await (const snapshot of top.snapshots()) await terminal.json(snapshot)
        return
      }
      const { Screen } = await import('../top/screen.ts')
      const noColour = Boolean(process.env['NO_COLOR'])
      const screen = new Screen(stdin as ReadStream, stdout as WriteStream, noColour)
      const onSignal = (signal: NodeJS.Signals): void => {
        terminal.exitCode = SIGNAL_EXIT_CODES[signal as keyof typeof SIGNAL_EXIT_CODES]
        top.stop()
      }
      for (const signal of Object.keys(SIGNAL_EXIT_CODES)) process.on(signal, onSignal)
      try {
        await top.show(screen)
      } finally {
        for (const signal of Object.keys(SIGNAL_EXIT_CODES)) process.off(signal, onSignal)
      }
    })
}
