/**
 * Cuts a stretch out of the log of one origin, to be sent.
 *
 * Whole, it carries the tasks as they are. Brief, it says of a task only what has become of it, if the reader is likely
 * to know what the task is: because the write that created it stands before the stretch, or in the log of another
 * origin, whose news went to everybody too, as they came here. A task that was given to this node straight may be told
 * to others later than how it ended. A task changes four times as a rule and is made once, so most of what is
 * told of it is brief. A reader that does not know such a task after all merges nothing, and fetches the stretch whole.
 */
import { assert } from '../base/assert.ts'
import type { BootId } from '../base/ids.ts'
import type { Batch, Change } from '../message.ts'
import type { Dot, TaskRecord } from '../task/record.ts'
import type { TaskSpec } from '../task/spec.ts'
import type { Entry } from './entry.ts'
import type { OriginLog } from './origin-log.ts'
import { MessageSize } from './message-size.ts'

/** Whether a write that created a task, in the log of another boot, is likely to be known to a reader. */
export type IsKnown = (write: Dot, spec: TaskSpec) => boolean

/** How a stretch is told: whole, or briefly of tasks that the reader is likely to know. */
export type Detail = 'whole' | IsKnown

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
    const task =
      record === null || detail === 'whole' ? undefined : knownBy(record, origin, after, detail)
    const change = task === undefined ? null : changeOf(record!, task)
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

/** The write by which a reader of this stretch is likely to know the task; undefined if it takes the whole task to tell. */
function knownBy(
  { spec, created }: TaskRecord,
  origin: BootId,
  after: number,
  isKnown: IsKnown
): Dot | undefined {
  const task = created[0]!
  // Of a task that was created twice, what a reader knows depends on what it has heard.
  if (created.length > 1) return undefined
  return (task.origin === origin ? task.seq <= after : isKnown(task, spec)) ? task : undefined
}

/** What has become of a task. */
function changeOf(
  { claim, started, cancelRequest, outcome, components }: TaskRecord,
  task: Dot
): Change {
  const known = { task, claim, started, cancelRequest, outcome }
  return components === undefined ? known : { ...known, components }
}
