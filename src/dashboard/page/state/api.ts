/** Questions to the node, by way of the server that this page comes from. */
import { LineSplitter } from '../../../shared/lines.ts'
import { authorization, loseSession } from './session.ts'

export type Query = Readonly<Record<string, string | number | boolean | undefined | null>>

/** A question that was answered by a problem, in the words of whoever had it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  /** The stable name of the problem, such as `UnknownTaskError`. */
  readonly problem: string

  constructor(problem: string, message: string) {
    super(message)
    this.problem = problem
  }
}

type Problem = { error?: { name?: string; message?: string } }

/** @throws RefusedError */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const response = await ask('GET', path + search(query), undefined, signal)
  return (await response.json()) as T
}

/** @throws RefusedError */
export async function getText(path: string, query: Query = {}): Promise<string> {
  return (await ask('GET', path + search(query))).text()
}

/** @throws RefusedError */
export async function post<T>(path: string, body: unknown = {}, query: Query = {}): Promise<T> {
  return (await (await ask('POST', path + search(query), body)).json()) as T
}

/** Values, one a line, as they come. @throws RefusedError */
export async function* lines<T>(
  path: string,
  query: Query = {},
  signal?: AbortSignal
): AsyncGenerator<T> {
  const { body } = await ask('GET', path + search(query), undefined, signal)
  const splitter = new LineSplitter()
  const decoder = new TextDecoder()
  const reader = body!.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      for (const line of splitter.push(decoder.decode(value, { stream: true }))) {
        if (line === '') continue
        const read = JSON.parse(line) as T
        if (isProblem(read)) throw refusedBy(read)
        yield read
      }
    }
  } catch (error) {
    throw signal?.aborted || error instanceof RefusedError ? error : gone()
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** All of them. @throws RefusedError */
export async function list<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T[]> {
  const values: T[] = []
  for await (const value of lines<T>(path, query, signal)) values.push(value)
  return values
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal
): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: { ...authorization(), 'content-type': 'application/json' },
    cache: 'no-store',
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal })
  }).catch((error: unknown) => {
    throw signal?.aborted ? error : gone()
  })
  if (response.ok) return response
  const refused = refusedBy((await response.json().catch(() => ({}))) as Problem)
  if (response.status === 401) loseSession(refused.message)
  throw refused
}

function gone(): RefusedError {
  return new RefusedError('NoDashboard', '"hearsay dashboard" does not answer: does it still run?')
}

function refusedBy({ error }: Problem): RefusedError {
  return new RefusedError(error?.name ?? 'Error', error?.message ?? 'the answer was no answer')
}

/** A task has an `error` of its own; only a problem has nothing else. */
function isProblem(value: unknown): value is Problem {
  return (
    Object.keys(value as object)
      .toSorted()
      .join() === 'error,v'
  )
}

function search(query: Query): string {
  const given = Object.entries(query).flatMap(([key, value]): [string, string][] =>
    value === undefined || value === null ? [] : [[key, String(value)]]
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}
