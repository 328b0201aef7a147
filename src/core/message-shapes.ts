/**
 * What each kind of message may be: asserted where it is encoded, and all that is read.
 */
import {
  absentOr,
  asserted,
  dictionary,
  flag,
  list,
  map,
  nullable,
  oneOf,
  openOneOf,
  struct,
  text,
  whole,
  type ListShape,
  type OtherShape,
  type StructShape,
  type TextShape,
  type WholeShape
} from './base/shape.ts'
import { CLOCK_MS_MAX, STAMP_MAX } from './base/hlc.ts'
import { SEQ_MAX, type BootId } from './base/ids.ts'
import { UNREADABLE_MAX } from './base/coverage.ts'
import { RETIRED } from './base/version-vector.ts'
import {
  DEFAULT_POOL,
  HISTOGRAM_BUCKETS,
  type TypeCounts,
  LEFT_AT,
  LOOP_LAG_MS_MAX,
  PAUSES,
  REPLACED_WHYS,
  type Batch,
  type Change,
  type Counts,
  type Departure,
  type Drain,
  type Undrain,
  type Expected,
  type Farewell,
  type Find,
  type Forgotten,
  type Found,
  type Goodbye,
  type Grant,
  type Heartbeat,
  type Introduction,
  type Kept,
  type Message,
  type Offer,
  type PoolState,
  type Pruned,
  type Replaced,
  type Span,
  type StealRequest,
  type SyncRequest,
  type VersionVector,
  type Who,
  type Ack
} from './message.ts'
import {
  BLOBS_PER_MESSAGE_MAX,
  COUNTS_TYPES_PER_MESSAGE_MAX,
  FIND_IDS_MAX,
  GOSSIP_BYTES_MAX,
  LIMITS,
  SETTLED_MAX_MAX,
  TASK_LIMITS
} from './options.ts'
import type { Labels } from './task/labels.ts'
import {
  ANY_BLOB,
  BLOB_HASH,
  BOOT,
  CANCEL_REQUEST,
  CHECKPOINT,
  CLAIM,
  DOT,
  DURATION,
  LABEL,
  OUTCOME,
  POOL_NAME,
  RECORD,
  STAMP,
  STARTED,
  TASK_ID,
  TASK_TYPE
} from './task/shapes.ts'

type Body<T> = StructShape<Omit<T, 'kind'>>

export const LABELS: OtherShape<Labels> = dictionary(LABEL, LABEL, LIMITS.labelsMax)

/** Up to which write: as far as any boot can write, or all of one that is retired. */
const WRITES = whole(RETIRED, 1)
const REACH: WholeShape = { ...WRITES, fault: upTo => WRITES.fault(upTo) ?? beyond(upTo as number) }

function beyond(upTo: number): string | null {
  return upTo <= SEQ_MAX || upTo === RETIRED
    ? null
    : `${upTo} is beyond the last write there can be`
}

export const VECTOR_ENTRY: StructShape<{ origin: BootId; seq: number }> = struct<{
  origin: BootId
  seq: number
}>({ origin: BOOT, seq: REACH }, { rule: ({ seq }) => beyond(seq) })
export const VECTOR: OtherShape<VersionVector> = map(BOOT, REACH, LIMITS.vectorEntriesMax)

/** A place in the log of one origin: behind the write of this number, or before the first. */
const PLACE = whole(SEQ_MAX)

export const SPAN: StructShape<Span> = struct<Span>(
  { origin: BOOT, after: PLACE, upTo: PLACE },
  { rule: ({ after, upTo }) => (after < upTo ? null : 'a stretch of no writes') }
)

/** What of a vector could not be read. Absent: nothing. */
const UNREAD: ListShape<Span> = absentOr(list(SPAN, UNREADABLE_MAX))

const NODE_NAME: TextShape = text(LIMITS.nodeNameBytesMax)

export const EXPECTED: StructShape<Expected> = struct<Expected>({
  name: NODE_NAME,
  at: STAMP,
  expected: flag
})

export const DEPARTURE: StructShape<Departure> = struct<Departure>(
  { boot: BOOT, at: whole(LEFT_AT), forgotten: flag, upTo: PLACE },
  { rule: ({ at }) => (at <= STAMP_MAX || at === LEFT_AT ? null : `${at} is no time`) }
)

