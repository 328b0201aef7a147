/** `hearsay reload`: the node reads its handlers anew, and its configuration file if it has one. */
import type { Command } from '@commander-js/extra-typings'
import { reloadedWords } from '../node/reload.ts'
import type { Terminal } from '../terminal.ts'
import { clientVerb, openClient } from '../verb.ts'

export function register(program: Command, terminal: Terminal): void {
  clientVerb(program, {
    name: 'reload',
    summary:
      'have a node read its handlers and its config file anew; if they are wrong, nothing changes',
    examples: ['hearsay reload', 'hearsay reload --node computer-a/1']
  }).action(async options => {
    const client = await openClient(options)
    const reloaded = await client.reload()
    return options.json ? terminal.json(reloaded) : terminal.line(reloadedWords(reloaded))
  })
}
