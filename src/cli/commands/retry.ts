/** `hearsay retry`: submits copies of tasks that have failed or were cancelled, and prints their ids. */
import type { Command } from '@commander-js/extra-typings'
import { atATime } from '../at-a-time.ts'
import { exitCodeOfError, mostTelling } from '../exit-code.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, TASK_ID_HELP } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'retry',
    summary: 'submit copies of tasks that have failed or were cancelled, and print their ids',
    examples: ['hearsay retry 0007a31c94e2', 'hearsay wait $(hearsay retry 0007a31c94e2)']
  })
    .argument('<id...>', TASK_ID_HELP)
    .option('--with-dependents', 'also what was cancelled because it depends on one of them')
    .action(async (ids, { json, withDependents = false, ...where }) => {
      const client = await openClient(where, terminal)
      const codes: number[] = []
      const answers = atATime(ids, id =>
        client.retry(id, withDependents).catch((error: unknown) => error as Error)
      )
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
    })
}
