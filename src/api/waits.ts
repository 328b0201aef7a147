/**
 * Many waits in one request: ids in, a line each, and how each task ended out, as soon as that is known.
 *
 * One request for each would take a connection for as long as its task takes, and thousands of them more than a process
 * may have open. Ids may come as slowly as they like: what has been read is waited for meanwhile.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { InvalidOptionError, WaitTimeoutError } from '../shared/errors.ts'
import { TASK_ID } from '../shared/names.ts'
import type { EndListener, TaskView } from '../node/api/node-api.ts'
import { answerStream, linesOf, textLine } from './answer-stream.ts'
import { Ends } from './ends.ts'
import { problemOf, type Problem } from './problem.ts'
import { check, parse } from './request.ts'

/** A task that is waited for, with a number by which its answer is known. The id may be shortened. */
export type WaitLine = Readonly<{ line: number; id: string }>

/** How it ended, or why that cannot be told. */
export type WaitAnswer = { line: number } & ({ v: 1; task: TaskView } | Problem)

export type ManyWaits = Readonly<{
  /** Resolves when the task is waited for. Given the id as it stands in the line. */
  follow: (id: string, listener: EndListener) => Promise<void>
  /** Those that have not settled by then are answered with WaitTimeoutError. @default never */
  timeoutMs: number | undefined
  /** Nobody waits any more. */
  gone: AbortSignal
}>

/** Waits begun before others have their turn. Guess: a millisecond or two. */
const PORTION = 256
/** Tasks that are not known here, and are asked for at a time: each question goes to all members. Guess. */
const ASKED_MAX = 1024

/** As it is checked. */
export const waitLine: z.ZodType<WaitLine> = z.strictObject({ line: z.int(), id: z.string() })

/** The answers, one a line. What is wrong with the request as a whole is the last line, as a problem. */
export function waitStream(
  pieces: AsyncIterable<string>,
  waits: ManyWaits
): ReadableStream<Uint8Array> {
  const ends = new Ends()
  return answerStream(answers(pieces, waits, ends), ends)
}

async function* answers(
  pieces: AsyncIterable<string>,
  waits: ManyWaits,
  ends: Ends
): AsyncGenerator<string> {
  const failed = new AbortController()
  const gone = AbortSignal.any([waits.gone, failed.signal])
  const open = new OpenWaits({ ...waits, gone }, ends)
  const allRead = ends.expect()
  // Ids may still come while the first tasks settle.
  begin(pieces, open, ends).then(
    () => allRead(''),
    (error: unknown) => failed.abort(error)
  )
  try {
    yield* ends.rest(gone)
  } finally {
    open.close()
  }
}

async function begin(pieces: AsyncIterable<string>, open: OpenWaits, ends: Ends): Promise<void> {
  let begun: Promise<void>[] = []
  for await (const text of linesOf(pieces)) {
    const line = check(waitLine, parse(text))
    // For a part of an id, all tasks are looked through.
    if (!TASK_ID.test(line.id)) await nextTurn()
    begun.push(open.begin(line))
    if (begun.length % PORTION > 0) continue
    await nextTurn()
    await ends.room()
    if (begun.length < ASKED_MAX) continue
    await Promise.all(begun)
    begun = []
  }
  await Promise.all(begun)
}

class OpenWaits {
  readonly #waits: ManyWaits
  readonly #ends: Ends
  /** The time is over. */
  readonly #late = new AbortController()
  readonly #signal: AbortSignal
  readonly #timer: NodeJS.Timeout | undefined
  /** Each has an end put to it by being called. */
  readonly #open = new Set<(error: Error) => void>()

  constructor(waits: ManyWaits, ends: Ends) {
    this.#waits = waits
    this.#ends = ends
    this.#signal = AbortSignal.any([waits.gone, this.#late.signal])
    const { timeoutMs } = waits
    this.#timer = timeoutMs === undefined ? undefined : setTimeout(() => this.#end(), timeoutMs)
  }

  /** Resolves when the task is waited for, or its line is answered. */
  async begin({ line, id }: WaitLine): Promise<void> {
    const answer = this.#ends.expect()
    const fail = (error: unknown): void =>
      tell(textLine({ ...problemOf(this.#meant(error, id)).problem, line }))
    const tell = (text: string): void => {
      if (this.#open.delete(fail)) answer(text)
    }
    this.#open.add(fail)
    try {
      // A part of an id that is nothing fits all tasks.
      if (id === '') throw new InvalidOptionError('a task\'s id cannot be ""')
      await this.#waits.follow(id, {
        gone: this.#signal,
        onEnd: end => {
          if (end instanceof Error) return fail(end)
          try {
            tell(textLine({ v: 1, line, task: end() }))
          } catch (error) {
            // Whoever waits is told in any case.
            fail(error)
          }
        }
      })
      // What is read after the time is over may have settled nevertheless.
      if (this.#late.signal.aborted) fail(this.#late.signal.reason)
    } catch (error) {
      fail(error)
    }
  }

  /** Nobody waits any more. */
  close(): void {
    clearTimeout(this.#timer)
  }

  #end(): void {
    const { timeoutMs } = this.#waits
    this.#late.abort(new WaitTimeoutError(`within ${timeoutMs} ms`))
    for (const fail of this.#open) fail(this.#late.signal.reason as Error)
  }

  #meant(error: unknown, id: string): unknown {
    if (error !== this.#late.signal.reason || !this.#late.signal.aborted) return error
    return new WaitTimeoutError(
      `${id} has not settled within ${this.#waits.timeoutMs} ms: it goes on`
    )
  }
}
