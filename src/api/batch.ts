/**
 * Many questions in one request: lines in, an answer each out, in the order of the lines.
 *
 * One request for each task would spend its time on requests. Here reading goes ahead of answering, by a bounded number
 * of lines and bytes, so that the disk and the network are always busy and the memory never full.
 */
import { TooLargeError } from '../errors.ts'
import type { Submitted } from '../node/handle.ts'
import { bundled } from './bundle.ts'
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

type Open = { length: number; answer: Promise<string> }

/** The answers, one a line. What is wrong with the request as a whole is the last line, as a problem. */
export function batchStream(
  pieces: AsyncIterable<string>,
  answer: (line: string) => Promise<unknown>
): ReadableStream<Uint8Array> {
  return ReadableStream.from(encoded(answers(pieces, answer)))
}

async function* answers(
  pieces: AsyncIterable<string>,
  answer: (line: string) => Promise<unknown>
): AsyncGenerator<string> {
  // An empty line at once: whoever asks may need an answer before it can ask on.
  yield '\n'
  const open: Open[] = []
  let ahead = 0
  const lines = linesOf(pieces)
  let reading: Promise<IteratorResult<string>> | null = lines.next()
  try {
    while (reading !== null || open.length > 0) {
      const hasRoom = open.length < LINES_AHEAD_MAX && ahead < TEXT_AHEAD_MAX
      const read = hasRoom ? reading : null
      const [oldest] = open
      const first: IteratorResult<string> | string | undefined = await Promise.race(
        [read, oldest?.answer].filter(promise => promise !== null && promise !== undefined)
      )
      if (typeof first === 'string') {
        open.shift()
        ahead -= oldest?.length ?? 0
        yield first
      } else if (first?.done === true) {
        reading = null
      } else if (first !== undefined) {
        const { value: line } = first
        open.push({ length: line.length, answer: answer(line).then(textLine) })
        ahead += line.length
        reading = lines.next()
      }
    }
  } catch (error) {
    yield textLine(problemOf(error).problem)
  }
}

function textLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

/** @throws TooLargeError */
async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > BATCH_LINE_LENGTH_MAX || lines.some(isTooLong)) {
      throw new TooLargeError(`a line may have at most ${BATCH_LINE_LENGTH_MAX} characters`)
    }
    yield* lines.filter(line => line !== '')
  }
  if (rest !== '') yield rest
}

function isTooLong(line: string): boolean {
  return line.length > BATCH_LINE_LENGTH_MAX
}

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const text of bundled(texts)) yield encoder.encode(text)
}
