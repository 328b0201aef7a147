/**
 * Runs a command line inside the test, and keeps what it says on each stream.
 */
import { Readable, Writable } from 'node:stream'
import { main } from '../../src/cli/main.ts'
import { Terminal } from '../../src/cli/terminal.ts'

export type Said = { code: number; stdout: string; stderr: string }

export async function run(argv: readonly string[], stdin = ''): Promise<Said> {
  const said = { stdout: '', stderr: '' }
  const into = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      write(piece: Buffer, _encoding, done) {
        said[name] += piece.toString('utf8')
        done()
      }
    })
  const terminal = new Terminal({
    stdin: Readable.from([stdin]),
    stdout: into('stdout'),
    stderr: into('stderr')
  })
  return { code: await main(argv, terminal), ...said }
}
