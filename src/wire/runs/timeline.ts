/**
 * Questions about when a node ran what, and the answers, as bytes: what is ours is trusted, what comes from a peer is
 * refused unless it keeps to every bound.
 */
import {
  SPAN_OUTCOMES,
  TIMELINE_LIMITS,
  VIAS,
  type RunSpan,
  type TimelineAnswer,
  type TimelineRequest
} from '../../core/message.ts'
import { list, nullable, oneOf, struct, whole } from '../../core/base/shape.ts'
import { EPOCH_MAX } from '../../core/task/record.ts'
import { POOL_NAME, TASK_ID, TASK_TYPE, TIME_MS } from '../../core/task/shapes.ts'
import { LIMITS } from '../../core/options.ts'
import { at, message } from '../schema.ts'
import { readKind, writeKind } from './kinds.ts'

/** A frame of a question, and one of an answer: a span has a type and a name of a pool, and numbers. */
export const TIMELINE_REQUEST_BYTES_MAX = 64
export const TIMELINE_ANSWER_BYTES_MAX: number =
  TIMELINE_LIMITS.spansPerPart * (TASK_TYPE.bytesMax + POOL_NAME.bytesMax + 128) + 64

const REQUESTS = {
  between: [
    1,
    message(struct<Omit<TimelineRequest, 'kind'>>({ fromMs: TIME_MS, toMs: TIME_MS }), {
      fromMs: 1,
      toMs: 2
    })
  ]
} as const

const SPAN = struct<RunSpan>(
  {
    taskId: TASK_ID,
    type: TASK_TYPE,
    epoch: whole(EPOCH_MAX),
    attempt: whole(),
    pool: POOL_NAME,
    slot: whole(LIMITS.slotsMax),
    fromMs: TIME_MS,
    toMs: nullable(TIME_MS),
    outcome: nullable(oneOf(SPAN_OUTCOMES)),
    via: oneOf(VIAS)
  },
  {
    rule: ({ fromMs, toMs, outcome }) => {
      if ((toMs === null) !== (outcome === null)) return 'a span has an outcome if it has ended'
      return toMs !== null && toMs < fromMs ? 'a span that ends before it begins' : null
    }
  }
)

const span = message(SPAN, {
  taskId: 1,
  type: 2,
  epoch: 3,
  attempt: 4,
  pool: 5,
  slot: 6,
  fromMs: 7,
  toMs: 8,
  outcome: 9,
  via: 10
})

const ANSWERS = {
  spans: [
    1,
    message(
      struct<{ spans: readonly RunSpan[] }>({ spans: list(SPAN, TIMELINE_LIMITS.spansPerPart) }),
      { spans: at(1, span) }
    )
  ],
  end: [
    2,
    message(struct<{ reachesToMs: number | null }>({ reachesToMs: nullable(TIME_MS) }), {
      reachesToMs: 1
    })
  ]
} as const

export const encodeTimelineRequest = (request: TimelineRequest): Uint8Array =>
  writeKind(REQUESTS, request)
export const encodeTimelineAnswer = (answer: TimelineAnswer): Uint8Array =>
  writeKind(ANSWERS, answer)

/** @throws Refused */
export const decodeTimelineRequest = (bytes: Uint8Array): TimelineRequest =>
  readKind(REQUESTS, bytes) as TimelineRequest

/** @throws Refused */
export function decodeTimelineAnswer(bytes: Uint8Array): TimelineAnswer {
  return readKind(ANSWERS, bytes) as TimelineAnswer
}
