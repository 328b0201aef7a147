/**
 * A whole replica on its way into a file, and back out of it.
 *
 * A file is like a peer that has fallen silent: it has a version vector, and tasks with the writes that changed them. So
 * it is read as a peer's answer would be, origin by origin. That makes loading harmless by the same argument as syncing:
 * what the vector here covers is known or has been pruned, and everything else is merged and covered from then on, so
 * that it spreads, is loaded once only, and can be pruned like any other task.
 */
import { compareText } from '../base/order.ts'
import type { BootId, TaskId } from '../base/ids.ts'
import type { StoredTask } from '../effect.ts'
import type { Batch, News, VersionVector } from '../message.ts'
import type { TaskRecord } from '../task/record.ts'
import type { Log } from './log.ts'
import { CLOSED, reach } from '../base/vector.ts'

export type Replica = Readonly<{
  vector: VersionVector
  tasks: Iterable<StoredTask>
}>

/** Guess: some milliseconds of merging, and one flush. */
const RECORDS_MAX = 256
/** Places of tasks that have been pruned cost next to nothing. */
const WRITES_MAX = 16_384

/**
 * What is on disk now. Tasks are given out one by one, as they are asked for; what happens to them meanwhile does no
 * harm, because a state may be newer than the writes that are named with it.
 */
export function replicaOf(log: Log): Replica {
  const vector = new Map(log.durableVector)
  return { vector, tasks: tasksOf(log, vector) }
}

function* tasksOf(log: Log, vector: VersionVector): Generator<StoredTask> {
  for (const { durable, writes } of log.entries()) {
    if (durable === null) continue
    const covered = writes.filter(({ origin, seq }) => {
      const upTo = reach(vector, origin)
      return seq <= upTo && upTo !== CLOSED
    })
    if (covered.length > 0) yield { record: durable, writes: covered }
  }
}

/**
 * A replica as the answer of a peer that has it: what has settled and been forgotten there, by the side of what is open
 * here; boots of which nothing is left; and the writes of all others, each from the beginning, in batches that connect.
 *
 * @param open tasks that have not settled here
 */
export function* newsOf(replica: Replica, open: Iterable<TaskRecord>): Generator<News> {
  const { vector } = replica
  const tasks = [...replica.tasks]
  const known = new Set(tasks.map(({ record }) => record.spec.id))
  const ids: TaskId[] = []
  for (const { spec, created } of open) {
    const isCovered = created.every(({ origin, seq }) => seq <= reach(vector, origin))
    if (isCovered && !known.has(spec.id)) ids.push(spec.id)
  }
  if (ids.length > 0) yield { kind: 'pruned', ids }
  const boots = [...vector].filter(([, upTo]) => upTo === CLOSED).map(([boot]) => boot)
  if (boots.length > 0) yield { kind: 'closed', boots: boots.sort(compareText) }
  yield* batchesOf(vector, tasks)
}

function* batchesOf(vector: VersionVector, tasks: readonly StoredTask[]): Generator<Batch> {
  const written = new Map<BootId, Map<number, TaskRecord>>()
  for (const { record, writes } of tasks) {
    for (const { origin, seq } of writes) {
      const log = written.get(origin)
      if (log === undefined) written.set(origin, new Map([[seq, record]]))
      else log.set(seq, record)
    }
  }
  const origins = [...vector].sort(([x], [y]) => compareText(x, y))
  for (const [origin, upTo] of origins) {
    if (upTo === CLOSED) continue
    const log = written.get(origin) ?? new Map<number, TaskRecord>()
    for (let after = 0; after < upTo;) {
      const batch = batchOf(origin, after, upTo, log)
      yield batch
      after += batch.writes.length
    }
  }
}

function batchOf(
  origin: BootId,
  after: number,
  upTo: number,
  log: ReadonlyMap<number, TaskRecord>
): Batch {
  const places = new Map<TaskRecord, number>()
  const writes: number[] = []
  for (let seq = after + 1; seq <= upTo && writes.length < WRITES_MAX; seq++) {
    const record = log.get(seq)
    if (record !== undefined && !places.has(record)) {
      if (places.size === RECORDS_MAX) break
      places.set(record, places.size)
    }
    writes.push(record === undefined ? -1 : places.get(record)!)
  }
  return { kind: 'batch', origin, after, records: [...places.keys()], writes }
}
