/**
 * Many questions in one request: lines in, an answer each out, in the order of the lines.
 *
 * One request for each task would spend its time on requests. Here reading goes ahead of answering, by a bounded number
 * of lines and bytes, so that the disk and the network are always busy and the memory never full.
 */
import { TooLargeError } from '../shared/errors.ts'
import { LineSplitter } from '../shared/lines.ts'
import type { EndListener, Submitted, TaskView } from '../node/api/node-api.ts'
import { bundled } from './bundle.ts'
import { Ends } from './ends.ts'
import { problemOf, type Problem } from './problem.ts'

/** Answers under way: enough for one flush to carry hundreds of tasks. */
const LINES_AHEAD_MAX = 1024
/** The same in UTF-16 units of text, for lines with large payloads. */
const TEXT_AHEAD_MAX = 16_777_216
/** A longer line has a payload that belongs into a request of its own. */
export const BATCH_LINE_LENGTH_MAX = 1_048_576

/** A task of a batch, with a number by which its answer is known. */
export type BatchLine = Readonly<{
  line: number
  type: string
  payload: unknown
  options: Readonly<Record<string, unknown>>
}>

/** What became of it: submitted, or not. */
export type BatchAnswer = { line: number } & (({ v: 1 } & Submitted) | Problem)

/** How a task of a batch ended, after its answer, if that was asked for. */
export type BatchEnd = { v: 1; task: TaskView }

type Answered = Readonly<{ answer: BatchAnswer; sent: () => void }>
type Open = { length: number; answered: Promise<Answered> }

export type Batch = Readonly<{
  answer: (line: string, listener?: EndListener) => Promise<BatchAnswer>
  /** Whether the ends of the tasks are asked for, too. */
  wait: boolean
  /** Nobody waits any more. */
  gone: AbortSignal
}>

/** The answers, one a line. What is wrong with the request as a whole is the last line, as a problem. */
export function batchStream(
  pieces: AsyncIterable<string>,
  batch: Batch
): ReadableStream<Uint8Array> {
  return ReadableStream.from(encoded(linesOut(pieces, batch)))
}

async function* linesOut(pieces: AsyncIterable<string>, batch: Batch): AsyncGenerator<string> {
  const ends = new Ends()
  const over = Promise.withResolvers<never>()
  over.promise.catch(() => {})
  const abort = (): void => over.reject(batch.gone.reason)
  batch.gone.addEventListener('abort', abort)
  try {
    // An empty line at once: a client may need an answer before it can go on asking.
    yield '\n'
    yield* answers(pieces, batch, ends)
    while (ends.isOpen) {
      await Promise.race([ends.news(), over.promise])
      yield ends.take()
    }
  } catch (error) {
    yield textLine(problemOf(error).problem)
  } finally {
    batch.gone.removeEventListener('abort', abort)
    ends.close()
  }
}

async function* answers(
  pieces: AsyncIterable<string>,
  batch: Batch,
  ends: Ends
): AsyncGenerator<string> {
  const open: Open[] = []
  let ahead = 0
  const lines = linesOf(pieces)
  let reading: Promise<IteratorResult<string>> | null = inTurn(lines.next())
  while (reading !== null || open.length > 0) {
    const hasRoom = open.length < LINES_AHEAD_MAX && ahead < TEXT_AHEAD_MAX
    const read = hasRoom ? reading : null
    const [oldest] = open
    const first: IteratorResult<string> | Answered | null = await Promise.race(
      [read, oldest?.answered, batch.wait ? ends.news() : null].filter(isThere)
    )
    if (first === null) {
      yield ends.take()
    } else if ('answer' in first) {
      open.shift()
      ahead -= oldest?.length ?? 0
      yield textLine(first.answer)
      first.sent()
    } else if (first.done === true) {
      reading = null
    } else {
      const { value: line } = first
      open.push({ length: line.length, answered: inTurn(answered(line, batch, ends)) })
      ahead += line.length
      reading = inTurn(lines.next())
    }
  }
}

/**
 * Leaves a promise until its turn. What goes wrong before that, or after the batch is over, is no unhandled rejection.
 */
function inTurn<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

async function answered(line: string, { answer, wait }: Batch, ends: Ends): Promise<Answered> {
  if (!wait) return { answer: await answer(line), sent: () => {} }
  const follow = ends.follow((task): BatchEnd => ({ v: 1, task }))
  const said = await answer(line, follow.listener)
  const isAccepted = !('error' in said) || said.error.taskId !== undefined
  return { answer: said, sent: isAccepted ? follow.answered : () => {} }
}

function isThere<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined
}

function textLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

/** @throws TooLargeError */
async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  const splitter = new LineSplitter()
  for await (const piece of pieces) {
    const lines = splitter.push(piece)
    if (splitter.openLength > BATCH_LINE_LENGTH_MAX || lines.some(isTooLong)) {
      throw new TooLargeError(`a line may have at most ${BATCH_LINE_LENGTH_MAX} characters`)
    }
    yield* lines.filter(line => line !== '')
  }
  if (splitter.openLength > 0) yield splitter.take()
}

function isTooLong(line: string): boolean {
  return line.length > BATCH_LINE_LENGTH_MAX
}

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const text of bundled(texts)) yield encoder.encode(text)
}
