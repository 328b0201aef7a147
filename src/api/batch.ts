/**
 * Many questions in one request: lines in, an answer each out, in the order of the lines.
 *
 * One request for each task would spend its time on requests. Here reading goes ahead of answering, by a bounded number
 * of lines and bytes, so that the disk and the network are always busy and the memory never full.
 */
import type { EndListener, Submitted, TaskView } from '../node/api/node-api.ts'
import { answerStream, linesOf, textLine } from './answer-stream.ts'
import { Ends } from './ends.ts'
import type { Problem } from './problem.ts'

/** Answers under way: enough for one flush to carry hundreds of tasks. */
const LINES_AHEAD_MAX = 1024
/** The same in UTF-16 units of text, for lines with large payloads. */
const TEXT_AHEAD_MAX = 16_777_216

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
  const ends = new Ends()
  return answerStream(linesOut(pieces, batch, ends), ends)
}

async function* linesOut(
  pieces: AsyncIterable<string>,
  batch: Batch,
  ends: Ends
): AsyncGenerator<string> {
  yield* answers(pieces, batch, ends)
  yield* ends.rest(batch.gone)
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
