/**
 * Payloads and results as files: a browser that saves one sends no token, so the page first gets a path that is good
 * once. What comes is for the disk, whatever is in it: a browser never shows it.
 */
import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import { check, parse } from '../../api/request.ts'
import type { BlobRef } from '../../node/api/node-api.ts'
import { InvalidOptionError } from '../../shared/errors.ts'
import type { Neighbours } from './neighbours.ts'
import { OneUse } from './sessions.ts'
import type { Upstream } from './upstream.ts'

const wanted = z.strictObject({
  task: z.string().regex(/^[0-9a-f-]{1,36}$/),
  part: z.enum(['payload', 'result'])
})
/** Files that a user asks for at once. */
const OPEN_MAX = 32

type Download = Readonly<{ name: string; content: string | BlobRef }>

export class Downloads {
  readonly #nodes: Pick<Neighbours, 'ask'>
  readonly #upstream: Upstream
  readonly #open: OneUse<Download>

  constructor(nodes: Pick<Neighbours, 'ask'>, upstream: Upstream, now: () => number) {
    this.#nodes = nodes
    this.#upstream = upstream
    this.#open = new OneUse(now, OPEN_MAX)
  }

  /**
   * @param body `{task, part}` as JSON
   * @returns where the file is to be had, once and within a minute
   * @throws InvalidOptionError, or what the node says of the task
   */
  async open(body: string): Promise<string> {
    const { task, part } = check(wanted, parse(body))
    const view = await this.#nodes.ask(client => client.get(task))
    const blob = part === 'payload' ? view.payloadBlob : view.resultBlob
    const content = blob ?? JSON.stringify(view[part])
    return `/downloads/${this.#open.add({ name: `${view.id}-${part}.json`, content })}`
  }

  /** @throws InvalidOptionError if there is no such file (any more) */
  async send(code: string, response: ServerResponse): Promise<void> {
    const download = this.#open.take(code)
    if (download === undefined) {
      throw new InvalidOptionError('that file has been fetched, or a minute is over: ask again')
    }
    const { name, content } = download
    const headers = {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${name}"`
    }
    if (typeof content === 'string') {
      response.writeHead(200, headers).end(content)
    } else {
      const path = `/v1/blobs/${content.hash}?bytes=${content.bytes}`
      await this.#upstream.pass({ method: 'GET', path, elsewhere: 'any' }, response, headers)
    }
  }
}
