/**
 * Questions about the output of runs, and the answers, as bytes. The rules are those of the other messages: what is ours
 * is trusted, what comes from a peer is refused unless it keeps to every bound.
 */
import protobuf from 'protobufjs/minimal.js'
import { Names } from './names.ts'
import {
  OUTPUT_LIMITS,
  OUTPUT_STREAMS,
  type OutputAnswer,
  type OutputRequest
} from '../core/output.ts'
import {
  binary,
  duration,
  flag,
  message,
  nullable,
  oneOf,
  Refused,
  refuse,
  required,
  text,
  uint,
  type Value
} from './schema.ts'

/** A frame of a question, and one of an answer. */
export const OUTPUT_REQUEST_BYTES_MAX = 256
export const OUTPUT_ANSWER_BYTES_MAX: number = OUTPUT_LIMITS.pieceBytesMax + 256

const taskId = text(36, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
const position = uint(Number.MAX_SAFE_INTEGER)

const REQUESTS = {
  running: [1, message({})],
  attempts: [2, message({ taskId: required(1, taskId) })],
  read: [
    3,
    message({
      taskId: required(1, taskId),
      epoch: required(2, uint()),
      position: required(3, position),
      follow: required(4, flag)
    })
  ]
} as const

const progress = message({
  fraction: required(1, duration),
  message: nullable(2, text(OUTPUT_LIMITS.progressMessageBytesMax))
})

const info = message({
  taskId: required(1, taskId),
  epoch: required(2, uint()),
  attempt: required(3, uint()),
  ended: required(4, flag),
  progress: nullable(5, progress)
})

const piece = message({
  position: required(1, position),
  at: required(2, position),
  stream: required(3, oneOf(OUTPUT_STREAMS)),
  bytes: required(4, binary(OUTPUT_LIMITS.pieceBytesMax))
})

const ANSWERS = {
  attempt: [1, message({ info: required(1, info) })],
  piece: [2, message({ piece: required(1, piece) })],
  quiet: [3, message({})],
  end: [4, message({})]
} as const

type Kinds = Readonly<Record<string, readonly [number, unknown]>>

export const encodeOutputRequest = (request: OutputRequest): Uint8Array => write(REQUESTS, request)
export const encodeOutputAnswer = (answer: OutputAnswer): Uint8Array => write(ANSWERS, answer)

/** @throws Refused */
export const decodeOutputRequest = (bytes: Uint8Array): OutputRequest =>
  read(REQUESTS, bytes) as OutputRequest

/** @throws Refused */
export function decodeOutputAnswer(bytes: Uint8Array): OutputAnswer {
  const answer = read(ANSWERS, bytes) as OutputAnswer
  if (answer.kind === 'attempt' && (answer.info.progress?.fraction ?? 0) > 1) {
    refuse('progress beyond the end')
  }
  return answer
}

function write(kinds: Kinds, given: Readonly<{ kind: string }>): Uint8Array {
  const [number, value] = kinds[given.kind]!
  const writer = protobuf.Writer.create()
  ;(value as Value<unknown>).write(writer, number, given, new Names())
  return writer.finish()
}

function read(kinds: Kinds, bytes: Uint8Array): object {
  try {
    const reader = protobuf.Reader.create(bytes)
    const tag = reader.uint32()
    const [kind, [, value]] =
      Object.entries(kinds).find(([, [number]]) => number === tag >>> 3) ??
      refuse(`there is no kind ${tag >>> 3} of question or answer`)
    const body = (value as Value<object>).read(reader, tag & 7, new Names())
    if (reader.pos !== reader.len) refuse('bytes after the end of the message')
    return { kind, ...body }
  } catch (error) {
    // Bytes that end too early are found out by the reader, in its own words.
    throw error instanceof Refused ? error : new Refused((error as Error).message)
  }
}
