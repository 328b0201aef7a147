/** `hearsay retry`: submits copies of tasks that have failed or were cancelled, and prints their ids. */
import type { Command } from '@commander-js/extra-typings'
import type { Client } from '../../api/client.ts'
import type { Retried } from '../../node/api/node-api.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { atATime } from '../at-a-time.ts'
import { exitCodeOfError, mostTelling } from '../exit-code.ts'
import { doMany, filterOf, manyFlags } from '../many.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, TASK_ID_HELP } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  const verb = clientVerb(program, {
    name: 'retry',
    summary: 'submit copies of tasks that have failed or were cancelled, and print their ids',
    examples: [
      'hearsay retry 0007a31c94e2',
      'hearsay wait $(hearsay retry 0007a31c94e2)',
      'hearsay retry --all --type resize --since 2h'
    ],
    notes: ['With --all, what has been tried once more already is left out.']
  })
    .argument('[id...]', TASK_ID_HELP)
    .option('--with-dependents', 'with ids: also what was cancelled because it depends on one')
  manyFlags(verb).action(async (ids, flags, command) => {
    const filter = filterOf('retry', ids, flags, command.getOptionValueSource('node') === 'cli')
    if (filter !== null && flags.withDependents) {
      throw new InvalidOptionError(
        '--with-dependents goes with ids, not with --all: "hearsay ls --state failed --json | jq -r .id" prints some'
      )
    }
    if (filter !== null) return doMany({ action: 'retry', filter }, flags, terminal)
    const how = { json: flags.json === true, withDependents: flags.withDependents === true }
    await retry(ids, await openClient(flags, terminal), how, terminal)
  })
}

async function retry(
  ids: readonly string[],
  client: Client,
  { json, withDependents }: { json: boolean; withDependents: boolean },
  terminal: Terminal
): Promise<void> {
  const codes: number[] = []
  const tryOnce = (id: string): Promise<Retried | Error> =>
    client.retry(id, withDependents).catch((error: unknown) => error as Error)
  // What depends on several of them goes with the last one, when the others have their copies.
  const answers = withDependents ? atATime(ids, tryOnce, 1) : atATime(ids, tryOnce)
  for (const answer of answers) {
    const submitted = await answer
    if (submitted instanceof Error) {
      terminal.words(submitted.message)
      codes.push(exitCodeOfError(submitted))
      continue
    }
    for (const warning of submitted.warnings) terminal.words(warning)
    if (json) await terminal.json(submitted)
    else await terminal.line([submitted.id, ...(submitted.dependents ?? [])].join('\n'))
    codes.push(0)
  }
  terminal.exitCode = mostTelling(codes)
}
