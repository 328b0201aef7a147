/**
 * Cuts a stretch out of the log of one origin, to be sent.
 *
 * Whole, it carries the tasks as they are. Brief, it says of a task only what has become of it, if the reader is likely
 * to know what the task is: because the write that created it stands before the stretch, or in the log of another
 * origin, whose news went to everybody too. A task changes four times as a rule and is made once, so most of what is
 * told of it is brief. A reader that does not know such a task after all merges nothing, and fetches the stretch whole.
 */
import { assert } from '../base/assert.ts'
import type { BootId } from '../base/ids.ts'
import type { Batch, Change } from '../message.ts'
import type { TaskRecord } from '../task/record.ts'
import type { Entry } from './entry.ts'
import type { OriginLog } from './origin-log.ts'
import { MessageSize } from './message-size.ts'

/** The shape of a stretch: for whom it is meant. */
export type Detail = 'whole' | 'brief'

/**
 * The writes after `after` up to `until`, which are on disk, as far as they fit into `bytesMax`; at least one.
 */
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
    const known = entry === null ? -1 : places.get(entry)
    const record = known === undefined ? entry!.durable : null
    assert(known !== undefined || record !== null, 'a task with a write on disk is on disk')
    const change = record === null || detail === 'whole' ? null : briefly(record, origin, after)
    size.addWrite()
    if (change !== null) size.addChange(change)
    else if (record !== null) size.add(record)
    if (size.bytes > bytesMax && writes.length > 0) break
    // Which place a change has is known when all records are: until then it is told from them by its sign.
    let place = known
    if (change !== null) place = -1 - changes.push(change)
    else if (record !== null) place = records.push(record) - 1
    if (record !== null) places.set(entry!, place!)
    writes.push(place!)
  }
  const batch: Batch = { kind: 'batch', origin, after, records, writes }
  if (changes.length === 0) return batch
  const placed = writes.map(place => (place < -1 ? records.length - 2 - place : place))
  return { ...batch, changes, writes: placed }
}

/** What has become of a task; null if it takes the whole task to tell. */
function briefly(record: TaskRecord, origin: BootId, after: number): Change | null {
  const { created, claim, started, cancelRequest, outcome, components } = record
  const task = created[0]!
  // A task that was created twice is told whole: which of its specs a reader knows depends on what it has heard.
  if (created.length > 1 || (task.origin === origin && task.seq > after)) return null
  const known = { task, claim, started, cancelRequest, outcome }
  return components === undefined ? known : { ...known, components }
}
