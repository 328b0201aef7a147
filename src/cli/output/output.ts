/**
 * Output of tasks on its way to a reader: as it came, or a line at a time.
 *
 * It comes in pieces that know nothing of lines. To people it goes as it came, so that a prompt without an end or a
 * picture made of text look as they did where they were printed; to programs it goes in whole lines.
 */
import type { LogEntry } from '../../node/api/node-api.ts'
import { LineSplitter } from '../../shared/lines.ts'
import type { Terminal } from '../terminal.ts'

/** As `--json` prints it. */
type Line = About & { line: string }
type About = Omit<LogEntry, 'text' | 'base64'>
type Open = Readonly<{ splitter: LineSplitter; about: About }>

/** A line that is longer is printed in several. */
const LINE_LENGTH_MAX = 65_536

/** Prints a line to where it was printed to; what hearsay remarks is words. */
export async function pass({ stream, text, base64 }: LogEntry, terminal: Terminal): Promise<void> {
  if (stream === 'note') return terminal.words(text.trimEnd())
  const exact = base64 === undefined ? text : Buffer.from(base64, 'base64')
  await terminal.raw(stream === 'stderr' ? 'stderr' : 'stdout', exact)
}

/** A line with when and where it was printed. */
export function stamped({ at, attempt, stream, line }: Line): string {
  return `${at} ${attempt} ${stream.padEnd(6)} ${line}`
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
    if (splitter.openLength > LINE_LENGTH_MAX) yield { ...from, line: splitter.take() }
    else if (splitter.openLength > 0) open.set(key, { splitter, about: from })
  }
  for (const { splitter, about } of open.values()) yield { ...about, line: splitter.take() }
}
