/**
 * Requests on their way to the node's socket, and answers on their way back, as they come. Nothing of the browser's
 * headers goes along: what the node gets is made here.
 */
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { socketPath } from '../../api/address.ts'
import { meaning } from '../../api/find.ts'
import { noNode, problemOf } from '../../api/problem.ts'

export type Ask = Readonly<{ method: string; path: string; body?: string }>

/** What a browser has to know of an answer. */
const HEADERS = ['content-type', 'content-length']

export class Upstream {
  readonly #folder: string

  /** @param folder the node's data folder */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Answers with what the node answers, or that there is none. @param headers in place of the node's own */
  async pass(
    ask: Ask,
    response: ServerResponse,
    headers: Readonly<Record<string, string>> = {}
  ): Promise<void> {
    const answer = await this.#send(ask, response)
    if (answer instanceof Error) return sendProblem(response, answer)
    response.statusCode = answer.statusCode ?? 502
    const own = HEADERS.flatMap((name): [string, string][] => {
      const value = answer.headers[name]
      return typeof value === 'string' ? [[name, value]] : []
    })
    const isGood = response.statusCode === 200
    for (const [name, value] of [...own, ...(isGood ? Object.entries(headers) : [])]) {
      response.setHeader(name, value)
    }
    // A stream may be silent for long; that it has begun is news.
    response.flushHeaders()
    await new Promise<void>(resolve => pipeline(answer, response, () => resolve()))
  }

  /** @param response when it ends, nobody waits for the answer any more */
  #send({ method, path, body }: Ask, response: ServerResponse): Promise<IncomingMessage | Error> {
    return new Promise(resolve => {
      const sent = request(
        {
          socketPath: socketPath(this.#folder),
          method,
          path,
          headers: { host: 'localhost', 'content-type': 'application/json' }
        },
        resolve
      )
      sent.once('error', (error: NodeJS.ErrnoException) =>
        resolve(noNode(this.#folder, meaning(error.code)))
      )
      response.once('close', () => sent.destroy())
      sent.end(body)
    })
  }
}

/** An error as JSON, as the node itself would send it. */
export function sendProblem(response: ServerResponse, thrown: unknown): void {
  const isNoNode = thrown instanceof Error && thrown.name === 'NoNodeError'
  const { status, problem } = problemOf(thrown)
  sendJson(response, isNoNode ? 502 : status, problem)
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value)
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.setHeader('content-length', Buffer.byteLength(body))
  response.end(body)
}
