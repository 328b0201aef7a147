/**
 * Payloads and results as a run meets them: plain values, read from JSON text or from a blob's file, and written back.
 *
 * Works the same in a worker thread and on the node's own thread; only where the files are is different to know.
 */
import { createHash } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import type { Run } from '../core/effect.ts'
import { TASK_LIMITS } from '../core/options.ts'
import { isBlob, type BlobHash, type BlobRef, type Content } from '../core/task/content.ts'

/** `parse` as it is before any handler is loaded: one that replaces it has not the payloads of others in its hand. */
const { parse } = JSON
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Where the blobs of one run are: those that it reads, and the one that it may write. Passed on to threads. */
export type RunFiles = Readonly<{
  paths: ReadonlyMap<BlobHash, string>
  /** Null where large results have no place. */
  result: string | null
}>

/** What a handler is given. */
export type RunValues = Readonly<{
  payload: unknown
  dependencies: Readonly<Record<string, unknown>>
  /** What the attempt before saved: a value, or bytes that are no JSON; undefined: nothing. */
  checkpoint: unknown
}>

/** @throws SyntaxError if one is no JSON, and whatever reading a file may throw */
export async function readValues(run: Run, { paths }: RunFiles): Promise<RunValues> {
  const read = async (content: Content): Promise<unknown> =>
    parse(isBlob(content) ? await readBlob(content, paths.get(content.hash)!) : content)
  const payload = await read(run.payload)
  const dependencies: [string, unknown][] = []
  for (const [id, content] of run.dependencies) dependencies.push([id, await read(content)])
  const checkpoint = await readSaved(run, paths)
  return { payload, dependencies: Object.fromEntries(dependencies), checkpoint }
}

async function readSaved({ checkpoint }: Run, paths: RunFiles['paths']): Promise<unknown> {
  if (checkpoint === undefined) return undefined
  const bytes = await readBytes(checkpoint, paths.get(checkpoint.hash)!)
  try {
    return parse(decoder.decode(bytes))
  } catch {
    return new Uint8Array(bytes)
  }
}

async function readBlob(ref: BlobRef, path: string): Promise<string> {
  return (await readBytes(ref, path)).toString('utf8')
}

async function readBytes({ hash }: BlobRef, path: string): Promise<Buffer> {
  const bytes = await readFile(path)
  if (createHash('sha256').update(bytes).digest('hex') === hash) return bytes
  throw new Error(`the blob ${hash} is damaged on this node's disk`)
}

/** The blobs that a run reads. */
export function blobsOf(run: Run): BlobRef[] {
  const { payload, dependencies, checkpoint = null } = run
  return [payload, ...dependencies.values(), checkpoint].filter(isBlob)
}

/** Writes a result, JSON text, to a file of its own, synced. Null if it is larger than a result may be. */
export async function writeResult(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
): Promise<BlobRef | null> {
  const hash = createHash('sha256')
  let bytes = 0
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const piece of pieces) {
      hash.update(piece)
      bytes += piece.length
      if (bytes > TASK_LIMITS.blobBytesMax) return null
      await file.writeFile(piece)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { hash: hash.digest('hex'), bytes }
}
