/**
 * Waits for as many tasks as there are lines, over one request; of a node of an older version, which knows no such
 * question, over one for each, some at a time.
 */
import { NodeClosedError, WaitTimeoutError } from '../shared/errors.ts'
import type { TaskView } from '../node/api/node-api.ts'
import { bundled } from './bundle.ts'
import { UnknownQuestionError } from './connection.ts'
import type { Instances } from './instances/instances.ts'
import { errorOf, problemOf } from './problem.ts'
import type { WaitAnswer, WaitLine } from './waits.ts'

/** How much longer than the node we wait, for its answer that the time is over. */
const ANSWER_MS = 2000
/** Waits at a time where each takes a connection. */
const ONE_BY_ONE_MAX = 16

/** Waits for one task, over a request of its own. */
type WaitForOne = (
  id: string,
  timeoutMs: number | undefined,
  ended: AbortSignal
) => Promise<TaskView>

export type WaitEachOptions = Readonly<{
  /** Gives up after this: those that have not settled are told with WaitTimeoutError. @default never */
  timeoutMs?: number | undefined
  /** Nobody wants to know any more. To be aborted before the reading is given up where no answer may come for long. */
  signal?: AbortSignal
}>

/** The end of a wait. The node tells when the time is over. */
export class Late {
  readonly #endsAt: number | undefined
  readonly #timer: NodeJS.Timeout | undefined
  readonly #silent = new AbortController()

  /** @param timeoutMs undefined: there is none */
  constructor(timeoutMs: number | undefined) {
    if (timeoutMs === undefined) return
    this.#endsAt = performance.now() + timeoutMs
    const text = `the node did not answer within ${timeoutMs} ms: is it busy?`
    const end = (): void => this.#silent.abort(new WaitTimeoutError(text))
    this.#timer = setTimeout(end, timeoutMs + ANSWER_MS)
  }

  /** Time that is left, in ms. */
  get timeoutMs(): number | undefined {
    if (this.#endsAt === undefined) return undefined
    return Math.max(0, Math.ceil(this.#endsAt - performance.now()))
  }

  /** Aborted, with a WaitTimeoutError, where the node does not tell. */
  get signal(): AbortSignal {
    return this.#silent.signal
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

/** @throws NoNodeError NodeClosedError WaitTimeoutError (the node does not answer), or the signal's reason */
export async function* waitEach(
  node: Instances,
  waitForOne: WaitForOne,
  lines: AsyncIterable<WaitLine>,
  { timeoutMs, signal }: WaitEachOptions
): AsyncGenerator<WaitAnswer> {
  const open = new Map<number, WaitLine>()
  const late = new Late(timeoutMs)
  const ended = AbortSignal.any(signal === undefined ? [late.signal] : [late.signal, signal])
  const once = async function* (some: AsyncIterable<WaitLine>): AsyncGenerator<WaitAnswer> {
    const query = { timeoutMs: late.timeoutMs }
    const call = { query, pieces: bundled(asText(some)), signal: ended }
    for await (const answer of node.broken<WaitAnswer>('/v1/waits', call, 'POST')) {
      const error = 'error' in answer ? errorOf(answer) : null
      // The node stops: another one tells how its tasks end.
      if (error instanceof NodeClosedError && node.movesOn(error)) return yield* rest()
      open.delete(answer.line)
      yield answer
    }
  }
  /** What has not been told, by the node that is asked now. */
  const rest = (): AsyncGenerator<WaitAnswer> => untilTold(chain(each([...open.values()]), given))
  const untilTold = async function* (some: AsyncIterable<WaitLine>): AsyncGenerator<WaitAnswer> {
    try {
      yield* once(some)
    } catch (error) {
      if (!node.movesOn(error)) throw error
      yield* rest()
    }
  }
  const given = noted(lines, open)
  try {
    yield* untilTold(given)
    // The node leaves out what comes faster than it is read.
    while (open.size > 0) {
      const before = open.size
      yield* untilTold(each([...open.values()]))
      if (open.size === before) throw new Error('the node does not tell how tasks have ended')
    }
  } catch (error) {
    if (!(error instanceof UnknownQuestionError)) throw error
    for await (const _ of given);
    yield* oneByOne([...open.values()], id => waitForOne(id, late.timeoutMs, ended))
  } finally {
    late.stop()
  }
}

async function* oneByOne(
  lines: readonly WaitLine[],
  wait: (id: string) => Promise<TaskView>
): AsyncGenerator<WaitAnswer> {
  const answerTo = async ({ line, id }: WaitLine): Promise<WaitAnswer> => {
    try {
      return { v: 1, line, task: await wait(id) }
    } catch (error) {
      const { name } = error as Error
      if (name === 'NoNodeError' || name === 'NodeClosedError') throw error
      return { ...problemOf(error).problem, line }
    }
  }
  const rest = lines.values()
  const waiting = new Map<number, Promise<WaitAnswer>>()
  const begin = (): void => {
    const { value } = rest.next()
    if (value === undefined) return
    const answer = answerTo(value)
    answer.catch(() => {})
    waiting.set(value.line, answer)
  }
  for (let i = 0; i < ONE_BY_ONE_MAX; i++) begin()
  while (waiting.size > 0) {
    const answer = await Promise.race(waiting.values())
    waiting.delete(answer.line)
    begin()
    yield answer
  }
}

/** The same lines, kept from when they are read, and not ended by a reader that stops: there may be another one. */
function noted(
  lines: AsyncIterable<WaitLine>,
  kept: Map<number, WaitLine>
): AsyncIterable<WaitLine> {
  const iterator = lines[Symbol.asyncIterator]()
  const next = async (): Promise<IteratorResult<WaitLine>> => {
    const read = await iterator.next()
    if (read.done !== true) kept.set(read.value.line, read.value)
    return read
  }
  return { [Symbol.asyncIterator]: () => ({ next }) }
}

// oxlint-disable-next-line typescript/require-await -- other lines are asynchronous
async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values
}

async function* chain<T>(first: AsyncIterable<T>, second: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first
  // Not ended by a reader that stops.
  const iterator = second[Symbol.asyncIterator]()
  for (let read = await iterator.next(); read.done !== true; read = await iterator.next()) {
    yield read.value
  }
}

async function* asText(lines: AsyncIterable<WaitLine>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`
}
