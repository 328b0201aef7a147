/**
 * `hearsay completion`: a script for a shell, which asks this very program at each Tab what could come next. So verbs
 * and flags are always those of the installed version, and names of nodes and tasks those of now.
 */
import { Argument, Option, type Command } from '@commander-js/extra-typings'
import { InvalidOptionError } from '../../shared/errors.ts'
import { completionScript, SHELLS } from '../completion-scripts.ts'
import type { Terminal } from '../terminal.ts'
import { verbGroup } from '../verb.ts'

export function register(
  program: Command,
  terminal: Terminal,
  whole: () => Promise<Command>
): void {
  verbGroup(program, {
    name: 'completion',
    summary: 'print a script that completes verbs, flags, nodes and tasks in a shell',
    examples: [
      'eval "$(hearsay completion bash)"     # in ~/.bashrc; zsh alike',
      'hearsay completion fish > ~/.config/fish/completions/hearsay.fish'
    ]
  })
    .usage('[options] <shell>')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .argument('[words...]')
    .addOption(new Option('--words', 'what could the last of these words be?').hideHelp())
    .action(async (shell, words, options) => {
      if (options.words) {
        const { complete } = await import('../complete.ts')
        const candidates = await complete(await whole(), words)
        const lines = candidates.map(({ value, about }) => (about ? `${value}\t${about}` : value))
        if (lines.length > 0) await terminal.line(lines.join('\n'))
      } else if (words.length > 0) {
        throw new InvalidOptionError(`completion takes one shell: what is "${words[0]}"?`)
      } else {
        await terminal.line(completionScript(shell))
      }
    })
}
