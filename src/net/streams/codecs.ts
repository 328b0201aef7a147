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
import {
  outputAnswersMax,
  outputAnswersPerPeerMax,
  outputStallMs,
  timelineAnswersMax,
  timelineAnswersPerPeerMax,
  timelineStallMs
} from '../protocol.ts'
import type { AnswerStreamsOptions } from './answers.ts'

type Kind<Request, Answer> = Pick<
  AnswerStreamsOptions<Request, Answer>,
  'codec' | 'stallMs' | 'answersMax' | 'answersPerPeerMax'
>

export const OUTPUT: Kind<OutputRequest, OutputAnswer> = {
  codec: {
    about: 'output',
    encodeRequest: encodeOutputRequest,
    decodeRequest: decodeOutputRequest,
    encodeAnswer: encodeOutputAnswer,
    decodeAnswer: decodeOutputAnswer,
    requestBytesMax: OUTPUT_REQUEST_BYTES_MAX,
    answerBytesMax: OUTPUT_ANSWER_BYTES_MAX
  },
  stallMs: outputStallMs,
  answersMax: outputAnswersMax,
  answersPerPeerMax: outputAnswersPerPeerMax
}

export const TIMELINE: Kind<TimelineRequest, TimelineAnswer> = {
  codec: {
    about: 'the timeline',
    encodeRequest: encodeTimelineRequest,
    decodeRequest: decodeTimelineRequest,
    encodeAnswer: encodeTimelineAnswer,
    decodeAnswer: decodeTimelineAnswer,
    requestBytesMax: TIMELINE_REQUEST_BYTES_MAX,
    answerBytesMax: TIMELINE_ANSWER_BYTES_MAX
  },
  stallMs: timelineStallMs,
  answersMax: timelineAnswersMax,
  answersPerPeerMax: timelineAnswersPerPeerMax
}
