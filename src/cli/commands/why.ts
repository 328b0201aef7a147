/** `hearsay why`: which condition keeps a task from running, node by node. */
import type { Command } from '@commander-js/extra-typings'
import type { WhyView } from '../../node/api/node-api.ts'
import { marksText, table } from '../output/print.ts'
import { printable } from '../../shared/printable.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient, TASK_ID_HELP } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'why',
    summary: 'say why a task does not run, or how it ended, and what each node lacks',
    examples: ['hearsay why 0007a31c94e2', 'hearsay why 0007a31c94e2 --json | jq .nodes']
  })
    .argument('<id>', TASK_ID_HELP)
    .action(async (id, options) => {
      const client = await openClient(options, terminal)
      const why = await client.why(id)
      if (options.json) return terminal.json(why)
      const { state, reason, words, nodes } = why
      const because = [reason, words].filter(Boolean).join(': ')
      await terminal.line(printable(because === '' ? state : `${state}, ${because}`))
      const marks = marksText(why)
      if (marks !== '') await terminal.line(printable(marks))
      const open = await dependencyTable(why)
      if (open.length > 0) await terminal.line(open.join('\n'))
      const rows = nodes.map(({ node, reason: code, words: text }) => [node, code, text])
      if (rows.length > 0)
        await terminal.line((await table(['NODE', 'REASON', ''], rows)).join('\n'))
    })
}

/** What the task waits for. A node of an older version does not say. */
async function dependencyTable({ dependencies = [] }: Partial<WhyView>): Promise<string[]> {
  if (dependencies.length === 0) return []
  const rows = dependencies.map(({ id, state, type, ref, reason }) => {
    return [id, state ?? 'not known here', type ?? '-', ref ?? '-', reason ?? '']
  })
  return table(['WAITS FOR', 'STATE', 'TYPE', 'REF', 'REASON'], rows)
}
