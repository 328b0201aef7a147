/**
 * What a state file says, line by line, and whether that can be.
 *
 * Nothing is believed because the checksum fits: every task goes through the codec, and the version vector and what is
 * pruned are held against what they may be.
 */
import type { StoredTask } from '../core/effect.ts'
import { coversOpen, RETIRED, reachIn, type Reach } from '../core/base/version-vector.ts'
import { list } from '../core/base/shape.ts'
import { SPAN, VECTOR } from '../core/message-shapes.ts'
import type { Span, VersionVector } from '../core/message.ts'
import { TASK_LIMITS } from '../core/options.ts'
import type { BlobRef } from '../core/task/content.ts'
import type { TaskSpec } from '../core/task/spec.ts'
import { ForeignStateFileError } from '../shared/errors.ts'
import type { LoadedReplica } from '../ports/ports.ts'
import { decodeStored, encodeStored } from '../wire/codec.ts'

/** A part of a blob; null if no node had the blob when the file was written. */
export type BlobPiece = BlobRef & Readonly<{ base64: string | null }>

/** What says nothing of unreadable writes has no need of a version that knows of them. */
export const VERSIONS = { plain: 3, withUnreadable: 4 } as const
const VERSION = VERSIONS.withUnreadable
export const KIND = 'hearsay-state'
const HASH = /^[0-9a-f]{64}$/
/** More writes than this are no history but a damaged number. */
const WRITES_MAX = 1_000_000_000

/** Which cluster a file has to be of, and under which key; null: any. */
export type Owner = Readonly<{ cluster: string; fingerprint: string | null }>

/** @throws ForeignStateFileError */
export function checkHeader(
  line: string,
  own: Owner
): Pick<LoadedReplica, 'vector' | 'forgotten' | 'unreadable'> {
  const value = attempt(() => JSON.parse(`${line}]}`) as Record<string, unknown> | null)
  if (value === null) throw foreign('its first line is not that of a state file')
  const { v, kind, cluster, fingerprint, vector, forgotten = [], unreadable = [] } = value
  if (kind !== KIND) throw foreign('it does not say that it is one')
  if (typeof v === 'number' && v > VERSION) {
    throw foreign(
      `its version is ${v} and this hearsay reads up to ${VERSION}: load it with a newer one`
    )
  }
  if (v !== VERSION && v !== VERSIONS.plain) {
    throw foreign(`its version is ${JSON.stringify(v)}`)
  }
  if (cluster !== own.cluster) {
    throw foreign(
      `it is of the cluster ${JSON.stringify(cluster)}, and this node is of "${own.cluster}": load it there`
    )
  }
  if (own.fingerprint !== null && fingerprint !== own.fingerprint) {
    throw foreign(
      `it is of a cluster "${own.cluster}" with another key (fingerprint ${JSON.stringify(fingerprint)}, here ${own.fingerprint}): ` +
        'load it on a node that has that key, or with --rekey if you know where it comes from'
    )
  }
  return {
    vector: checkVector(vector),
    forgotten: checkSpans(forgotten, 'what it names as forgotten are no writes'),
    unreadable: checkSpans(unreadable, 'what it names as unreadable are no writes')
  }
}

function checkSpans(value: unknown, otherwise: string): readonly Span[] {
  if (list(SPAN, Infinity).fault(value) !== null) {
    throw damaged(otherwise)
  }
  return (value as readonly Span[]).map(({ origin, after, upTo }) => ({ origin, after, upTo }))
}

function checkVector(value: unknown): VersionVector {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const given = new Map(entries) as VersionVector
  if (VECTOR.fault(given) !== null) throw damaged('its version vector is not one')
  let writes = 0
  for (const upTo of given.values()) if (upTo !== RETIRED) writes += upTo
  if (writes > WRITES_MAX) throw damaged(`it speaks of ${writes} writes`)
  return given
}

/** Checks tasks, one after the other: no two of them may have one write. */
export class TaskChecker {
  readonly #reach: Reach
  /** Writes of the tasks before, by their boots. */
  readonly #seen = new Map<string, Set<number>>()

  constructor(vector: VersionVector) {
    this.#reach = reachIn(vector)
  }

  /** @throws ForeignStateFileError */
  check(text: string, line: number): StoredTask {
    const end = text.endsWith(',') ? -1 : undefined
    const given = attempt(() => completed(JSON.parse(text.slice(0, end)) as StoredTask))
    if (given === null) throw damaged(`its line ${line} is not the JSON of a task`)
    const decoded = attempt(() => decodeStored(encodeStored(given)))
    if (decoded?.ok !== true) {
      const why = decoded?.ok === false ? decoded.why : 'it has another form'
      throw damaged(`its line with the task ${shown(given)} is none: ${why}`)
    }
    const { writes } = decoded.task
    if (writes.length > 0 && writes.every(write => this.#isNew(write))) return decoded.task
    throw damaged(`the writes of the task ${shown(given)} do not fit the rest of the file`)
  }

  #isNew(dot: StoredTask['writes'][number]): boolean {
    const { origin, seq } = dot
    if (!coversOpen(this.#reach, dot)) return false
    let seen = this.#seen.get(origin)
    if (seen === undefined) this.#seen.set(origin, (seen = new Set()))
    if (seen.has(seq)) return false
    seen.add(seq)
    return true
  }
}

/** @throws ForeignStateFileError */
export function checkPiece(text: string): BlobPiece {
  const end = text.endsWith(',') ? -1 : undefined
  const piece = attempt(() => JSON.parse(text.slice(0, end)) as Record<string, unknown> | null)
  const { hash, bytes, base64 } = piece ?? {}
  const isPiece =
    typeof hash === 'string' &&
    HASH.test(hash) &&
    Number.isSafeInteger(bytes) &&
    (bytes as number) > 0 &&
    (bytes as number) <= TASK_LIMITS.blobBytesMax &&
    (base64 === null || (typeof base64 === 'string' && base64 !== ''))
  if (!isPiece) throw damaged('a line is no piece of a large payload or result')
  return { hash, bytes: bytes as number, base64 }
}

/** What files of before do not say. */
const ADDED: Pick<TaskSpec, 'ref' | 'traceparent'> = { ref: null, traceparent: null }

function completed(task: StoredTask): StoredTask {
  const { record } = task
  return { ...task, record: { ...record, spec: { ...ADDED, ...record.spec } } }
}

function attempt<T>(compute: () => T): T | null {
  try {
    return compute()
  } catch {
    return null
  }
}

function shown(task: Partial<StoredTask> | null): string {
  const id: unknown = task?.record?.spec?.id
  return typeof id === 'string' ? JSON.stringify(id.slice(0, 36)) : 'without an id'
}

export function foreign(why: string): ForeignStateFileError {
  return new ForeignStateFileError(
    `that is no state file of this cluster: ${why}; nothing was loaded`
  )
}

export function damaged(why: string): ForeignStateFileError {
  return new ForeignStateFileError(
    `the state file is damaged: ${why}; nothing was loaded, save it again or take another copy`
  )
}
