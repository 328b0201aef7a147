/** `hearsay retry`: submits copies of tasks that have failed or were cancelled, and prints their ids. */
import type { Command } from '@commander-js/extra-typings'
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
    .action(async (ids, { json, ...where }) => {
      const client = await openClient(where)
      const codes: number[] = []
      for (const id of ids) {
        try {
          const submitted = await client.retry(id)
          for (const warning of submitted.warnings) terminal.words(warning)
          if (json) await terminal.json(submitted)
          else await terminal.line(submitted.id)
          codes.push(0)
        } catch (error) {
          terminal.words((error as Error).message)
          codes.push(exitCodeOfError(error))
        }
      }
      terminal.exitCode = mostTelling(codes)
    })
}