export const POOL: StructShape<PoolState> = struct<PoolState>({
  name: POOL_NAME,
  slots: whole(LIMITS.slotsMax),
  running: whole(LIMITS.slotsMax),
  queued: whole(),
  types: list(TASK_TYPE, LIMITS.handlersMax),
  labels: LABELS,
  external: flag
})

/** What a node says of itself is kept for as long as it is a member, so all of it together has a bound, too. */
export const HEARTBEAT: Body<Heartbeat> = struct<Omit<Heartbeat, 'kind'>>(
  {
    boot: BOOT,
    name: NODE_NAME,
    version: text(LIMITS.versionBytesMax),
    at: STAMP,
    slots: whole(LIMITS.slotsMax),
    running: whole(LIMITS.slotsMax),
    queued: whole(),
    draining: flag,
    paused: absentOr(openOneOf(PAUSES)),
    handlers: list(TASK_TYPE, LIMITS.handlersMax),
    labels: LABELS,
    addresses: list(text(LIMITS.addressBytesMax), LIMITS.addressesMax),
    vector: VECTOR,
    stopAfterIsolatedMs: nullable(whole(TASK_LIMITS.timeoutMsMax)),
    roster: list(EXPECTED, LIMITS.rosterMax),
    departures: list(DEPARTURE, LIMITS.departuresMax),
    clockMs: whole(CLOCK_MS_MAX),
    loopLagMs: whole(LOOP_LAG_MS_MAX),
    met: list(BOOT, LIMITS.metMax),
    unreadable: UNREAD,
    revision: whole(),
    floor: nullable(STAMP),
    settledMax: whole(SETTLED_MAX_MAX),
    settledKept: whole(),
    pools: absentOr(list(POOL, LIMITS.poolsMax)),
    loose: absentOr(flag)
  },
  {
    rule: ({ handlers, addresses, labels, pools = [] }) => {
      const names = pools.map(({ name }) => name)
      if (new Set([DEFAULT_POOL, ...names]).size <= names.length) return 'two pools of one name'
      const types = pools.flatMap(pool => pool.types)
      if (types.length > LIMITS.poolTypesMax) return `pools with ${types.length} types`
      const all = [labels, ...pools.map(pool => pool.labels)].flatMap(each => Object.entries(each))
      const texts = [...handlers, ...addresses, ...names, ...types, ...all.flat()]
      const length = texts.reduce((sum, each) => sum + each.length, 0)
      return length <= GOSSIP_BYTES_MAX
        ? null
        : `handlers, pools, labels and addresses of ${length} letters`
    }
  }
)

export const CHANGE: StructShape<Change> = struct<Change>({
  task: DOT,
  claim: CLAIM,
  started: nullable(STARTED),
  cancelRequest: nullable(CANCEL_REQUEST),
  outcome: nullable(OUTCOME),
  checkpoint: absentOr(CHECKPOINT)
})

/** Records in messages come from the log, and were checked there when they were written or read. */
const RECORDS: ListShape<NonNullable<(typeof RECORD)['of']>> = list(
  asserted(RECORD),
  LIMITS.recordsMax
)

export const BATCH: Body<Required<Batch>> = struct<Omit<Required<Batch>, 'kind'>>(
  {
    origin: BOOT,
    after: PLACE,
    records: RECORDS,
    changes: absentOr(list(asserted(CHANGE), LIMITS.recordsMax)),
    writes: list(whole(2 ** 31, -1), LIMITS.writesMax)
  },
  {
    rule: ({ after, writes, records, changes = [] }: Omit<Batch, 'kind'>) => {
      const places = records.length + changes.length
      if (writes.some(place => place >= places)) return 'a write of no record'
      return after + writes.length > SEQ_MAX ? 'writes beyond the last there can be' : null
    }
  }
)

export const ACK: Body<Ack> = struct<Omit<Ack, 'kind'>>({
  boot: BOOT,
  vector: VECTOR,
  unreadable: UNREAD
})

export const STEAL: Body<StealRequest> = struct<Omit<StealRequest, 'kind'>>({
  request: whole(),
  boot: BOOT,
  want: whole(LIMITS.wantMax),
  handlers: list(TASK_TYPE, LIMITS.handlersMax),
  labels: LABELS,
  pool: absentOr(POOL_NAME)
})

