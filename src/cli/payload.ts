/**
 * The payload of a task, as the command line gives it: JSON, the name of a file with JSON, or `-` for stdin.
 *
 * Read with a bound: `submit x - < /dev/zero` has to end with words, not with the memory.
 */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { TASK_LIMITS } from '../core/options.ts'
import { InvalidOptionError, PayloadRejectedError, TooLargeError } from '../errors.ts'

const PAYLOAD_BYTES_MAX = TASK_LIMITS.blobBytesMax

/**
 * @throws PayloadRejectedError if it is not JSON
 * @throws TooLargeError
 * @throws InvalidOptionError if the file cannot be read
 */
export async function readPayload(text: string | undefined, stdin: Readable): Promise<unknown> {
  if (text === undefined) return null
  if (text === '-') return parse(await readAll(stdin, 'stdin'), 'stdin')
  if (!text.startsWith('@')) return parse(text, 'the payload')
  const file = text.slice(1)
  return parse(await readAll(createReadStream(file), file), file)
}

/**
 * A text for a command to read: as it is given, in a file, or what we read ourselves.
 *
 * @throws TooLargeError
 * @throws InvalidOptionError if the file cannot be read
 */
export async function readText(text: string, stdin: Readable): Promise<string> {
  if (text === '-') return readAll(stdin, 'stdin')
  if (!text.startsWith('@')) return text
  const file = text.slice(1)
  return readAll(createReadStream(file), file)
}

async function readAll(stream: Readable, source: string): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const piece of stream) {
      const buffer = Buffer.from(piece as Buffer | string)
      bytes += buffer.length
      if (bytes > PAYLOAD_BYTES_MAX) break
      pieces.push(buffer)
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new InvalidOptionError(`${source} cannot be read: ${code ?? message}`)
  }
  if (bytes <= PAYLOAD_BYTES_MAX) return Buffer.concat(pieces).toString('utf8')
  throw new TooLargeError(
    `${source} has more than ${PAYLOAD_BYTES_MAX} bytes: put the data where the handler can fetch it, and submit its place`
  )
}

function parse(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new PayloadRejectedError(
      `${source} is not JSON (${(error as Error).message}): text needs quotes of its own, such as '"text"'`
    )
  }
}
