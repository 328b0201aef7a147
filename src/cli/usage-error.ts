/**
 * What was wrong with a command line, in one line. Commander proposes words that differ in a few letters; a user who has
 * written a part of the word, as in `--prio` or `--retries`, is easier to understand.
 */
import { Help, type Command } from '@commander-js/extra-typings'

/** Of a shorter part, nobody can say what was meant. */
const PART_LENGTH_MIN = 3
/** More proposals are a list, which `--help` has. */
const PROPOSED_MAX = 4

/**
 * @param text what commander says, its proposal included
 * @param command where it was found
 */
export function usageText(text: string, command: Command): string {
  const line = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
  const [what, kind, given] = /^unknown (option|command) '([^']*)'/.exec(line) ?? []
  const meant = given === undefined ? '' : proposal(kind, given, command)
  return `hearsay: ${meant === '' ? line : what + meant}\n`
}

function proposal(kind: string | undefined, given: string, command: Command): string {
  const words = kind === 'option' ? flagsOf(command) : verbsOf(command)
  const meant = wordsWith(given.replace(/^-+/, '').replace(/=.*$/s, ''), words)
  if (meant.length === 0 || meant.length > PROPOSED_MAX) return ''
  return ` (Did you mean ${meant.length > 1 ? 'one of ' : ''}${meant.join(', ')}?)`
}

/** Those that begin with the part; else those with a word in them that does. */
function wordsWith(part: string, words: readonly string[]): readonly string[] {
  if (part.length < PART_LENGTH_MIN) return words.filter(word => word === `--${part}`)
  const bare = words.map(word => [word, word.replace(/^--/, '')] as const)
  const begun = bare.filter(([, name]) => name.startsWith(part))
  const within = bare.filter(([, name]) => name.includes(`-${part}`))
  return (begun.length > 0 ? begun : within).map(([word]) => word)
}

function flagsOf(command: Command): string[] {
  return new Help().visibleOptions(command).flatMap(({ long }) => (long ? [long] : []))
}

function verbsOf(command: Command): string[] {
  return new Help().visibleCommands(command).map(verb => verb.name())
}
