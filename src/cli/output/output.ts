/**
 * Output of tasks on its way to a reader: as it came, or a line at a time.
 *
 * It comes in pieces that know nothing of lines. To people it goes as it came, so that a prompt without an end or a
 * picture made of text look as they did where they were printed; to programs it goes in whole lines.
 */
import type { LogEntry } from '../../node/api/node-api.ts'
import { LineSplitter } from '../../shared/lines.ts'
import { printableLines } from '../../shared/printable.ts'
import { isTerminal, type Terminal } from '../terminal.ts'

/** A line of output, as `--json` prints it. `cut`: it was too long, and goes on in the next one. */
type Line = About & { line: string; cut?: true }
type About = Omit<LogEntry, 'text' | 'base64'>
type Open = Readonly<{ splitter: LineSplitter; about: About }>

/** A line that is longer is printed in several, each but the last marked as cut. */
const LINE_LENGTH_MAX = 65_536

/**
 * Prints output to where it was printed to; what hearsay remarks is words.
 *
 * @param how `exact`: whoever asks has written the program, and a terminal is to obey it. `shown`: a terminal shows what
 *   it would obey. @default `shown`
 */
export async function pass(
  { stream, text, base64 }: LogEntry,
  terminal: Terminal,
  how: 'exact' | 'shown' = 'shown'
): Promise<void> {
  if (stream === 'note') return terminal.words(text.trimEnd())
  const name = stream === 'stderr' ? 'stderr' : 'stdout'
  if (how === 'shown' && isTerminal(terminal[name])) {
    return terminal.raw(name, printableLines(text))
  }
  await terminal.raw(name, base64 === undefined ? text : Buffer.from(base64, 'base64'))
}

/** A line with when and where it was printed. */
export function stamped({ at, attempt, stream, line, cut }: Line, terminal: Terminal): string {
  const text = `${at} ${attempt} ${stream.padEnd(6)} ${line}${cut === true ? '…' : ''}`
  return isTerminal(terminal.stdout) ? printableLines(text) : text
}

/** The lines of a task's output, in the order in which they ended. */
export async function* linesOf(entries: AsyncIterable<LogEntry>): AsyncGenerator<Line> {
  /** Begun and not ended, one for each stream of each attempt, with when and where it began. */
  const open = new Map<string, Open>()
  for await (const { text, base64: _exact, ...about } of entries) {
    const key = `${about.node} ${about.attempt} ${about.stream}`
    const { splitter, ...begun } = open.get(key) ?? { splitter: new LineSplitter(), about }
    open.delete(key)
    let from = begun.about
    for (const line of splitter.push(text)) {
      yield { ...from, line }
      from = about
    }
    if (splitter.openLength > LINE_LENGTH_MAX) yield { ...from, line: splitter.take(), cut: true }
    else if (splitter.openLength > 0) open.set(key, { splitter, about: from })
  }
  for (const { splitter, about } of open.values()) yield { ...about, line: splitter.take() }
}
