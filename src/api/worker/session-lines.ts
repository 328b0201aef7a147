/** What a connected worker hears, for as long as its connection is open. */
import type { ServerResponse } from 'node:http'
import type { WorkerFeed } from '../../node/api/node-api.ts'
import { textLine } from '../answer-stream.ts'
import { problemOf } from '../problem.ts'
import { LinesOut } from './lines-out.ts'

/** Writes what there is, as it comes. What cannot be written is a problem, and the last line. */
export function sendLines(feed: WorkerFeed, outgoing: ServerResponse): void {
  let hasFailed = false
  const take = (): string | null => {
    if (hasFailed) return null
    try {
      const line = feed.next()
      return line === null ? null : textLine(line)
    } catch (error) {
      hasFailed = true
      return textLine(problemOf(error).problem)
    }
  }
  const out = new LinesOut(outgoing, take, () => hasFailed || feed.isOver)
  feed.onNews(() => out.look())
  out.look()
}
