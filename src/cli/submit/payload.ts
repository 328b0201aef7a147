/**
 * The payload of a task, as the command line gives it: JSON, the name of a file with JSON, or `-` for stdin.
 *
 * Read with a bound: `submit x - < /dev/zero` has to end with words, not with the memory.
 */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { TASK_LIMITS } from '../../core/options.ts'
import { InvalidOptionError, PayloadRejectedError, TooLargeError } from '../../shared/errors.ts'
import { JsonRefusedError } from '../../shared/json/json-scan.ts'
import { jsonFault, parseJson, utf8Text } from '../../shared/json/json-text.ts'

const PAYLOAD_BYTES_MAX = TASK_LIMITS.blobBytesMax
/** What is not larger is read whole, and loses its spaces: it may then fit into the task itself. */
const VALUE_BYTES_MAX = 65_536

/** A shell takes the quotes away that JSON needs. */
const ARGUMENT_HINT = `: text needs quotes of its own, such as '"text"'`

/** What is small is a value; what is large is passed on as it is read, and never here as a whole. */
export type Payload = Readonly<{ value: unknown } | { pieces: AsyncIterable<string> }>

/**
 * A large payload is checked while it is read: the reader of the pieces meets the errors below, too.
 *
 * @throws PayloadRejectedError if it is not JSON
 * @throws TooLargeError
 * @throws InvalidOptionError if the file cannot be read
 */
export async function readPayload(text: string | undefined, stdin: Readable): Promise<Payload> {
  if (text === undefined) return { value: null }
  if (text === '-') return payloadOf(stdin, 'stdin')
  if (!text.startsWith('@')) return { value: parse(text, 'the payload', ARGUMENT_HINT) }
  const file = text.slice(1)
  return payloadOf(createReadStream(file), file)
}

async function payloadOf(stream: Readable, source: string): Promise<Payload> {
  const pieces = bounded(stream, source)[Symbol.asyncIterator]()
  const start: Buffer[] = []
  for (let length = 0; length <= VALUE_BYTES_MAX;) {
    const next = await pieces.next()
    if (next.done === true) {
      return { value: parse(Buffer.concat(start), source) }
    }
    start.push(next.value)
    length += next.value.length
  }
  return { pieces: checked(start, pieces, source) }
}

async function* checked(
  start: readonly Buffer[],
  rest: AsyncGenerator<Buffer>,
  source: string
): AsyncGenerator<string> {
  const { verifiedJson } = await import('../../shared/json/json-stream.ts')
  try {
    yield* verifiedJson(joined(start, rest))
  } catch (error) {
    const isOfJson = error instanceof SyntaxError || error instanceof JsonRefusedError
    throw isOfJson ? rejected(error, source) : error
  }
}

async function* joined(
  start: readonly Buffer[],
  rest: AsyncIterable<Buffer>
): AsyncGenerator<Buffer> {
  yield* start
  yield* rest
}

/**
 * What a command is to read, byte for byte: a text as it is given, a file, or what we read ourselves.
 *
 * @throws TooLargeError
 * @throws InvalidOptionError if the file cannot be read
 */
export async function readInput(text: string, stdin: Readable): Promise<Buffer> {
  if (text === '-') return readAll(stdin, 'stdin')
  if (!text.startsWith('@')) return Buffer.from(text)
  const file = text.slice(1)
  return readAll(createReadStream(file), file)
}

async function readAll(stream: Readable, source: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of bounded(stream, source)) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function* bounded(stream: Readable, source: string): AsyncGenerator<Buffer> {
  let bytes = 0
  try {
    for await (const piece of stream) {
      const buffer = Buffer.from(piece as Buffer | string)
      bytes += buffer.length
      if (bytes > PAYLOAD_BYTES_MAX) break
      yield buffer
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new InvalidOptionError(`${source} cannot be read: ${code ?? message}`)
  }
  if (bytes <= PAYLOAD_BYTES_MAX) return
  throw new TooLargeError(
    `${source} has more than ${PAYLOAD_BYTES_MAX} bytes: put the data where the handler can fetch it, and submit its place`
  )
}

function parse(text: string | Uint8Array, source: string, hint = ''): unknown {
  try {
    return parseJson(typeof text === 'string' ? text : utf8Text(text))
  } catch (error) {
    throw rejected(error, source, error instanceof SyntaxError ? hint : '')
  }
}

function rejected(error: unknown, source: string, hint = ''): PayloadRejectedError {
  return new PayloadRejectedError(`${source} ${jsonFault(error)}${hint}`)
}
