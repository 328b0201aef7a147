/**
 * Answers to sync requests under way. Until they have ended nothing is pruned here: what they have not named as pruned
 * would be a gap for the peer that asked.
 */
import { answerSync } from './sync-answer.ts'
import type { Log } from '../log/log.ts'
import type { Message, SyncRequest } from '../message.ts'

export class OpenAnswers {
  #underWay = 0

  get areUnderWay(): boolean {
    return this.#underWay > 0
  }

  *to(request: SyncRequest, log: Log): Generator<Message> {
    this.#underWay++
    try {
      yield* answerSync(log, request)
    } finally {
      this.#underWay--
    }
  }
}
