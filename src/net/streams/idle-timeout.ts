/**
 * Ends a stream on which nothing moves any more, in either direction, so that a peer that hangs holds nothing up.
 */
import type { Stream } from '@libp2p/interface'

export type IdleTimeout = Readonly<{
  /** Something has moved that the stream itself does not tell of. */
  progress: () => void
  release: () => void
}>

/** Aborts the stream if nothing moves on it for `stallMs`. */
export function abortWhenIdle(stream: Stream, stallMs: number): IdleTimeout {
  const abort = (): void => stream.abort(new Error(`nothing has moved for ${stallMs} ms`))
  const timer = setTimeout(abort, stallMs).unref()
  const progress = (): void => void timer.refresh()
  stream.addEventListener('message', progress)
  stream.addEventListener('drain', progress)
  const release = (): void => {
    clearTimeout(timer)
    stream.removeEventListener('message', progress)
    stream.removeEventListener('drain', progress)
  }
  return { progress, release }
}
