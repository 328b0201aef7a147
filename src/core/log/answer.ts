/**
 * The answer to a peer that asks for what it lacks: first what it holds on to in vain, then batch after batch, origin by
 * origin, pulled as fast as the peer reads. Each batch connects to what the asker has, so whatever has arrived counts,
 * also if the rest never does.
 *
 * The order matters. Batches say nothing of tasks that have been pruned, but move the asker's vector over them. If it
 * still had such a task as unsettled then, it would run it again, for nothing would tell it any more that it is over. Nor
 * would it if it heard of the task from somebody else later, after an answer that broke off between the notebook of whoever
 * completed the task and the notebook of whoever created it. So all that has been forgotten is named, too.
 */
import { compareText } from '../base/order.ts'
import type { BootId } from '../base/ids.ts'
import type { Forgotten, Message, Span, SyncRequest } from '../message.ts'
import type { Log } from './log.ts'
import { reach } from '../base/vector.ts'

/** Guess: a few milliseconds of merging, so that a node that catches up still answers others in between. */
const CHUNK_BYTES_MAX = 131_072
/** Ids, or stretches, in one message: below the bound of a frame by far. */
const PRUNED_MAX = 10_000

export function* answerSync(log: Log, request: SyncRequest): Generator<Message> {
  const { vector, open, more } = request
  if (open === null) {
    if (log.origins.hasHoles(vector)) {
      yield { kind: 'open-needed' }
      return
    }
  } else {
    const ids = open.filter(({ id, created }) => log.hasPruned(id, created)).map(({ id }) => id)
    for (let at = 0; at < ids.length; at += PRUNED_MAX) {
      yield { kind: 'pruned', ids: ids.slice(at, at + PRUNED_MAX) }
    }
    if (more) return
    yield* forgottenOf([...log.origins.forgottenBeyond(vector)], log.origins.closedBeyond(vector))
  }
  const until = [...log.durableVector].sort(([x], [y]) => compareText(x, y))
  for (const [origin, upTo] of until) {
    let after = reach(vector, origin)
    while (after < upTo) {
      const batch = log.range(origin, after, CHUNK_BYTES_MAX)
      if (batch === null) break
      yield batch
      after += batch.writes.length
    }
  }
}

function* forgottenOf(spans: readonly Span[], boots: readonly BootId[]): Generator<Forgotten> {
  if (spans.length + boots.length === 0) return
  let at = 0
  for (; at + PRUNED_MAX < spans.length; at += PRUNED_MAX) {
    yield { kind: 'forgotten', spans: spans.slice(at, at + PRUNED_MAX), boots: [], more: true }
  }
  yield { kind: 'forgotten', spans: spans.slice(at), boots, more: false }
}
