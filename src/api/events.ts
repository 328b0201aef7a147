/**
 * Streams of JSON values, one a line, that a slow reader cannot swell.
 *
 * A list is pulled: the next piece is made when the reader has taken the last one. Events cannot wait for a reader, so
 * each reader has a bounded queue; when it is full, the oldest events go, and a line says how many are missing.
 */
import type { NodeEvent } from '../node/api/node-api.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import { problemOf } from './problem.ts'

/** Large enough to make system calls rare, small enough to hold one per reader. */
const PIECE_LENGTH = 65_536
/** Guess: seconds of a busy cluster; more than a node keeps for readers that come back. */
const EVENTS_QUEUED_MAX = 8192

const encoder = new TextEncoder()

/** The values, one a line. If their iteration throws, the last line is the problem. */
export function listStream(values: Iterable<unknown>): ReadableStream<Uint8Array> {
  const iterator = values[Symbol.iterator]()
  return new ReadableStream(
    {
      pull(controller) {
        let piece = ''
        let done = false
        try {
          while (!done && piece.length < PIECE_LENGTH) {
            const next = iterator.next()
            done = next.done === true
            if (!done) piece += `${JSON.stringify(next.value)}\n`
          }
        } catch (error) {
          piece += `${JSON.stringify(problemOf(error).problem)}\n`
          done = true
        }
        if (piece !== '') controller.enqueue(encoder.encode(piece))
        if (done) controller.close()
      },
      cancel() {
        iterator.return?.()
      }
    },
    { highWaterMark: 1 }
  )
}

/**
 * The values of a source that takes its time, one a line, each asked for when the reader has taken the one before it.
 * If the source throws, the last line is the problem.
 *
 * @param ended aborted when the reader goes away
 */
export function pulledStream(
  values: AsyncIterable<unknown>,
  ended: AbortController
): ReadableStream<Uint8Array> {
  const iterator = values[Symbol.asyncIterator]()
  const line = (value: unknown): Uint8Array => encoder.encode(`${JSON.stringify(value)}\n`)
  return new ReadableStream(
    {
      start(controller) {
        // An empty line at once, so that the reader has an answer also while there is nothing to say.
        controller.enqueue(encoder.encode('\n'))
      },
      async pull(controller) {
        try {
          const next = await iterator.next()
          if (next.done === true) controller.close()
          else controller.enqueue(line(next.value))
        } catch (error) {
          if (ended.signal.aborted) return
          controller.enqueue(line(problemOf(error).problem))
          controller.close()
        }
      },
      cancel() {
        ended.abort(new Error('the reader is gone'))
      }
    },
    { highWaterMark: 1 }
  )
}

/** Text, piece by piece. If its making throws, the connection breaks. */
export function textStream(pieces: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const next = await iterator.next()
        if (next.done === true) controller.close()
        else controller.enqueue(encoder.encode(next.value))
      },
      async cancel() {
        await iterator.return?.()
      }
    },
    { highWaterMark: 1 }
  )
}

/** The text of a request, piece by piece. May be left and taken up again. Throws what is no UTF-8 as InvalidOptionError. */
export function textOf(body: ReadableStream<Uint8Array> | null): AsyncIterable<string> {
  const reader = body?.getReader()
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (value?: Uint8Array): string => {
    try {
      return decoder.decode(value, { stream: value !== undefined })
    } catch {
      throw new InvalidOptionError('the request is not UTF-8')
    }
  }
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
        if (!done) return { done: false, value: decode(value) }
        decode()
        return { done: true, value: undefined }
      }
    })
  }
}

/** Events from now on, until the reader goes away or `end` is signalled. */
export function eventStream(
  subscribe: (listener: (event: NodeEvent) => void) => () => void,
  end: AbortSignal
): ReadableStream<Uint8Array> {
  let queue: NodeEvent[] = []
  let lost = 0
  let lastLost: NodeEvent | undefined
  let unsubscribe = (): void => {}
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // An empty line at once tells the reader that from here on it misses nothing.
        controller.enqueue(encoder.encode('\n'))
        const stop = subscribe(event => {
          if (queue.length >= EVENTS_QUEUED_MAX) {
            lastLost = queue.shift()
            lost++
          }
          queue.push(event)
          flush(controller)
        })
        const close = (): void => {
          unsubscribe()
          controller.close()
        }
        unsubscribe = (): void => {
          stop()
          end.removeEventListener('abort', close)
        }
        end.addEventListener('abort', close, { once: true })
        if (end.aborted) close()
      },
      pull: flush,
      cancel() {
        unsubscribe()
      }
    },
    { highWaterMark: 1 }
  )

  function flush(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (queue.length === 0 || (controller.desiredSize ?? 0) <= 0) return
    const gap = lastLost === undefined ? [] : [slowness(lastLost, lost)]
    const lines = [...gap, ...queue].map(event => JSON.stringify(event))
    queue = []
    lost = 0
    lastLost = undefined
    controller.enqueue(encoder.encode(`${lines.join('\n')}\n`))
  }
}

/** Stands for the events that a reader was too slow for; with the time and the cursor of the last of them. */
function slowness({ at, cursor }: NodeEvent, count: number): NodeEvent {
  return { v: 1, at, event: 'events:lost', cursor, count, reason: 'SlowReader' }
}
