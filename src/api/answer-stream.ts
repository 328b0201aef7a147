/** Questions and answers of one request, a line each, for as many of them as a file has. */
import { TooLargeError } from '../shared/errors.ts'
import { LineSplitter } from '../shared/lines.ts'
import { bundled } from './bundle.ts'
import type { Ends } from './ends.ts'
import { problemOf } from './problem.ts'

/** A longer line has a payload that belongs into a request of its own. */
export const BATCH_LINE_LENGTH_MAX = 1_048_576

/** Answers as they are sent. What is wrong with the request as a whole is the last line, as a problem. */
export function answerStream(
  answers: AsyncIterable<string>,
  ends: Ends
): ReadableStream<Uint8Array> {
  return ReadableStream.from(encoded(linesOut(answers, ends)))
}

/** A value as a line. */
export function textLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

/** The lines that are not empty. @throws TooLargeError */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
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

async function* linesOut(answers: AsyncIterable<string>, ends: Ends): AsyncGenerator<string> {
  try {
    // An empty line at once: a client may need an answer before it can go on asking.
    yield '\n'
    yield* answers
  } catch (error) {
    yield textLine(problemOf(error).problem)
  } finally {
    ends.close()
  }
}

function isTooLong(line: string): boolean {
  return line.length > BATCH_LINE_LENGTH_MAX
}

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const text of bundled(texts)) yield encoder.encode(text)
}
