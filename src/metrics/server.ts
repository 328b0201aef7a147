/**
 * Metrics and probes over HTTP, where the operator says so: `GET /metrics`, `/healthz`, `/readyz`.
 *
 * It listens before the node is open, so that whoever waits for it hears what it is doing. There is no authentication: who
 * can reach the address can read the metrics, and nothing else. On a loopback address that is this computer, so a page that
 * a browser here has open is refused: its host's name can be made to mean this address (DNS rebinding), and says so.
 */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { BlockList, isIP, type AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
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

/** The text format that Prometheus reads. */
const EXPOSITION = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD'])
const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')
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
  const { fetch } = routes(sources, hostName => !isOnLoopback(server) || isOfThisComputer(hostName))
  // Load balancers probe in HTTP/1.0, which names no host.
  const answer = getRequestListener(fetch, { overrideGlobalObjects: false, hostname: 'localhost' })
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      void answer(request, response)
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

function routes({ pending, metrics }: Sources, isAllowed: (hostName: string) => boolean): Hono {
  const app = new Hono()
  app.use(async (context, next) => {
    context.header('cache-control', 'no-store')
    const { hostname } = new URL(context.req.url)
    if (!isAllowed(hostname))
      return context.text(`${hostname} is not a name of this computer: ask for localhost\n`, 403)
    if (!READING.has(context.req.method)) return context.text('only GET and HEAD\n', 405)
    return next()
  })
  app.get('/healthz', context => context.text('alive\n'))
  app.get('/readyz', context => {
    const why = pending()
    return why === null ? context.text('ready\n') : context.text(`${why}\n`, 503)
  })
  app.get('/metrics', async context => {
    const text = await metrics()
    if (text !== null) return context.body(text, 200, EXPOSITION)
    return context.text(`${pending() ?? 'no node'}\n`, 503)
  })
  app.notFound(context => context.text('there are /metrics, /healthz and /readyz\n', 404))
  app.onError((error, context) => context.text(`${String(error)}\n`, 500))
  return app
}

function isOnLoopback(server: Server): boolean {
  const { address } = server.address() as AddressInfo
  return isLoopback(address)
}

/** @param hostName as a URL has it, such as `localhost`, `127.0.0.1` or `[::1]` */
function isOfThisComputer(hostName: string): boolean {
  return hostName === 'localhost' || isLoopback(hostName.replace(/^\[|\]$/g, ''))
}

function isLoopback(address: string): boolean {
  const version = isIP(address)
  return version !== 0 && LOOPBACK.check(address, version === 4 ? 'ipv4' : 'ipv6')
}
