/**
 * Questions about the output of runs, and the answers, as bytes. The rules are those of the other messages: what is
 * ours is trusted, what comes from a peer is refused unless it keeps to every bound.
 */
import {
  OUTPUT_LIMITS,
  OUTPUT_STREAMS,
  type AttemptInfo,
  type OutputAnswer,
  type OutputRequest,
  type Piece,
  type Progress
} from '../../core/message.ts'
import { at, message } from '../schema.ts'
import { readKind, writeKind } from './kinds.ts'
import { binary, flag, nullable, oneOf, real, struct, text, whole } from '../../core/base/shape.ts'
import type { TaskId } from '../../core/base/ids.ts'
import { EPOCH_MAX } from '../../core/task/record.ts'
import { TASK_ID, TIME_MS } from '../../core/task/shapes.ts'

/** A frame of a question, and one of an answer. */
export const OUTPUT_REQUEST_BYTES_MAX = 256
export const OUTPUT_ANSWER_BYTES_MAX: number = OUTPUT_LIMITS.pieceBytesMax + 256

const POSITION = whole(Number.MAX_SAFE_INTEGER)
const EPOCH = whole(EPOCH_MAX)

const NOTHING = struct<object>({})

const REQUESTS = {
  running: [1, message(NOTHING, {})],
  attempts: [2, message(struct<{ taskId: TaskId }>({ taskId: TASK_ID }), { taskId: 1 })],
  read: [
    3,
    message(
      struct<Omit<Extract<OutputRequest, { kind: 'read' }>, 'kind'>>({
        taskId: TASK_ID,
        epoch: EPOCH,
        position: POSITION,
        follow: flag
      }),
      { taskId: 1, epoch: 2, position: 3, follow: 4 }
    )
  ]
} as const

const PROGRESS = struct<Progress>({
  fraction: real(1, 0),
  message: nullable(text(OUTPUT_LIMITS.progressMessageBytesMax))
})

const INFO = struct<AttemptInfo>({
  taskId: TASK_ID,
  epoch: EPOCH,
  attempt: whole(),
  ended: flag,
  progress: nullable(PROGRESS)
})

const info = message(INFO, {
  taskId: 1,
  epoch: 2,
  attempt: 3,
  ended: 4,
  progress: at(5, message(PROGRESS, { fraction: 1, message: 2 }))
})

const PIECE = struct<Piece>({
  position: POSITION,
  at: TIME_MS,
  stream: oneOf(OUTPUT_STREAMS),
  bytes: binary(OUTPUT_LIMITS.pieceBytesMax)
})

const piece = message(PIECE, { position: 1, at: 2, stream: 3, bytes: 4 })

const ANSWERS = {
  attempt: [1, message(struct<{ info: AttemptInfo }>({ info: INFO }), { info: at(1, info) })],
  piece: [2, message(struct<{ piece: Piece }>({ piece: PIECE }), { piece: at(1, piece) })],
  quiet: [3, message(NOTHING, {})],
  end: [4, message(NOTHING, {})]
} as const

export const encodeOutputRequest = (request: OutputRequest): Uint8Array =>
  writeKind(REQUESTS, request)
export const encodeOutputAnswer = (answer: OutputAnswer): Uint8Array => writeKind(ANSWERS, answer)

/** @throws Refused */
export const decodeOutputRequest = (bytes: Uint8Array): OutputRequest =>
  readKind(REQUESTS, bytes) as OutputRequest

/** @throws Refused */
export function decodeOutputAnswer(bytes: Uint8Array): OutputAnswer {
  return readKind(ANSWERS, bytes) as OutputAnswer
}
