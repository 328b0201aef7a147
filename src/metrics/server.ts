/**
 * Metrics and probes over HTTP, where the operator says so: `GET /metrics`, `/healthz`, `/readyz`.
 *
 * It listens before the node is open, so that a client that waits for it hears what it is doing. There is no
 * authentication: any client that can reach the address can read the metrics, and nothing else.
 */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { InvalidOptionError } from '../shared/errors.ts'

/** What the server asks when it is asked. */
export type Sources = Readonly<{
  /** What the node has still to do before it is ready; null: nothing. */
  pending: () => string | null
  /** Text for Prometheus; null if there is no node yet. */
  metrics: () => Promise<string | null>
}>

export type MetricsServer = Readonly<{
  /** Such as `http://127.0.0.1:9464`. */
  url: string
  close: () => Promise<void>
}>

type Answer = Readonly<{ status: number; type?: string; text: string }>

const TEXT = 'text/plain; charset=utf-8'
/** What a scraper may take to send its few headers. Guess. */
const REQUEST_MS = 5000

/**
 * Listens on `HOST:PORT`.
 *
 * @throws InvalidOptionError if it cannot
 */
export async function startMetricsServer(
  address: string,
  sources: Sources
): Promise<MetricsServer> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon)
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      void answer(request.method ?? '', request.url ?? '', sources).then(
        ({ status, type = TEXT, text }) => {
          const body = request.method === 'HEAD' ? '' : text
          response
            .writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
            .end(body)
        }
      )
    }
  )
  await listen(server, host.replace(/^\[|\]$/g, ''), Number(address.slice(colon + 1)), address)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host}:${port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
  }
}

async function listen(server: Server, host: string, port: number, address: string): Promise<void> {
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new InvalidOptionError(
      `http cannot be ${address}: listening there fails (${code}): choose a free port, and an address of this computer`
    )
  }
}

async function answer(method: string, url: string, { pending, metrics }: Sources): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'only GET and HEAD\n' }
  switch (url.replace(/\?.*/, '')) {
    case '/healthz':
      return { status: 200, text: 'alive\n' }
    case '/readyz': {
      const why = pending()
      return why === null ? { status: 200, text: 'ready\n' } : { status: 503, text: `${why}\n` }
    }
    case '/metrics':
      return metricsAnswer(pending, metrics)
    default:
      return { status: 404, text: 'there are /metrics, /healthz and /readyz\n' }
  }
}

async function metricsAnswer(
  pending: Sources['pending'],
  metrics: Sources['metrics']
): Promise<Answer> {
  try {
    const text = await metrics()
    if (text !== null)
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', text }
    return { status: 503, text: `${pending() ?? 'no node'}\n` }
  } catch (error) {
    return { status: 500, text: `${String(error)}\n` }
  }
}
