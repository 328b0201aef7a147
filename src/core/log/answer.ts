/**
 * The answer to a peer that asks for what it lacks: batch after batch, origin by origin, pulled as fast as the peer
 * reads. Each batch connects to what the asker has, so whatever has arrived counts, also if the rest never does.
 */
import { compareText } from '../base/order.ts'
import type { Batch, SyncRequest } from '../message.ts'
import type { Log } from './log.ts'

/** Guess: a few milliseconds of merging, so that a node that catches up still answers others in between. */
const CHUNK_BYTES_MAX = 131_072

export function* answerSync(log: Log, request: SyncRequest): Generator<Batch> {
  const until = [...log.durableVector].sort(([x], [y]) => compareText(x, y))
  for (const [origin, upTo] of until) {
    let after = request.vector.get(origin) ?? 0
    while (after < upTo) {
      const batch = log.range(origin, after, CHUNK_BYTES_MAX)
      if (batch === null) break
      yield batch
      after += batch.writes.length
    }
  }
}
