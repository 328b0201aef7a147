/**
 * The answer to a peer that asks for what it lacks: first what has been pruned, then batch after batch, origin by
 * origin, pulled as fast as the peer reads. Each batch connects to what the asker has, so whatever has arrived counts,
 * also if the rest never does.
 *
 * The order matters. Batches say nothing of tasks that have been pruned, but move the asker's vector over them. If it
 * still had such a task as unsettled then, it would run it again, for nothing would tell it any more that it is over.
 * Nor would it if it heard of the task from another peer later, after an answer that broke off between the log of the
 * boot that completed the task and the log of the boot that created it. So all pruned writes of all origins are named,
 * as of one moment and from the beginning: the asker finds among them what it holds on to in vain. What is pruned
 * later, while the batches are on their way, was not named, and is a gap.
 *
 * What could not be read here cannot be told: the writes of that origin end before it, and the peer that asks gets the
 * rest from another. What the asker could not read, and may be able to by now, comes before the others.
 */
import { compareText } from '../base/order.ts'
import { Dots, type Stretch } from '../base/dots.ts'
import type { BootId } from '../base/ids.ts'
import type { Forgotten, Message, Span, SyncRequest } from '../message.ts'
import { HEARTBEAT_LIMITS } from '../options.ts'
import type { Log } from '../log/log.ts'
import { missing, reachIn } from '../base/version-vector.ts'

/** Guess: a few milliseconds of merging, so that a node that catches up still answers others in between. */
const CHUNK_BYTES_MAX = 131_072
/** Stretches in one message: below the bound of a frame by far. */
const SPANS_MAX = 10_000
/** Retired boots in one answer. Of those beyond it nothing follows, and the next answer goes on with them. */
const BOOTS_MAX = HEARTBEAT_LIMITS.vectorEntriesMax

export function* answerSync(log: Log, request: SyncRequest): Generator<Message> {
  const { vector, unreadable = [], again = [] } = request
  const { origins } = log
  const reach = reachIn(vector)
  if (origins.hasHoles(vector, unreadable)) {
    const boots = origins.closedBeyond(vector).slice(0, BOOTS_MAX)
    yield* forgottenParts([...origins.forgotten()], boots)
  }
  // In a set, so that nothing is sent twice, whatever is asked.
  for (const stretch of new Dots(again).all()) yield* onceMore(log, stretch)
  const until = [...missing(reach, log.durableVector)].sort(([x], [y]) => compareText(x, y))
  for (const [origin, upTo] of until) {
    let after = reach(origin)
    while (after < upTo) {
      const batch = log.range(origin, after, CHUNK_BYTES_MAX)
      if (batch === null) break
      yield batch
      after += batch.writes.length
    }
  }
}

/** What is here of a stretch, past all that could not be read here either. */
function* onceMore(log: Log, { origin, after: from, upTo }: Stretch): Generator<Message> {
  const until = Math.min(upTo, log.origins.get(origin)?.durableUpTo ?? 0)
  for (let after = from; after < until;) {
    const batch = log.range(origin, after, CHUNK_BYTES_MAX, 'whole', until)
    if (batch !== null) yield batch
    const next = log.origins.unreadable.unreadUpTo({ origin, seq: after + 1 })
    after = batch === null ? Math.max(next, after + 1) : after + batch.writes.length
  }
}

/** Cuts what is pruned into parts of as much as one message names. */
export function* forgottenParts(
  spans: readonly Span[],
  boots: readonly BootId[]
): Generator<Forgotten> {
  let at = 0
  for (; at + SPANS_MAX < spans.length; at += SPANS_MAX) {
    yield { kind: 'forgotten', spans: spans.slice(at, at + SPANS_MAX), boots: [], more: true }
  }
  yield { kind: 'forgotten', spans: spans.slice(at), boots, more: false }
}
