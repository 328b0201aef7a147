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
import { AnswerStreams } from './answers.ts'
import type { StreamsOptions } from './request-response.ts'

export function outputStreams(
  options: StreamsOptions,
  answer: (request: OutputRequest) => AsyncIterable<OutputAnswer> | Iterable<OutputAnswer>
): AnswerStreams<OutputRequest, OutputAnswer> {
  return new AnswerStreams({
    stallMs: outputStallMs,
    ...options,
    answersMax: outputAnswersMax,
    answersPerPeerMax: outputAnswersPerPeerMax,
    answer,
    codec: {
      about: 'output',
      encodeRequest: encodeOutputRequest,
      decodeRequest: decodeOutputRequest,
      encodeAnswer: encodeOutputAnswer,
      decodeAnswer: decodeOutputAnswer,
      requestBytesMax: OUTPUT_REQUEST_BYTES_MAX,
      answerBytesMax: OUTPUT_ANSWER_BYTES_MAX
    }
  })
}

export function timelineStreams(
  options: StreamsOptions,
  answer: (request: TimelineRequest) => Iterable<TimelineAnswer>
): AnswerStreams<TimelineRequest, TimelineAnswer> {
  return new AnswerStreams({
    stallMs: timelineStallMs,
    ...options,
    answersMax: timelineAnswersMax,
    answersPerPeerMax: timelineAnswersPerPeerMax,
    answer,
    codec: {
      about: 'the timeline',
      encodeRequest: encodeTimelineRequest,
      decodeRequest: decodeTimelineRequest,
      encodeAnswer: encodeTimelineAnswer,
      decodeAnswer: decodeTimelineAnswer,
      requestBytesMax: TIMELINE_REQUEST_BYTES_MAX,
      answerBytesMax: TIMELINE_ANSWER_BYTES_MAX
    }
  })
}
