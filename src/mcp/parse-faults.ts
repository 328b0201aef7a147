/**
 * Lines that are no JSON, on their way to the server's transport, which drops them: they are answered with a parse error,
 * as JSON-RPC has it, so that nobody waits for the answer to a request that was cut or mangled.
 */
import { Transform, type Readable, type Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { LineSplitter } from '../shared/lines.ts'

/** "Invalid JSON was received", of JSON-RPC 2.0. */
const PARSE_ERROR = -32_700
/** Guess: more than any request of an agent; what is longer is left to the transport, which has a bound of its own. */
const LINE_LENGTH_MAX = 4_194_304

/** The same lines, without those that are answered here. */
export function withoutFaults(input: Readable, output: Writable): Readable {
  const splitter = new LineSplitter()
  const decoder = new StringDecoder('utf8')
  const passed = (lines: readonly string[]): string =>
    lines
      .filter(line => line.trim() === '' || isJson(line, output))
      .map(line => `${line}\n`)
      .join('')
  return input.pipe(
    new Transform({
      transform(piece: Buffer, _, done) {
        const text = passed(splitter.push(decoder.write(piece)))
        done(null, splitter.openLength > LINE_LENGTH_MAX ? text + splitter.take() : text)
      },
      flush(done) {
        done(null, passed(splitter.openLength > 0 ? [splitter.take()] : []))
      }
    })
  )
}

function isJson(line: string, output: Writable): boolean {
  try {
    JSON.parse(line)
    return true
  } catch (error) {
    const message = `Parse error: the line is no JSON (${(error as Error).message})`
    const answer = { jsonrpc: '2.0', id: null, error: { code: PARSE_ERROR, message } }
    output.write(`${JSON.stringify(answer)}\n`)
    return false
  }
}
