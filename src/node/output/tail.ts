/**
 * The last lines of a run as they go into its outcome: one text, in which each piece still says when and where it was
 * said. It is bounded, because every node keeps it with the task.
 */
import { isUtf8 } from 'node:buffer'
import { TASK_LIMITS } from '../../core/options.ts'
import { OUTPUT_STREAMS, type Piece } from '../../core/message.ts'
import type { AttemptLog } from './attempt-log.ts'
import { textOf } from './text.ts'

/** Bytes that are no UTF-8 are told as base64. */
type Told = [position: number, at: number, stream: number, text: string, base64?: 1]

/** Null if it has said nothing. */
export function tailOf(log: AttemptLog | undefined): string | null {
  if (log === undefined) return null
  const { tailBytesMax } = TASK_LIMITS
  // What JSON makes longer is cut further.
  for (let room: number = tailBytesMax; room > 0; room = Math.floor(room / 2)) {
    const pieces = log.last(room)
    if (pieces.length === 0) return null
    const told = pieces.map(({ position, at, stream, bytes }): Told => {
      const about = [position, at, OUTPUT_STREAMS.indexOf(stream)] as const
      if (isUtf8(bytes)) return [...about, textOf(bytes)]
      return [...about, Buffer.from(bytes).toString('base64'), 1]
    })
    const tail = JSON.stringify(told)
    if (Buffer.byteLength(tail) <= tailBytesMax) return tail
  }
  return null
}

/** What a tail says. A peer may have sent what is none: then nothing. */
export function piecesOf(tail: string | null): Piece[] {
  if (tail === null) return []
  try {
    return (JSON.parse(tail) as Told[]).map(([position, at, stream, text, base64]) => {
      const name = OUTPUT_STREAMS[stream]
      const isWhole = [position, at].every(Number.isSafeInteger) && typeof text === 'string'
      if (name === undefined || !isWhole) throw new TypeError('not a piece of a tail')
      const bytes = Buffer.from(text, base64 === 1 ? 'base64' : 'utf8')
      return { position, at, stream: name, bytes }
    })
  } catch {
    return []
  }
}
