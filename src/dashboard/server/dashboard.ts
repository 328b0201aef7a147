/**
 * The dashboard's server: files of the page out of memory, and what the page asks of the node, passed to its socket.
 *
 * It runs in the process of `hearsay dashboard` and listens on 127.0.0.1 alone; the node opens no port. A request goes
 * through `guard.ts`, which looks at who sends it, then needs the token of its session, then has to be in the list of
 * `routes.ts`, then permitted by the user (`permissions.ts`).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import type { Client } from '../../api/client.ts'
import { examine, examineNode, patientOf } from '../../doctor/examine.ts'
import { check, parse } from '../../api/request.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import { Downloads } from './downloads.ts'
import type { PageFiles } from './files.ts'
import { refusalOf } from './guard.ts'
import { SECURITY_HEADERS } from './headers.ts'
import { Neighbours, type FindOthers } from './neighbours.ts'
import { permitted, NotPermittedError, type Permissions } from './permissions.ts'
import { isPage, passedOf } from './routes.ts'
import { Sessions } from './sessions.ts'
import { sendJson, sendProblem, Upstream } from './upstream.ts'

/** Names that this computer has for itself alone. */
const OWN_HOSTS = ['127.0.0.1', 'localhost']
const HEADER_BYTES_MAX = 16_384
/** Pages that are open have a stream each, and a few questions. */
const CONNECTIONS_MAX = 256
/** A request is small, and comes from this computer. */
const REQUEST_MS = 30_000

const opening = z.strictObject({ code: z.string().max(128) })

export type DashboardOptions = Permissions &
  Readonly<{
    /** Of the node to ask. */
    client: Client
    /** Nodes of its cluster on this computer, one of which is asked when it has ended. @default none */
    others?: FindOthers
    files: PageFiles
    /** 0: one that is free. */
    port: number
    /** Names beside 127.0.0.1 and localhost by which it may be asked, such as that of a tunnel's end. */
    hosts: readonly string[]
    /** Milliseconds of a clock that is never set. @default performance.now */
    now?: () => number
  }>

/** @throws InvalidOptionError if the port cannot be listened on */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const dashboard = new Dashboard(options)
  await dashboard.listen()
  return dashboard
}

export class Dashboard {
  readonly #options: DashboardOptions
  readonly #hosts: ReadonlySet<string>
  readonly #sessions: Sessions
  readonly #nodes: Neighbours
  readonly #upstream: Upstream
  readonly #downloads: Downloads
  readonly #server: Server

