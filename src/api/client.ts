/**
 * A node's local API, for other programs of the same user: a method per question, HTTP underneath.
 *
 * Loads nothing but Node's own HTTP client, because every verb of the command line waits for it. Errors come back as
 * the classes that the node threw, by name.
 */
import { Agent, request, type IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { TASK_LIMITS } from '../core/options.ts'
import { NoNodeError, TooLargeError, WaitTimeoutError } from '../errors.ts'
import type {
  BlobRef,
  LoadedState,
  NodeEvent,
  NodeView,
  StatusView,
  SubmitOptions,
  Submitted,
  TaskFilter,
  TaskView
} from '../node/handle.ts'
import { socketPath } from './address.ts'
import { findFolder, meaning, type Whereabouts } from './find.ts'
import { errorOf, noNode } from './problem.ts'

type Query = Readonly<Record<string, string | number | undefined>>
type Call = Readonly<{
  query?: Query
  body?: unknown
  /** Instead of `body`: text that is sent as it is made. */
  pieces?: AsyncIterable<string>
  signal?: AbortSignal | undefined
}>

/** How much longer than the node we wait, for its answer that the time is over. */
const ANSWER_MS = 2000

export class Client {
  /** The node's data folder. */
  readonly folder: string
  readonly #agent: Agent

  private constructor(folder: string) {
    this.folder = folder
    this.#agent = new Agent({ keepAlive: true })
  }

  /**
   * Finds a node on this computer: the one in the folder `data`, the one called `node`, or the only one.
   *
   * @throws NoNodeError if none answers
   * @throws InvalidOptionError if several do
   */
  static async open(where: Whereabouts = {}): Promise<Client> {
    return new Client(await findFolder(where))
  }

  /**
   * Submits a task; resolves when it is accepted. Ids in `dependsOn` may be shortened.
   *
   * @throws InvalidOptionError PayloadRejectedError TooLargeError NotReplicatedError NoNodeError
   */
  async submit(
    type: string,
    payload: unknown = null,
    options: SubmitOptions = {}
  ): Promise<Submitted> {
    const text = JSON.stringify(payload) ?? ''
    const bytes = Buffer.byteLength(text)
    if (bytes <= TASK_LIMITS.inlineBytesMax) {
      return this.#value('POST', '/v1/tasks', { body: { type, payload, options } })
    }
    if (bytes > TASK_LIMITS.blobBytesMax) {
      throw new TooLargeError(
        `the payload has ${bytes} bytes as JSON, at most ${TASK_LIMITS.blobBytesMax} are allowed: pass a path or a URL instead`
      )
    }
    const written = await this.#value<BlobRef>('PUT', '/v1/blobs', { pieces: whole(text) })
    const payloadBlob = { hash: written.hash, bytes }
    return this.#value('POST', '/v1/tasks', { body: { type, payloadBlob, options } })
  }

  /**
   * A payload or result that is too large to come with its task, as JSON text.
   *
   * @throws BlobUnavailableError NoNodeError
   */
  async blob({ hash, bytes }: BlobRef): Promise<string> {
    const response = await this.#send('GET', `/v1/blobs/${hash}`, { query: { bytes } })
    const text = await this.#text(response, undefined)
    if (response.statusCode !== 200) throw refusal(response, JSON.parse(text))
    return text
  }

  /**
   * Resolves when the task has settled, however it ended.
   *
   * @param timeoutMs gives up after this. @default never
   * @throws UnknownTaskError AmbiguousTaskError WaitTimeoutError NoNodeError, or the signal's reason
   */
  async wait(id: string, timeoutMs?: number, signal?: AbortSignal): Promise<TaskView> {
    const path = `/v1/tasks/${encodeURIComponent(id)}/wait`
    if (timeoutMs === undefined) return this.#value('GET', path, { signal })
    const ended = new AbortController()
    const timer = setTimeout(() => {
      ended.abort(
        new WaitTimeoutError(`the node did not answer within ${timeoutMs} ms: is it busy?`)
      )
    }, timeoutMs + ANSWER_MS)
    try {
      const both = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal])
      return await this.#value('GET', path, { query: { timeoutMs }, signal: both })
    } finally {
      clearTimeout(timer)
    }
  }

  /** @throws UnknownTaskError AmbiguousTaskError NoNodeError */
  async get(id: string): Promise<TaskView> {
    return this.#value('GET', `/v1/tasks/${encodeURIComponent(id)}`)
  }

  /**
   * Newest first.
   *
   * @throws InvalidOptionError NoNodeError
   */
  list(filter: TaskFilter = {}): AsyncIterable<TaskView> {
    return this.#values('/v1/tasks', { query: filter })
  }

  /** @throws NoNodeError */
  async nodes(): Promise<NodeView[]> {
    const nodes: NodeView[] = []
    for await (const node of this.#values<NodeView>('/v1/nodes')) nodes.push(node)
    return nodes
  }

  /** @throws NoNodeError */
  async status(): Promise<StatusView> {
    return this.#value('GET', '/v1/status')
  }

  /**
   * A file with all tasks that the node knows, piece by piece.
   *
   * @throws NoNodeError, also when the node goes away on the way
   */
  async *exportState(): AsyncGenerator<string> {
    const response = await this.#send('GET', '/v1/state')
    if (response.statusCode !== 200) {
      throw refusal(response, JSON.parse(await this.#text(response, undefined)))
    }
    try {
      for await (const piece of response.setEncoding('utf8')) yield piece as string
    } catch (error) {
      throw this.#because(error, undefined)
    } finally {
      response.destroy()
    }
  }

  /**
   * Has the node take in such a file.
   *
   * @throws ForeignStateFileError NoNodeError, or what the pieces throw
   */
  async importState(pieces: AsyncIterable<string>): Promise<LoadedState> {
    return this.#value('POST', '/v1/state', { pieces })
  }

  /**
   * What happens from now on, as the node sees it; ends when the node does. A reader that is much too slow misses
   * events, and is told how many by one called `events:lost`.
   *
   * @throws NoNodeError, or the signal's reason
   */
  events(signal?: AbortSignal): AsyncIterable<NodeEvent> {
    return this.#values('/v1/events', { signal })
  }

  async #value<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const response = await this.#send(method, path, call)
    const value: unknown = JSON.parse(await this.#text(response, call.signal))
    if ((response.statusCode ?? 500) >= 300) throw refusal(response, value)
    return value as T
  }

  async *#values<T>(path: string, call: Call = {}): AsyncGenerator<T> {
    const response = await this.#send('GET', path, call)
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

  /** @param agent false: over a connection of its own */
  #send(
    method: string,
    path: string,
    call: Call = {},
    agent: Agent | false = call.pieces === undefined && this.#agent
  ): Promise<IncomingMessage> {
    const { query = {}, body, pieces, signal } = call
    return new Promise((resolve, reject) => {
      const sent = request(
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
      if (pieces === undefined) {
        sent.end(body === undefined ? undefined : JSON.stringify(body))
      } else {
        // What the pieces throw is told before the connection breaks for it; its own errors are told above.
        pipeline(watched(pieces, reject), sent).catch(() => {})
      }
    })
  }

  async #text(response: IncomingMessage, signal: AbortSignal | undefined): Promise<string> {
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
    return noNode(this.folder, meaning((error as NodeJS.ErrnoException).code))
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

// oxlint-disable-next-line typescript/require-await -- the other source of a body is asynchronous
async function* whole(text: string): AsyncGenerator<string> {
  yield text
}

function refusal(response: IncomingMessage, problem: unknown): Error {
  return errorOf(problem) ?? new Error(`the node answered with status ${response.statusCode}`)
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
  let rest = ''
  for await (const piece of response.setEncoding('utf8')) {
    const lines = (rest + (piece as string)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter(line => line !== '')
  }
  if (rest !== '') yield rest
}

function search(query: Query): string {
  const given = Object.entries(query).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, String(value)]]
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
