/**
 * Requests to a node over the socket in its data folder, and answers: one value, a line at a time, or as they come.
 *
 * Loads nothing but Node's own HTTP client, because every verb of the command line waits for it. Errors come back as
 * the classes that the node threw, by name.
 */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { InvalidOptionError, NoNodeError } from '../shared/errors.ts'
import { LineSplitter } from '../shared/lines.ts'
import { socketPath } from './address.ts'
import { meaning } from './find.ts'
import { SilentNodeError, watchOver } from './instances/patience.ts'
import { errorOf, noNode } from './problem.ts'

// An import would read every export, and among them a WebSocket that takes longer to load than all the rest together.
const http = process.getBuiltinModule('node:http')

type Query = Readonly<Record<string, string | number | undefined>>
export type Call = Readonly<{
  query?: Query
  body?: unknown
  /** Instead of `body`: text that is sent as it is made. */
  pieces?: AsyncIterable<string>
  signal?: AbortSignal | undefined
  /** Called if the node is silent meanwhile; true gives it up, with a SilentNodeError. @default it is waited for */
  onSilent?: () => boolean
}>

/** No node listens there: nothing can have been done. */
export class RefusedConnectionError extends NoNodeError {}

/** Codes of a connection that never came to be. */
const REFUSED: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTDIR'])

/** An answer without a body. */
const NOTHING = 204

/** The node knows no such question: it is of another version. */
export class UnknownQuestionError extends InvalidOptionError {}

export class Connection {
  /** The node's data folder. */
  readonly folder: string
  readonly #agent = new http.Agent({ keepAlive: true })

  constructor(folder: string) {
    this.folder = folder
  }

  /** One value; null: the answer holds none. */
  async value<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const response = await this.#send(method, path, call)
    const text = await this.#whole(response, call.signal)
    const value: unknown = response.statusCode === NOTHING ? null : JSON.parse(text)
    if ((response.statusCode ?? 500) >= 300) throw refusal(response, value)
    return value as T
  }

  /** Values, one a line, as they come. */
  async *values<T>(path: string, call: Call = {}, method = 'GET'): AsyncGenerator<T> {
    const response = await this.#send(method, path, call)
    try {
      for await (const line of linesOf(response)) {
        const value: unknown = JSON.parse(line)
        if (response.statusCode !== 200 || isProblem(value)) throw refusal(response, value)
        yield value as T
      }
    } catch (error) {
      throw response.errored === null ? error : this.#because(error, call.signal)
    } finally {
      response.destroy()
    }
  }

  /** Text, whole. */
  async text(path: string, call: Call = {}): Promise<string> {
    const response = await this.#send('GET', path, call)
    const text = await this.#whole(response, call.signal)
    if (response.statusCode !== 200) throw refusal(response, JSON.parse(text))
    return text
  }

  /** Text, piece by piece. */
  async *pieces(path: string, call: Call = {}): AsyncGenerator<string> {
    const response = await this.#send('GET', path, call)
    if (response.statusCode !== 200) {
      throw refusal(response, JSON.parse(await this.#whole(response, undefined)))
    }
    try {
      for await (const piece of response.setEncoding('utf8')) yield piece as string
    } catch (error) {
      throw this.#because(error, undefined)
    } finally {
      response.destroy()
    }
  }

  /** @param agent false: over a connection of its own */
  #send(
    method: string,
    path: string,
    call: Call = {},
    agent: Agent | false = call.pieces === undefined && this.#agent
  ): Promise<IncomingMessage> {
    const { query = {}, body, pieces, signal, onSilent } = call
    return new Promise((resolve, reject) => {
      const sent = http.request(
        {
          socketPath: socketPath(this.folder),
          agent,
          method,
          path: path + search(query),
          headers: { host: 'localhost', 'content-type': 'application/json' },
          ...(signal === undefined ? {} : { signal })
        },
        resolve
      )
      sent.once('error', (error: NodeJS.ErrnoException) => {
        // The node closes idle connections; one that was kept may be closed just when it is to be used again.
        const wasIdle = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        if (wasIdle && !signal?.aborted) resolve(this.#send(method, path, call, false))
        else reject(this.#because(error, signal))
      })
      if (onSilent !== undefined) this.#watch(sent, onSilent)
      if (pieces === undefined) {
        sent.end(body === undefined ? undefined : JSON.stringify(body))
      } else {
        // What the pieces throw is told before the connection breaks for it; its own errors are told above.
        pipeline(watched(pieces, reject), sent).catch(() => {})
      }
    })
  }

  /** Ends with the answer. */
  #watch(sent: ClientRequest, onSilent: () => boolean): void {
    const stop = watchOver(this.folder, () => {
      if (onSilent()) sent.destroy(new SilentNodeError(noNode(this.folder, 'it is silent').message))
    })
    sent.once('close', stop)
  }

  async #whole(response: IncomingMessage, signal: AbortSignal | undefined): Promise<string> {
    const pieces: Buffer[] = []
    try {
      for await (const piece of response) pieces.push(piece as Buffer)
    } catch (error) {
      throw this.#because(error, signal)
    }
    return Buffer.concat(pieces).toString('utf8')
  }

  /** The caller's own reason if it gave up, else that the node is not there. */
  #because(error: unknown, signal: AbortSignal | undefined): Error {
    if (signal?.aborted) return signal.reason as Error
    if (error instanceof NoNodeError) return error
    const { code } = error as NodeJS.ErrnoException
    const gone = noNode(this.folder, meaning(code))
    return code !== undefined && REFUSED.has(code) ? new RefusedConnectionError(gone.message) : gone
  }
}

async function* watched(
  pieces: AsyncIterable<string>,
  failed: (error: Error) => void
): AsyncGenerator<string> {
  try {
    yield* pieces
  } catch (error) {
    failed(error as Error)
    throw error
  }
}

function refusal(response: IncomingMessage, problem: unknown): Error {
  const { statusCode } = response
  const error = errorOf(problem) ?? new Error(`the node answered with status ${statusCode}`)
  const isUnknown = statusCode === 404 && error instanceof InvalidOptionError
  return isUnknown ? new UnknownQuestionError(error.message) : error
}

/** A task has an `error` of its own; only a problem, here the end of a broken list, has nothing else. */
function isProblem(value: unknown): boolean {
  return (
    Object.keys(value as object)
      .sort()
      .join() === 'error,v'
  )
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  const splitter = new LineSplitter()
  for await (const piece of response.setEncoding('utf8')) {
    yield* splitter.push(piece as string).filter(line => line !== '')
  }
  if (splitter.openLength > 0) yield splitter.take()
}

function search(query: Query): string {
  const given = Object.entries(query).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, String(value)]]
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
