/**
 * Requests on their way to the node's socket, and answers on their way back, as they come. Nothing of the browser's
 * headers goes along: what the node gets is made here.
 */
import { request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { socketPath } from '../../api/address.ts'
import { RefusedConnectionError } from '../../api/connection.ts'
import { meaning } from '../../api/find.ts'
import type { Elsewhere } from '../../api/instances/instances.ts'
import { watchOver } from '../../api/instances/patience.ts'
import { noNode, problemOf } from '../../api/problem.ts'
import type { Neighbours } from './neighbours.ts'

export type Ask = Readonly<{
  method: string
  path: string
  body?: string
  /** When another node of this computer may be asked. */
  elsewhere: Elsewhere
}>

/** What a browser has to know of an answer. */
const HEADERS = ['content-type', 'content-length']

/** Codes of a connection that never came to be: nothing can have been done. */
const REFUSED: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTDIR'])

export class Upstream {
  readonly #nodes: Neighbours

  constructor(nodes: Neighbours) {
    this.#nodes = nodes
  }

  /** Answers with what the node answers, or that there is none. @param headers in place of the node's own */
  async pass(
    ask: Ask,
    response: ServerResponse,
    headers: Readonly<Record<string, string>> = {}
  ): Promise<void> {
    const answer = await this.#answerTo(ask, response)
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

  async #answerTo(ask: Ask, response: ServerResponse): Promise<IncomingMessage | Error> {
    for (;;) {
      const { client } = this.#nodes
      const answer = await this.#send(ask, client.folder, response)
      if (!(answer instanceof Error) || response.destroyed) return answer
      if (!(await this.#nodes.movesOn(client, answer, ask.elsewhere))) return answer
    }
  }

  /** @param response when it ends, nobody waits for the answer any more */
  #send(
    { method, path, body, elsewhere }: Ask,
    folder: string,
    response: ServerResponse
  ): Promise<IncomingMessage | Error> {
    return new Promise(resolve => {
      const sent = request(
        {
          socketPath: socketPath(folder),
          method,
          path,
          headers: { host: 'localhost', 'content-type': 'application/json' }
        },
        resolve
      )
      sent.once('error', (error: NodeJS.ErrnoException) => {
        const gone = noNode(folder, meaning(error.code))
        const isRefused = REFUSED.has(error.code ?? '')
        resolve(isRefused ? new RefusedConnectionError(gone.message) : gone)
      })
      const giveUp = (): void => {
        sent.destroy()
      }
      response.once('close', giveUp)
      sent.once('close', () => response.off('close', giveUp))
      if (elsewhere === 'any') this.#leaveIfSilent(sent, folder)
      sent.end(body)
    })
  }

  /** A node that stands still accepts connections: it is left for another one, if there is one. */
  #leaveIfSilent(sent: ClientRequest, folder: string): void {
    const stop = watchOver(folder, () => {
      void this.#nodes.hasOther(folder).then(has => {
        if (has) sent.destroy(Object.assign(new Error('it is silent'), { code: 'it is silent' }))
      })
    })
    sent.once('response', stop)
    sent.once('close', stop)
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
