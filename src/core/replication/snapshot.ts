/**
 * A whole replica on its way into a file, and back out of it.
 *
 * A file is like a peer that has fallen silent: it has a version vector, and tasks with the writes that changed them.
 * So it is read as a peer's answer would be, origin by origin. That makes loading harmless by the same argument as
 * syncing: what the vector here covers is known or has been pruned, and everything else is merged and covered from then
 * on, so that it spreads, is loaded once only, and can be pruned like any other task.
 */
import { Dots, outside } from '../base/dots.ts'
import { compareText } from '../base/order.ts'
import type { BootId } from '../base/ids.ts'
import type { StoredTask } from '../effect.ts'
import {
  PRUNED,
  UNREADABLE,
  type Batch,
  type News,
  type Span,
  type VersionVector
} from '../message.ts'
import type { TaskRecord } from '../task/record.ts'
import { forgottenParts } from './sync-answer.ts'
import type { Log } from '../log/log.ts'
import { coversOpen, RETIRED, reachIn } from '../base/version-vector.ts'

export type Snapshot = Readonly<{
  vector: VersionVector
  tasks: Iterable<StoredTask>
  /** Forgotten writes beyond the vector. @default none */
  forgotten?: readonly Span[]
  /** Writes that the vector passes and that could not be read: they are in no task, and not pruned. @default none */
  unreadable?: readonly Span[]
}>

/** Guess: some milliseconds of merging, and one flush. */
const RECORDS_MAX = 256
/** Places of tasks that have been pruned cost next to nothing. */
const WRITES_MAX = 16_384
/** Tasks that are looked at before others have their turn. Guess: some milliseconds. */
const LOOK_MAX = 2000

/**
 * What is on disk now. Tasks are given out one by one, as they are asked for; what happens to them meanwhile does no
 * harm, because a state may be newer than the writes that are named with it.
 */
export function snapshotOf(log: Log): Snapshot {
  const vector = new Map(log.durableVector)
  const reach = reachIn(vector)
  const forgotten = [...log.origins.forgotten(reach)]
  const unread = new Dots()
  for (const each of log.durableCoverage.unreadable.all()) {
    const upTo = Math.min(each.upTo, reach(each.origin))
    if (each.after < upTo) unread.add({ ...each, upTo })
  }
  const unreadable = unread.isEmpty ? {} : { unreadable: unread.all() }
  return { vector, tasks: tasksOf(log, vector, unread), forgotten, ...unreadable }
}

function* tasksOf(log: Log, vector: VersionVector, unread: Dots): Generator<StoredTask> {
  const reach = reachIn(vector)
  for (const { durable, writes } of log.entries()) {
    if (durable === null) continue
    const covered = writes.filter(dot => coversOpen(reach, dot) && !unread.has(dot))
    if (covered.length > 0) yield { record: durable, writes: covered }
  }
}

/**
 * A replica as the answer of a peer that has it: what has been pruned there, also boots of which nothing is left;
 * and the writes of all others, each from the beginning, in batches that connect.
 *
 * All tasks have to be looked at before the first news. So null is given in between: nothing yet, let others have their
 * turn.
 */
export function* newsOf(snapshot: Snapshot): Generator<News | null> {
  const { vector } = snapshot
  const unread = new Dots(snapshot.unreadable)
  const written: Written = new Map()
  let looked = 0
  for (const task of snapshot.tasks) {
    noteWrites(written, task)
    if (++looked % LOOK_MAX === 0) yield null
  }
  const boots = [...vector].filter(([, upTo]) => upTo === RETIRED).map(([boot]) => boot)
  const spans = [...forgottenOf(vector, written, unread), ...(snapshot.forgotten ?? [])]
  if (spans.length + boots.length > 0) yield* forgottenParts(spans, boots.sort(compareText))
  yield* batchesOf(vector, written, unread)
}

/** Which task each write of a boot changed. */
type Written = Map<BootId, Map<number, TaskRecord>>

function noteWrites(written: Written, { record, writes }: StoredTask): void {
  for (const { origin, seq } of writes) {
    const log = written.get(origin)
    if (log === undefined) written.set(origin, new Map([[seq, record]]))
    else log.set(seq, record)
  }
}

/** The stretches between the writes of tasks that are there, as far as they could be read. */
function forgottenOf(vector: VersionVector, written: Written, unread: Dots): Span[] {
  const spans: Span[] = []
  for (const [origin, last] of vector) {
    if (last === RETIRED) continue
    let after = 0
    for (const seq of [...(written.get(origin)?.keys() ?? []), last + 1].sort((x, y) => x - y)) {
      for (const span of outside({ origin, after, upTo: seq - 1 }, unread.of(origin))) {
        spans.push(span)
      }
      after = seq
    }
  }
  return spans
}

function* batchesOf(vector: VersionVector, written: Written, unread: Dots): Generator<Batch> {
  const origins = [...vector].sort(([x], [y]) => compareText(x, y))
  for (const [origin, upTo] of origins) {
    if (upTo === RETIRED) continue
    const log = written.get(origin) ?? new Map<number, TaskRecord>()
    for (let after = 0; after < upTo;) {
      const batch = batchOf({ origin, after, upTo }, log, unread)
      yield batch
      after += batch.writes.length
    }
  }
}

function batchOf(
  { origin, after, upTo }: Span,
  log: ReadonlyMap<number, TaskRecord>,
  unread: Dots
): Batch {
  const places = new Map<TaskRecord, number>()
  const writes: number[] = []
  for (let seq = after + 1; seq <= upTo && writes.length < WRITES_MAX; seq++) {
    const record = log.get(seq)
    if (record !== undefined && !places.has(record)) {
      if (places.size === RECORDS_MAX) break
      places.set(record, places.size)
    }
    const absent = unread.has({ origin, seq }) ? UNREADABLE : PRUNED
    writes.push(record === undefined ? absent : places.get(record)!)
  }
  return { kind: 'batch', origin, after, records: [...places.keys()], writes }
}