  constructor(options: DashboardOptions) {
    const { client, others, hosts, now = () => performance.now() } = options
    this.#options = options
    this.#hosts = new Set([...OWN_HOSTS, ...hosts].map(host => host.toLowerCase()))
    this.#sessions = new Sessions(now)
    this.#nodes = new Neighbours(client, others ?? (() => Promise.resolve([])))
    this.#upstream = new Upstream(this.#nodes)
    this.#downloads = new Downloads(this.#nodes, this.#upstream, now)
    this.#server = createServer(
      { maxHeaderSize: HEADER_BYTES_MAX, requestTimeout: REQUEST_MS, keepAliveTimeout: REQUEST_MS },
      (request, response) => void this.#answer(request, response)
    )
    this.#server.maxConnections = CONNECTIONS_MAX
    for (const name of ['connect', 'upgrade']) {
      this.#server.on(name, (_request, socket) => socket.destroy())
    }
  }

  async listen(): Promise<void> {
    const { port } = this.#options
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new InvalidOptionError(
            `port ${port} of 127.0.0.1 cannot be listened on (${error.code}): choose another --port`
          )
        )
      )
      this.#server.listen(port, '127.0.0.1', resolve)
    })
  }

  /** Without a code: whoever has a session there already needs none. */
  get address(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}/`
  }

  /** An address that opens a session, once and within `CODE_MS`. */
  newLink(): string {
    return `${this.address}#code=${this.#sessions.newCode()}`
  }

  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
    const { method = '', url: target = '', headers, rawHeaders } = request
    const refusal = refusalOf({ method, target, headers, rawHeaders }, this.#hosts)
    if (refusal !== null) {
      // What comes after it on this connection would be read as a request, and may be the refused one's body.
      response.setHeader('connection', 'close')
      if (refusal.status === 405) response.setHeader('allow', 'GET, HEAD, POST')
      const { status, name, message } = refusal
      return sendJson(response, status, { v: 1, error: { name, message } })
    }
    try {
      await this.#serve(method, target, request, response)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else if (error instanceof NotPermittedError) {
        const { name, message } = error
        sendJson(response, 403, { v: 1, error: { name, message } })
      } else sendProblem(response, error)
    }
  }

  async #serve(
    method: string,
    target: string,
    request: IncomingMessage,
    response: ServerResponse
  ): Promise<void> {
    if (method !== 'POST' && this.#isFile(request, target, response)) return
    const [, code] = /^\/downloads\/([\w-]{1,128})$/.exec(target) ?? []
    if (method === 'GET' && code !== undefined) return this.#downloads.send(code, response)
    if (method === 'POST' && target === '/session') {
      return this.#openSession(await textOf(request), response)
    }
    if (!this.#sessions.isOpen(request.headers.authorization)) {
      const message =
        'the session is over, or there was none: press Enter where "hearsay dashboard" runs for a new link'
      response.setHeader('connection', 'close')
      return sendJson(response, 401, { v: 1, error: { name: 'NoSessionError', message } })
    }
    await this.#serveSession(method, target, await textOf(request), response)
  }

  /** A file of the page, which has no data in it. */
  #isFile(request: IncomingMessage, target: string, response: ServerResponse): boolean {
    const [path = ''] = target.split('?')
    const file = this.#options.files.get(isPage(path) ? '/index.html' : path)
    if (file === undefined) return false
    const isGzipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
    const body = isGzipped ? file.gzipped : file.body
    if (isGzipped) response.setHeader('content-encoding', 'gzip')
    response.writeHead(200, { 'content-type': file.type, 'content-length': body.length })
    response.end(request.method === 'HEAD' ? undefined : body)
    return true
  }

  async #serveSession(
    method: string,
    target: string,
    body: string,
    response: ServerResponse
  ): Promise<void> {
    if (method === 'GET' && target === '/about') return this.#about(response)
    if (method === 'GET' && target === '/findings') return this.#findings(false, response)
    if (method === 'POST' && target === '/findings') return this.#findings(true, response)
    if (method === 'POST' && target === '/downloads') {
      return sendJson(response, 201, { v: 1, path: await this.#downloads.open(body) })
    }
    const passed = passedOf(method, target)
    if (passed === null) {
      const message = `the dashboard does not pass ${method} ${target} to the node`
      return sendJson(response, 404, { v: 1, error: { name: 'NotPassedError', message } })
    }
    const { readOnly, allowSubmit } = this.#options
    const own = await this.#nodes.ask(client =>
      permitted(passed, body, { readOnly, allowSubmit }, client)
    )
    const { path, elsewhere } = passed
    await this.#upstream.pass(
      { method, path, elsewhere, ...(method === 'POST' ? { body: own } : {}) },
      response
    )
  }

  #openSession(body: string, response: ServerResponse): void {
    const token = this.#sessions.exchange(check(opening, parse(body)).code)
    if (token !== null) return sendJson(response, 201, { v: 1, token })
    const message =
      'the link has been used, or is older than a minute: press Enter where "hearsay dashboard" runs for a new one'
    sendJson(response, 403, { v: 1, error: { name: 'CodeRefused', message } })
  }

  #about(response: ServerResponse): void {
    const { readOnly, allowSubmit } = this.#options
    sendJson(response, 200, { v: 1, readOnly, allowSubmit })
  }

  /** @param network listens on the network as well, for some seconds, as `hearsay doctor` does */
  async #findings(network: boolean, response: ServerResponse): Promise<void> {
    const patient = await this.#nodes.ask(client => patientOf(names => client.diagnosis(names)))
    const { findings, heard } = network
      ? await examine(patient)
      : { findings: await examineNode(patient), heard: null }
    sendJson(response, 200, { v: 1, heard, findings })
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}
