/** The protocols that are asked about runs: what they have said, and when they were. */
import type {
  OutputAnswer,
  OutputRequest,
  TimelineAnswer,
  TimelineRequest
} from '../../core/message.ts'
import {
  decodeOutputAnswer,
  decodeOutputRequest,
  encodeOutputAnswer,
  encodeOutputRequest,
  OUTPUT_ANSWER_BYTES_MAX,
  OUTPUT_REQUEST_BYTES_MAX
} from '../../wire/runs/output.ts'
import {
  decodeTimelineAnswer,
  decodeTimelineRequest,
  encodeTimelineAnswer,
  encodeTimelineRequest,
  TIMELINE_ANSWER_BYTES_MAX,
  TIMELINE_REQUEST_BYTES_MAX
} from '../../wire/runs/timeline.ts'
import type { Codec } from './answers.ts'

export const OUTPUT: Codec<OutputRequest, OutputAnswer> = {
  about: 'output',
  encodeRequest: encodeOutputRequest,
  decodeRequest: decodeOutputRequest,
  encodeAnswer: encodeOutputAnswer,
  decodeAnswer: decodeOutputAnswer,
  requestBytesMax: OUTPUT_REQUEST_BYTES_MAX,
  answerBytesMax: OUTPUT_ANSWER_BYTES_MAX
}

export const TIMELINE: Codec<TimelineRequest, TimelineAnswer> = {
  about: 'the timeline',
  encodeRequest: encodeTimelineRequest,
  decodeRequest: decodeTimelineRequest,
  encodeAnswer: encodeTimelineAnswer,
  decodeAnswer: decodeTimelineAnswer,
  requestBytesMax: TIMELINE_REQUEST_BYTES_MAX,
  answerBytesMax: TIMELINE_ANSWER_BYTES_MAX
}
