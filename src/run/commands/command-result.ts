/**
 * What a command hands to those that depend on it: JSON that it has left in a file of its own, or all that it printed to
 * stdout, if its task asks for that. Either may be as large as a result may be, and is never here as a whole.
 *
 * What it printed is JSON, else text. It is also text if it is a bare number of more digits than JSON keeps.
 */
import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs'
import { open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunResult } from '../../core/input.ts'
import { TASK_LIMITS } from '../../core/options.ts'
import { utf8Stream, verifiedJson } from '../../shared/json/json-stream.ts'
import { JsonRefusedError } from '../../shared/json/json-scan.ts'
import { jsonFault, parseJson, utf8Text } from '../../shared/json/json-text.ts'
import { writeResult, type RunFiles } from '../contents.ts'
import { failure, outcomeOfResult, outcomeOfUnkept } from '../outcome.ts'

/** What is not larger is read whole, and may then fit into the task itself. */
const VALUE_BYTES_MAX = 65_536

export class CommandResult {
  /** Where the command may leave its result. */
  readonly file: string
  readonly #printed: string
  /** Where a large result goes; null if there is no place for any. */
  readonly #place: string | null
  #spool: WriteStream | null = null
  #spoolFailure: Error | null = null

  constructor({ result }: Pick<RunFiles, 'result'>) {
    this.#place = result
    const path = result ?? join(tmpdir(), `hearsay-${randomUUID()}`)
    this.file = `${path}.result`
    this.#printed = `${path}.stdout`
  }

  /** What it prints to stdout from now on is kept: that is its result. */
  keepPrinted(): void {
    this.#spool = createWriteStream(this.#printed, { mode: 0o600 })
    this.#spool.on('error', error => (this.#spoolFailure = error))
  }

  /** The command has printed something to stdout. */
  print(bytes: Uint8Array): void {
    if (this.#spoolFailure === null) this.#spool?.write(bytes)
  }

  /** @param ended what it is if the command has left nothing, and is not asked what it printed */
  async outcome(ended: unknown): Promise<RunResult> {
    try {
      const left = await bytesIn(this.file)
      if (left > 0) return await this.#json(this.file, left)
    } catch (error) {
      return rejected('HEARSAY_RESULT_FILE of the command', error)
    }
    if (this.#spool === null) return outcomeOfResult(ended, null)
    await this.#endSpool(this.#spool)
    if (this.#spoolFailure !== null) return outcomeOfUnkept(this.#spoolFailure)
    return this.#outcomeOfPrinted()
  }

  /** When the command wants to be tried again, in ms; null if it has not left that in its file. */
  async retryAfterMs(): Promise<unknown> {
    try {
      if ((await bytesIn(this.file)) > VALUE_BYTES_MAX) return null
      const left = parseJson(utf8Text(await readFile(this.file)))
      return (left as { retryAfterMs?: unknown } | null)?.retryAfterMs ?? null
    } catch {
      return null
    }
  }

  /** Nothing of it is needed any more. */
  async discard(): Promise<void> {
    this.#spool?.destroy()
    for (const path of [this.file, this.#printed]) await rm(path, { force: true }).catch(() => {})
  }

  async #outcomeOfPrinted(): Promise<RunResult> {
    const bytes = await bytesIn(this.#printed)
    try {
      return await this.#json(this.#printed, bytes)
    } catch (error) {
      const isMeantAsJson = error instanceof JsonRefusedError && (await this.#isStructure())
      if (isMeantAsJson) return rejected('stdout of the command', error)
    }
    try {
      if (bytes <= VALUE_BYTES_MAX) {
        return await outcomeOfResult(utf8Text(await readFile(this.#printed)), this.#place)
      }
      return await this.#write(bytes, asJson(createReadStream(this.#printed)))
    } catch (error) {
      return rejected('stdout of the command', error)
    }
  }

  /** @throws SyntaxError JsonRefusedError */
  async #json(path: string, bytes: number): Promise<RunResult> {
    if (bytes <= VALUE_BYTES_MAX) {
      return outcomeOfResult(parseJson(utf8Text(await readFile(path))), this.#place)
    }
    return this.#write(bytes, verifiedJson(createReadStream(path)))
  }

  async #write(bytes: number, pieces: AsyncIterable<string>): Promise<RunResult> {
    const place = this.#place
    if (place === null || bytes > TASK_LIMITS.blobBytesMax) return tooLarge(place)
    try {
      const result = await writeResult(place, encoded(pieces))
      return result === null ? tooLarge(place) : { status: 'completed', result }
    } catch (error) {
      await rm(place, { force: true })
      if (error instanceof SyntaxError || error instanceof JsonRefusedError) throw error
      return outcomeOfUnkept(error)
    }
  }

  /** Whether what it printed begins as a list or an object does. */
  async #isStructure(): Promise<boolean> {
    const file = await open(this.#printed)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0)
      return /^\s*[[{]/.test(buffer.toString('latin1', 0, bytesRead))
    } finally {
      await file.close()
    }
  }

  async #endSpool(spool: WriteStream): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    spool.once('close', resolve)
    if (spool.closed) return
    spool.end()
    await promise
  }
}

/** 0 if there is none. @throws JsonRefusedError if it is something else than a file */
async function bytesIn(path: string): Promise<number> {
  const found = await stat(path).catch(() => null)
  if (found === null || found.isFile()) return found?.size ?? 0
  throw new JsonRefusedError('is no file')
}

/** A text as JSON has it. */
async function* asJson(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  yield '"'
  for await (const text of utf8Stream(pieces)) yield JSON.stringify(text).slice(1, -1)
  yield '"'
}

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of texts) yield Buffer.from(text)
}

function rejected(name: string, error: unknown): RunResult {
  return failure('ResultRejectedError', `${name} ${jsonFault(error)}`, { reason: 'ResultRejected' })
}

function tooLarge(place: string | null): RunResult {
  const bytesMax = place === null ? TASK_LIMITS.inlineBytesMax : TASK_LIMITS.blobBytesMax
  return failure(
    'TooLargeError',
    `the result of the command has more than ${bytesMax} bytes as JSON: have it written elsewhere, and its place as the result`,
    { reason: 'TooLarge' }
  )
}
