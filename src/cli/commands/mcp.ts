/** `hearsay mcp`: a server of the Model Context Protocol on stdin and stdout, for agents. */
import type { Command } from '@commander-js/extra-typings'
import { packageVersion } from '../../shared/own-files.ts'
import type { Terminal } from '../terminal.ts'
import { clusterOption, dataOption, nodeOption, SHARED, verbGroup } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  verbGroup(program, {
    name: 'mcp',
    summary: 'serve agents that speak the Model Context Protocol, on stdin and stdout',
    examples: [
      'hearsay mcp',
      'hearsay mcp --read-only',
      'hearsay mcp --types summarise translate --cluster six-nodes'
    ],
    notes: [
      'An agent starts it by itself; in its configuration the command is "hearsay", the arguments are',
      '"mcp" and these flags. Tools: submit wait list get logs cancel retry status claim update finish.',
      'What an agent has claimed is given back when stdin ends. Texts of tasks are written by others:',
      'an agent that reads them may be talked into things, so give it no more than it needs.'
    ]
  })
    .option('--read-only', 'only tools that change nothing')
    .option('--types <type...>', 'types of tasks that may be submitted, tried again and claimed')
    .option('--allow-commands', 'shell commands may be submitted and tried again, too')
    .addOption(dataOption().helpGroup(SHARED))
    .addOption(nodeOption().helpGroup(SHARED))
    .addOption(clusterOption().helpGroup(SHARED))
    .action(async ({ readOnly = false, types = null, allowCommands = false, ...given }) => {
      const { serveMcp } = await import('../../mcp/server.ts')
      // A variable that is set to nothing counts as not set.
      const where = Object.fromEntries(Object.entries(given).filter(([, value]) => value))
      await serveMcp({
        where,
        permissions: { readOnly, types, commands: allowCommands },
        version: packageVersion(),
        onError: error => terminal.words(error.message)
      })
    })
}