export const GRANT: Body<Grant> = struct<Omit<Grant, 'kind'>>({
  request: whole(),
  boot: BOOT,
  records: list(asserted(RECORD), LIMITS.wantMax),
  dependencies: RECORDS
})

export const FIND: Body<Find> = struct<Omit<Find, 'kind'>>({
  boot: BOOT,
  ids: list(TASK_ID, FIND_IDS_MAX)
})

export const FOUND: Body<Found> = struct<Omit<Found, 'kind'>>({
  boot: BOOT,
  ids: list(TASK_ID, FIND_IDS_MAX),
  records: list(asserted(RECORD), FIND_IDS_MAX),
  forgotten: list(TASK_ID, FIND_IDS_MAX)
})

export const GOODBYE: Body<Goodbye> = struct<Omit<Goodbye, 'kind'>>({ boot: BOOT, upTo: PLACE })
export const FAREWELL: Body<Farewell> = struct<Omit<Farewell, 'kind'>>({ boot: BOOT })
export const SYNC: Body<SyncRequest> = struct<Omit<SyncRequest, 'kind'>>({
  boot: BOOT,
  vector: VECTOR,
  unreadable: UNREAD,
  again: UNREAD
})

export const FORGOTTEN: Body<Forgotten> = struct<Omit<Forgotten, 'kind'>>({
  spans: list(SPAN, LIMITS.spansMax),
  boots: list(BOOT, LIMITS.vectorEntriesMax),
  more: flag
})

export const PRUNED: Body<Pruned> = struct<Omit<Pruned, 'kind'>>({
  ids: list(TASK_ID, LIMITS.prunedMax)
})
export const OFFER: Body<Offer> = struct<Omit<Offer, 'kind'>>({
  boot: BOOT,
  blobs: list(ANY_BLOB, BLOBS_PER_MESSAGE_MAX)
})
export const KEPT: Body<Kept> = struct<Omit<Kept, 'kind'>>({
  boot: BOOT,
  hashes: list(BLOB_HASH, BLOBS_PER_MESSAGE_MAX)
})
export const DRAIN: Body<Drain> = struct<Omit<Drain, 'kind'>>({ boot: BOOT })
export const UNDRAIN: Body<Undrain> = struct<Omit<Undrain, 'kind'>>({ boot: BOOT })
export const WHO: Body<Who> = struct<Omit<Who, 'kind'>>({ boots: list(BOOT, LIMITS.whoMax) })
export const INTRODUCTION: Body<Introduction> = struct<Omit<Introduction, 'kind'>>({
  heartbeat: HEARTBEAT as StructShape<Heartbeat>
})
export const REPLACED: Body<Replaced> = struct<Omit<Replaced, 'kind'>>({
  boot: BOOT,
  why: oneOf(REPLACED_WHYS),
  addresses: list(text(LIMITS.addressBytesMax), LIMITS.addressesMax)
})

const COUNT = whole()
export const TYPE_COUNTS: StructShape<TypeCounts> = struct<TypeCounts>({
  type: TASK_TYPE,
  completed: COUNT,
  failed: COUNT,
  cancelled: COUNT,
  retried: COUNT,
  runs: struct<TypeCounts['runs']>({
    sumMs: DURATION,
    counts: list(whole(), HISTOGRAM_BUCKETS)
  })
})

export const COUNTS: Body<Counts> = struct<Omit<Counts, 'kind'>>({
  boot: BOOT,
  sequence: whole(Number.MAX_SAFE_INTEGER, 1),
  types: list(TYPE_COUNTS, COUNTS_TYPES_PER_MESSAGE_MAX)
})

/** The shapes of messages, by kind. */
export const MESSAGE_SHAPES: {
  readonly [K in Message['kind']]: StructShape<Omit<Extract<Message, { kind: K }>, 'kind'>>
} = {
  heartbeat: HEARTBEAT,
  batch: BATCH as Body<Batch>,
  ack: ACK,
  steal: STEAL,
  grant: GRANT,
  find: FIND,
  found: FOUND,
  goodbye: GOODBYE,
  farewell: FAREWELL,
  sync: SYNC,
  forgotten: FORGOTTEN,
  pruned: PRUNED,
  offer: OFFER,
  kept: KEPT,
  drain: DRAIN,
  undrain: UNDRAIN,
  who: WHO,
  introduction: INTRODUCTION,
  replaced: REPLACED,
  counts: COUNTS
}
