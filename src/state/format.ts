/**
 * The text of a state file: JSON, one task a line, so that people can read it, tools can filter it, and a node can write
 * and read any number of tasks without holding the text of more than one.
 *
 *     {"v":1,"kind":"hearsay-state","cluster":"default",...,"vector":{...},"tasks":[
 *     {"record":{...},"writes":[...]},
 *     {"record":{...},"writes":[...]}
 *     ],"sha256":"..."}
 *
 * A task that is missing from a file counts as pruned, so a file with a line too few would do harm: the checksum at its
 * end, over all lines before, refuses it. Nor is anything else believed. Every task goes through the codec, which knows
 * every bound. All of a file is looked at before any of it is used: half a file is no file.
 */
import { createHash, type Hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { StoredTask } from '../core/effect.ts'
import type { Replica } from '../core/log/replica.ts'
import { CLOSED, reach } from '../core/base/vector.ts'
import type { Span, VersionVector } from '../core/message.ts'
import { ForeignStateFileError } from '../errors.ts'
import type { LoadedReplica } from '../node/ports.ts'
import { decode, decodeStored, encode, encodeStored } from '../wire/codec.ts'

/** What a file says of itself. */
export type StateHeader = Readonly<{
  cluster: string
  /** Derived from the cluster key. */
  fingerprint: string
  /** RFC 3339. */
  savedAt: string
  /** Who saved it, `computer/instance`. */
  node: string
}>

const VERSION = 2
const KIND = 'hearsay-state'
/** Large enough to make system calls rare, small enough to be nothing. */
const PIECE_LENGTH = 65_536
/** Any task is far below it: what has no end of line for so long is some other file. */
const LINE_LENGTH_MAX = 8 * 1024 * 1024
/** More writes than this are no history but a damaged number. */
const WRITES_MAX = 1_000_000_000

/** The file, piece by piece, made as it is read. */
export function* stateText(
  header: StateHeader,
  { vector, tasks, forgotten = [] }: Replica
): Generator<string> {
  const beyond = forgotten.length > 0 ? { forgotten } : {}
  const covered = { vector: Object.fromEntries(vector), ...beyond }
  const head = { v: VERSION, kind: KIND, ...header, ...covered, tasks: [] }
  const hash = createHash('sha256')
  let piece = JSON.stringify(head).slice(0, -']}'.length)
  let separator = '\n'
  for (const task of tasks) {
    piece += separator + JSON.stringify(task)
    separator = ',\n'
    if (piece.length < PIECE_LENGTH) continue
    hash.update(piece)
    yield piece
    piece = ''
  }
  piece += '\n'
  hash.update(piece)
  yield `${piece}],"sha256":"${hash.digest('hex')}"}\n`
}

/**
 * Reads a file.
 *
 * @param pieces its text, cut anywhere
 * @param own the cluster that it has to be of
 * @throws ForeignStateFileError if it is another cluster's, of a newer version, cut off, or no state file at all
 */
export async function readState(
  pieces: AsyncIterable<string> | Iterable<string>,
  own: Readonly<{ cluster: string; fingerprint: string }>
): Promise<LoadedReplica> {
  let head: Pick<LoadedReplica, 'vector' | 'forgotten'> | null = null
  let isWhole = false
  const tasks: StoredTask[] = []
  const seen: Seen = new Map()
  const hash = createHash('sha256')
  for await (const line of linesOf(pieces)) {
    if (isWhole) throw damaged('there is something after its end')
    if (head === null) head = checkHeader(parse(`${line}]}`, 1), own)
    else if (line.startsWith(']')) isWhole = checkEnd(line, hash)
    else tasks.push(checkTask(parse(line.replace(/,$/, ''), tasks.length + 2), head.vector, seen))
    if (!isWhole) hash.update(`${line}\n`)
  }
  if (head === null) throw foreign('it is empty')
  if (!isWhole) throw damaged('it ends in the middle')
  return { ...head, tasks }
}

async function* linesOf(pieces: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop()!
    if (rest.length > LINE_LENGTH_MAX) throw foreign('it is not made of lines')
    yield* lines
  }
  if (rest !== '') yield rest
}

function parse(text: string, line: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw line === 1
      ? foreign('its first line is not that of a state file')
      : damaged(`its line ${line} is not the JSON of a task`)
  }
}

