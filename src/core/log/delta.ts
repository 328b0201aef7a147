/**
 * Cuts a stretch out of the log of one origin, to be sent: a delta.
 *
 * A task is told whole, as a record; or briefly, as a change, without its spec. Briefly only if the reader is likely to
 * know the task: the write that created it stands in this log before the stretch, or in the log of another origin whose
 * news have reached all members by now. A task is created once and changes about four times, so most of a stretch is
 * brief. A reader that does not know one of its tasks after all merges nothing of it, and fetches the stretch whole.
 */
import { assert } from '../base/assert.ts'
import type { BootId } from '../base/ids.ts'
import { PRUNED, type Batch, type Change } from '../message.ts'
import { addedOf, type Dot, type TaskRecord } from '../task/record.ts'
import type { TaskSpec } from '../task/spec.ts'
import type { Entry } from './entry.ts'
import type { OriginLog } from './origin-log.ts'
import { MessageSize } from './message-size.ts'

/** Whether a reader is likely to know a task that was created by this write, in the log of another boot. */
export type IsKnown = (creation: Dot, spec: TaskSpec) => boolean

/** How tasks are told: all whole, or briefly where that is enough. */
export type Detail = 'whole' | IsKnown

/** The writes after `after` up to `until`, which are on disk, as far as they fit into `bytesMax`; one at least. */
export function deltaOf(
  origin: BootId,
  log: OriginLog,
  after: number,
  until: number,
  bytesMax: number,
  detail: Detail
): Batch {
  const size = new MessageSize()
  const places = new Map<Entry, number>()
  const records: TaskRecord[] = []
  const changes: Change[] = []
  const writes: number[] = []
  for (let seq = after + 1; seq <= until; seq++) {
    const entry = log.at(seq)
    const earlier = entry === null ? PRUNED : places.get(entry)
    const record = earlier === undefined ? entry!.durable : null
    assert(earlier !== undefined || record !== null, 'a task with a write on disk is on disk')
    const creation =
      record === null || detail === 'whole' ? undefined : knownBy(record, origin, after, detail)
    const change = creation === undefined ? null : changeOf(record!, creation)
    size.addWrite()
    if (change !== null) size.addChange(change)
    else if (record !== null) size.add(record)
    if (size.bytes > bytesMax && writes.length > 0) break
    // Changes are numbered on after all records. How many those are is not known yet: a change counts down until then.
    let place = earlier
    if (change !== null) place = PRUNED - changes.push(change)
    else if (record !== null) place = records.push(record) - 1
    if (record !== null) places.set(entry!, place!)
    writes.push(place!)
  }
  const batch: Batch = { kind: 'batch', origin, after, records, writes }
  if (changes.length === 0) return batch
  const placeOf = (place: number): number =>
    place < PRUNED ? records.length + PRUNED - 1 - place : place
  return { ...batch, changes, writes: writes.map(placeOf) }
}

/**
 * The write by which a reader of this stretch is likely to know the task; undefined if the task has to be told whole.
 */
function knownBy(
  { spec, created }: TaskRecord,
  origin: BootId,
  after: number,
  isKnown: IsKnown
): Dot | undefined {
  const creation = created[0]!
  // A reader of a task that was created twice may know it by the other creation alone.
  if (created.length > 1) return undefined
  const isLikely = creation.origin === origin ? creation.seq <= after : isKnown(creation, spec)
  return isLikely ? creation : undefined
}

/** What has become of a task, which is named by the write that created it. */
function changeOf(record: TaskRecord, task: Dot): Change {
  const { claim, started, cancelRequest, outcome } = record
  return { task, claim, started, cancelRequest, outcome, ...addedOf(record) }
}
