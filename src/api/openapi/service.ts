/**
 * Questions and their handlers: each is asked with what its own schemas have checked, and is in the document by that.
 */
import type { Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { TooLargeError } from '../../shared/errors.ts'
import { bodyOf, check } from '../request.ts'
import type { Question } from './question.ts'

export type Method = 'get' | 'put' | 'post' | 'delete'

/** A question as it is in the document. */
export type Served = Readonly<{ method: Method; path: string; question: Question }>

/** What was asked. `given`: the body, if it is JSON. */
export type Asked<Query, Given> = Readonly<{ query: Query; given: Given }>

export type Answering<Query, Given> = (
  c: Context,
  asked: Asked<Query, Given>
) => Response | Promise<Response>

const NO_QUERY = z.strictObject({})

export class Service {
  readonly #app: Hono
  readonly #served: Served[] = []

  constructor(app: Hono) {
    this.#app = app
  }

  /** All that is answered, in the order in which it was added. */
  get served(): readonly Served[] {
    return this.#served
  }

  /** @param path with its parts as `:name` */
  add<Query = Record<string, never>, Given = undefined>(
    method: Method,
    path: string,
    question: Question<Query, Given>,
    answer: Answering<Query, Given>
  ): void {
    this.#served.push({ method, path, question })
    const { query = NO_QUERY as unknown as z.ZodType<Query>, body } = question
    if (body?.bytesMax !== undefined) {
      this.#app.on(method.toUpperCase(), path, limited(body.bytesMax))
    }
    this.#app.on(method.toUpperCase(), path, async c => {
      const asked = check(query, c.req.query())
      const given =
        body?.as === 'json' ? check(body.schema, await bodyOf(c.req)) : (undefined as Given)
      return answer(c, { query: asked, given })
    })
  }
}

function limited(bytesMax: number): ReturnType<typeof bodyLimit> {
  return bodyLimit({
    maxSize: bytesMax,
    onError: () => {
      throw new TooLargeError(
        `this request may have at most ${bytesMax} bytes: send less at a time`
      )
    }
  })
}
