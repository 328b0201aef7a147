/**
 * A stream as something to read from and write to, each no faster than the other end.
 *
 * libp2p delivers whatever has come, whether or not anybody has use for it yet, and queues whatever is sent. That would
 * be a whole blob in memory, or a whole log. So the reader pauses the stream while it has enough, which in turn stops
 * the writer by way of the stream's window, and the writer waits whenever it is told that its data went no further.
 */
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/** What is read ahead. The stream's window comes on top of it: up to 1 MiB that was sent before the writer stopped. */
const AHEAD_BYTES_MAX = 262_144

/**
 * The bytes that come on a stream, to its end. Begins to listen at once.
 *
 * @throws in the course of reading, if the stream is broken off
 */
export function backpressured(stream: Stream): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  let failure: Error | null = null
  let news = Promise.withResolvers<void>()
  stream.addEventListener('message', event => {
    const chunk = event.data.subarray()
    chunks.push(chunk)
    bytes += chunk.length
    // Not at once: while the stream delivers, it takes a pause back.
    if (bytes > AHEAD_BYTES_MAX) queueMicrotask(pause)
    news.resolve()
  })
  stream.addEventListener('end', () => news.resolve())
  stream.addEventListener('close', event => {
    failure = event.error ?? null
    news.resolve()
  })
  const pause = (): void => {
    if (bytes > AHEAD_BYTES_MAX && stream.readStatus === 'readable') stream.pause()
  }
  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = chunks.shift()
      if (chunk !== undefined) {
        bytes -= chunk.length
        yield chunk
      } else if (stream.readStatus === 'paused') stream.resume()
      else if (failure !== null) throw failure
      else if (stream.readableEnded) return
      else {
        news = Promise.withResolvers()
        await news.promise
      }
    }
  }
  return read()
}

/**
 * Sends everything, and closes the stream's writing end.
 *
 * @param progress called whenever something has gone out
 * @throws if the stream is broken off
 */
export async function sendPaced(
  stream: Stream,
  chunks: AsyncIterable<Uint8Array | Uint8ArrayList> | Iterable<Uint8Array | Uint8ArrayList>,
  progress: () => void = () => {}
): Promise<void> {
  for await (const chunk of chunks) {
    if (!stream.send(chunk)) await drained(stream)
    progress()
  }
  await stream.close()
}

function drained(stream: Stream): Promise<void> {
  if (!stream.writableNeedsDrain) return Promise.resolve()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onDrain = (): void => resolve()
  const onClose = ({ error }: { error?: Error }): void =>
    reject(error ?? new Error('the stream was closed'))
  stream.addEventListener('drain', onDrain)
  stream.addEventListener('close', onClose)
  return promise.finally(() => {
    stream.removeEventListener('drain', onDrain)
    stream.removeEventListener('close', onClose)
  })
}
