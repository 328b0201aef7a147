/**
 * Runs a command line inside the test, and keeps what it says on each stream.
 */
import { Readable, Writable } from 'node:stream'
import { main } from '../../src/cli/main.ts'
import { Terminal } from '../../src/cli/terminal.ts'

/** What a command line has said so far; `code` once it has ended. */
export type Said = { code: number | null; stdout: string; stderr: string }

/**
 * @param stdin what the command line may read
 * @param said filled in as it speaks, for a test that has to see it before the end
 */
export async function run(
  argv: readonly string[],
  stdin = '',
  said: Said = { code: null, stdout: '', stderr: '' }
): Promise<Said> {
  const streams = {
    stdin: Readable.from([stdin]),
    stdout: into(text => (said.stdout += text)),
    stderr: into(text => (said.stderr += text))
  }
  said.code = await main(argv, new Terminal(streams))
  return said
}

/** A stream that hands on what is written to it. */
export function into(take: (text: string) => void): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      take(piece.toString('utf8'))
      done()
    }
  })
}

/** Runs a verb whose reader goes away after the first line, as `| head -1` does. */
export async function headOf(argv: readonly string[]): Promise<Said> {
  const said: Said = { code: null, stdout: '', stderr: '' }
  const stdout = new Writable({
    write(piece: Buffer, _encoding, done) {
      const isGone = said.stdout !== ''
      if (!isGone) said.stdout += piece.toString('utf8')
      done(isGone ? Object.assign(new Error('gone'), { code: 'EPIPE' }) : null)
    }
  })
  const stderr = into(text => (said.stderr += text))
  said.code = await main(argv, new Terminal({ stdin: Readable.from([]), stdout, stderr }))
  return said
}
