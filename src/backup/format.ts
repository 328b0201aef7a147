/**
 * The text of a state file: JSON, one task a line, so that people can read it, tools can filter it, and a node can
 * write and read any number of tasks without holding the text of more than one. The bytes of large payloads and results
 * follow, once each and cut into lines.
 *
 *     {"v":3,"kind":"hearsay-state","cluster":"default",...,"vector":{...},"tasks":[
 *     {"record":{...},"writes":[...]},
 *     {"record":{...},"writes":[...]}
 *     ],"blobs":[
 *     {"hash":"...","bytes":200000,"base64":"..."},
 *     {"hash":"...","bytes":200000,"base64":"..."}
 *     ],"sha256":"..."}
 *
 * A task that is missing from a file counts as pruned, so a file with a line too few would do harm: the checksum at its
 * end, over all lines before, refuses it. All of a file is looked at before any task of it is used: half a file is no
 * file. Blobs go to disk as they come; as long as no task names them they do nothing, and are given up after a while.
 */
import { createHash } from 'node:crypto'
import type { StoredTask } from '../core/effect.ts'
import { checkpointIn } from '../core/task/record.ts'
import type { Snapshot } from '../core/replication/snapshot.ts'
import { isBlob, type BlobHash, type BlobRef } from '../core/task/content.ts'
import type { LoadedReplica, ReadBlob, WriteBlob } from '../ports/ports.ts'
import {
  checkHeader,
  checkPiece,
  damaged,
  foreign,
  KIND,
  TaskChecker,
  VERSIONS,
  type BlobPiece,
  type Owner
} from './check.ts'
import { Lines } from './lines.ts'

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

/** Large enough to make system calls rare, small enough to be nothing. */
const PIECE_LENGTH = 65_536
/** Where the tasks end and the blobs begin. */
const BLOBS = '],"blobs":['

/** The file, piece by piece, made as it is read. A blob that no node has is named, without its bytes. */
export async function* stateText(
  header: StateHeader,
  { vector, tasks, forgotten = [], unreadable = [] }: Snapshot,
  readBlob: ReadBlob
): AsyncGenerator<string> {
  const beyond = forgotten.length > 0 ? { forgotten } : {}
  // A version that does not know of unreadable writes would take them for pruned.
  const without = unreadable.length > 0 ? { unreadable } : {}
  const v = unreadable.length > 0 ? VERSIONS.withUnreadable : VERSIONS.plain
  const covered = { vector: Object.fromEntries(vector), ...beyond, ...without }
  const head = JSON.stringify({ v, kind: KIND, ...header, ...covered, tasks: [] })
  const hash = createHash('sha256')
  const hashed = (piece: string): string => {
    hash.update(piece)
    return piece
  }
  const named = new Map<BlobHash, BlobRef>()
  let piece = head.slice(0, -']}'.length)
  let separator = '\n'
  for (const task of tasks) {
    for (const ref of blobsOf(task)) named.set(ref.hash, ref)
    piece += separator + JSON.stringify(task)
    separator = ',\n'
    if (piece.length < PIECE_LENGTH) continue
    yield hashed(piece)
    piece = ''
  }
  yield hashed(`${piece}\n${BLOBS}`)
  separator = '\n'
  for (const ref of named.values()) {
    for await (const line of blobLines(ref, readBlob)) {
      yield hashed(separator + line)
      separator = ',\n'
    }
  }
  yield `${hashed('\n')}],"sha256":"${hash.digest('hex')}"}\n`
}

async function* blobLines({ hash, bytes }: BlobRef, readBlob: ReadBlob): AsyncGenerator<string> {
  const chunks = await readBlob({ hash, bytes })
  const line = (base64: string | null): string => {
    return JSON.stringify({ hash, bytes, base64 } satisfies BlobPiece)
  }
  if (chunks === null) return yield line(null)
  for await (const chunk of chunks) {
    yield line(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('base64'))
  }
}

/**
 * Reads a file.
 *
 * @param pieces its text, cut anywhere
 * @param own the cluster that it has to be of
 * @param writeBlob takes the bytes of one blob after the other
 * @throws ForeignStateFileError if it is another cluster's, of a newer version, cut off, or no state file at all
 */
export async function readState(
  pieces: AsyncIterable<string> | Iterable<string>,
  own: Owner,
  writeBlob: WriteBlob
): Promise<LoadedReplica> {
  const lines = new Lines(pieces)
  const first = await next(lines)
  if (first === null) throw foreign('it is empty')
  const head = checkHeader(first, own)
  const checker = new TaskChecker(head.vector)
  const tasks: StoredTask[] = []
  const named = new Map<BlobHash, BlobRef>()
  let line = await next(lines)
  for (; line !== null && line !== BLOBS; line = lines.here() ?? (await next(lines))) {
    const task = checker.check(line, tasks.length + 2)
    for (const ref of blobsOf(task)) named.set(ref.hash, ref)
    tasks.push(task)
  }
  const last = await takeBlobs(lines, named, writeBlob)
  if (last !== `],"sha256":"${lines.checksum()}"}`) {
    throw damaged('its checksum does not fit, so it was changed after it was saved')
  }
  if ((await next(lines)) !== null) throw damaged('there is something after its end')
  return { ...head, tasks }
}

/** @returns the line after the last blob */
async function takeBlobs(
  lines: Lines,
  named: Map<BlobHash, BlobRef>,
  writeBlob: WriteBlob
): Promise<string> {
  for (;;) {
    const line = await next(lines)
    if (line === null) throw damaged('it ends in the middle')
    if (line.startsWith(']')) return line
    const piece = checkPiece(line)
    if (named.get(piece.hash)?.bytes !== piece.bytes) {
      throw damaged(`no task names a payload or result ${piece.hash} of ${piece.bytes} bytes`)
    }
    named.delete(piece.hash)
    if (piece.base64 === null) continue
    const { hash } = await writeBlob(chunksOf(piece, lines))
    if (hash !== piece.hash) throw damaged(`the bytes of ${piece.hash} were changed`)
  }
}

/** The bytes of a blob, of which this is the first piece. */
async function* chunksOf(first: BlobPiece, lines: Lines): AsyncGenerator<Uint8Array> {
  let length = 0
  for (let piece = first; ;) {
    const chunk = Buffer.from(piece.base64 ?? '', 'base64')
    length += chunk.length
    if (chunk.length === 0 || length > first.bytes) break
    yield chunk
    if (length === first.bytes) return
    const line = await next(lines)
    if (line === null) throw damaged('it ends in the middle')
    piece = checkPiece(line)
    if (piece.hash !== first.hash) break
  }
  throw damaged(`the pieces of ${first.hash} are not ${first.bytes} bytes`)
}

async function next(lines: Lines): Promise<string | null> {
  try {
    return await lines.next()
  } catch (error) {
    throw error instanceof RangeError ? foreign('it is not made of lines') : error
  }
}

function blobsOf({ record }: StoredTask): readonly BlobRef[] {
  const { spec, outcome } = record
  return [spec.payload, outcome?.result ?? null, checkpointIn(record)?.blob ?? null].filter(isBlob)
}