function checkHeader(
  value: unknown,
  own: Readonly<{ cluster: string; fingerprint: string }>
): Pick<LoadedReplica, 'vector' | 'forgotten'> {
  const {
    v,
    kind,
    cluster,
    fingerprint,
    vector,
    forgotten = []
  } = (value ?? {}) as Record<string, unknown>
  if (kind !== KIND) throw foreign('it does not say that it is one')
  if (typeof v === 'number' && v > VERSION) {
    throw foreign(
      `its version is ${v} and this hearsay reads up to ${VERSION}: load it with a newer one`
    )
  }
  if (v !== VERSION) throw foreign(`its version is ${JSON.stringify(v)}`)
  if (cluster !== own.cluster) {
    throw foreign(
      `it is of the cluster ${JSON.stringify(cluster)}, and this node is of "${own.cluster}": load it there`
    )
  }
  if (fingerprint !== own.fingerprint) {
    throw foreign(
      `it is of a cluster "${own.cluster}" with another key (fingerprint ${JSON.stringify(fingerprint)}, here ${own.fingerprint}): ` +
        'load it on a node that has that key'
    )
  }
  return { vector: checkVector(vector), forgotten: checkForgotten(forgotten) }
}

/** By the codec, one by one. */
function checkForgotten(value: unknown): readonly Span[] {
  const spans = Array.isArray(value) ? (value as Span[]) : [null]
  for (const span of spans) {
    const given = [span] as Span[]
    const decoded = attempt(() =>
      decode(encode({ kind: 'forgotten', spans: given, boots: [], more: false }))
    )
    const read =
      decoded?.ok === true && decoded.message.kind === 'forgotten' ? decoded.message.spans : null
    if (!isDeepStrictEqual(read, given)) {
      throw damaged('what it names as forgotten are no writes')
    }
  }
  return spans as readonly Span[]
}

/** By the codec, as part of a message that carries nothing else. */
function checkVector(value: unknown): VersionVector {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const given = new Map(entries) as VersionVector
  const [boot] = given.keys()
  if (boot === undefined) return given
  const decoded = attempt(() => decode(encode({ kind: 'ack', boot, vector: given })))
  const read =
    decoded?.ok === true && decoded.message.kind === 'ack' ? decoded.message.vector : null
  if (read === null || !isDeepStrictEqual(new Map(read), new Map(given))) {
    throw damaged('its version vector is not one')
  }
  let writes = 0
  for (const upTo of given.values()) if (upTo !== CLOSED) writes += upTo
  if (writes > WRITES_MAX) throw damaged(`it speaks of ${writes} writes`)
  return given
}

/** Writes of the tasks before, by their boots. */
type Seen = Map<string, Set<number>>

function checkTask(value: unknown, vector: VersionVector, seen: Seen): StoredTask {
  const given = value as StoredTask
  const decoded = attempt(() => decodeStored(encodeStored(given)))
  if (decoded?.ok !== true) {
    const why = decoded?.ok === false ? decoded.why : 'it has another form'
    throw damaged(`its line with the task ${shown(given)} is none: ${why}`)
  }
  const { writes } = decoded.task
  const wrong = writes.find(({ origin, seq }) => {
    const upTo = reach(vector, origin)
    const before = seen.get(origin) ?? new Set()
    if (seq > upTo || upTo === CLOSED || before.has(seq)) return true
    seen.set(origin, before.add(seq))
    return false
  })
  if (wrong === undefined && writes.length > 0) return decoded.task
  throw damaged(`the writes of the task ${shown(given)} do not fit the rest of the file`)
}

/** Whether the last line fits all those before it; there is no other answer than yes. */
function checkEnd(line: string, hash: Hash): true {
  if (line === `],"sha256":"${hash.digest('hex')}"}`) return true
  throw damaged('its checksum does not fit, so it was changed after it was saved')
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

function foreign(why: string): ForeignStateFileError {
  return new ForeignStateFileError(
    `that is no state file of this cluster: ${why}; nothing was loaded`
  )
}

function damaged(why: string): ForeignStateFileError {
  return new ForeignStateFileError(
    `the state file is damaged: ${why}; nothing was loaded, save it again or take another copy`
  )
}
