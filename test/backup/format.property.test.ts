/** A state file holds what was saved, or is refused: as a whole, cut anywhere, changed anywhere. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoredTask } from '../../src/core/effect.ts'
import type { Snapshot } from '../../src/core/replication/snapshot.ts'
import { isBlob, type BlobRef, type Content } from '../../src/core/task/content.ts'
import { isSettled } from '../../src/core/task/record.ts'
import type { ReadBlob } from '../../src/ports/ports.ts'
import { readState, stateText } from '../../src/backup/format.ts'
import { StateContents } from '../../src/backup/state-contents.ts'
import { BOOTS, stored } from '../support/arbitraries.ts'

const OWN = { cluster: 'test', fingerprint: 'abcd' }
const HEADER = { ...OWN, savedAt: '2026-01-31T12:00:00.000Z', node: 'computer-a/1' }
/** Of pieces of a text, in characters. */
const PIECE = 1000
/** Of a blob, in bytes. */
const CHUNK = 4000

type Blobs = Map<string, Buffer>
const BLOBS: Blobs = new Map(
  [9000, 10_001, 12_000].map((bytes, n) => {
    const blob = Buffer.alloc(bytes, `blob ${n} `)
    return [hashOf(blob), blob]
  })
)

type File = Snapshot & Readonly<{ tasks: readonly StoredTask[] }>

/** Tasks of which each has writes that no other has, and a vector that covers them. */
const file: fc.Arbitrary<File> = fc.array(stored, { maxLength: 8 }).map(tasks => {
  const vector = new Map<string, number>()
  const written = tasks.map(({ record }, n) => {
    const writes = Array.from({ length: 1 + (n % 3) }, (_, i) => {
      const origin = BOOTS[(n + i) % BOOTS.length]!
      const seq = (vector.get(origin) ?? 0) + 1 + (n % 2)
      vector.set(origin, seq)
      return { origin, seq }
    })
    const { spec, outcome, checkpoint } = record
    const named = { ...spec, payload: real(spec.payload, n) }
    const result = outcome === null ? null : { ...outcome, result: real(outcome.result, n + 1) }
    const saved =
      checkpoint === undefined ? {} : { checkpoint: { ...checkpoint, blob: realBlob(n + 2) } }
    return { record: { ...record, spec: named, outcome: result, ...saved }, writes }
  })
  return { vector, tasks: written, forgotten: [] }
})

/** A blob that there is, in place of one that is made up. */
function real<T extends Content | null>(content: T, n: number): T | Content {
  return isBlob(content) ? realBlob(n) : content
}

function realBlob(n: number): BlobRef {
  const [hash, bytes] = [...BLOBS][n % BLOBS.size]!
  return { hash, bytes: bytes.length }
}

/** The blobs that the tasks of a file name: what an attempt has saved counts while another one may follow it. */
function blobsOf({ tasks }: File): Blobs {
  const named = tasks.flatMap(({ record }) => {
    const { spec, outcome, checkpoint } = record
    return [spec.payload, outcome?.result, isSettled(record) ? null : checkpoint?.blob]
  })
  const hashes = new Set(named.map(content => (content as { hash?: string } | null)?.hash))
  return new Map([...BLOBS].filter(([hash]) => hashes.has(hash)))
}

async function textOf(snapshot: Snapshot, blobs: Blobs = BLOBS): Promise<string> {
  let text = ''
  const read: ReadBlob = async ({ hash }) => {
    const bytes = blobs.get(hash)
    return bytes === undefined ? null : chunksOf(bytes)
  }
  for await (const piece of stateText(HEADER, snapshot, read)) text += piece
  return text
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK)
}

/** Reads a file; its blobs are put into `blobs`. */
function read(pieces: Iterable<string>, blobs: Blobs = new Map()): ReturnType<typeof readState> {
  return readState(pieces, OWN, async chunks => {
    const all: Uint8Array[] = []
    for await (const chunk of chunks) all.push(chunk)
    const bytes = Buffer.concat(all)
    const hash = hashOf(bytes)
    blobs.set(hash, bytes)
    return { hash, bytes: bytes.length }
  })
}

test('a file from under another key is refused, unless any key is as good', async () => {
  const text = await textOf({ vector: new Map(), tasks: [] })
  const load = (fingerprint: string | null): Promise<unknown> =>
    readState([text], { ...OWN, fingerprint }, () => Promise.reject(new Error('no blob')))
  await expect(load('another')).rejects.toThrow(/with another key .* or with --rekey/)
  await expect(load(null)).resolves.toMatchObject({ tasks: [] })
})

const hashesOf = (blobs: Blobs): string[] => [...blobs.keys()].sort()

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function* piecesOf(text: string, first: number): Generator<string> {
  yield text.slice(0, first)
  for (let at = first; at < text.length; at += PIECE) yield text.slice(at, at + PIECE)
}

const refused = { name: 'ForeignStateFileError' }

describe('a state file', () => {
  test('gives back what was saved, in whatever pieces it comes', async () => {
    const property = fc.asyncProperty(file, fc.nat(PIECE), async (saved, first) => {
      const blobs: Blobs = new Map()
      const { vector, tasks } = await read(piecesOf(await textOf(saved), first), blobs)
      expect([new Map(vector), tasks]).toEqual([saved.vector, saved.tasks])
      expect(hashesOf(blobs)).toEqual(hashesOf(blobsOf(saved)))
    })
    await fc.assert(property)
  })

  test('names what could not be read, and then asks for a version that knows of it', async () => {
    const [boot] = BOOTS as [string]
    const unreadable = [{ origin: boot, after: 0, upTo: 2 }]
    const saved = { vector: new Map([[boot, 2]]), tasks: [], unreadable }
    const text = await textOf(saved)
    expect(JSON.parse(text)).toMatchObject({ v: 4, unreadable })
    expect(await read([text], new Map())).toMatchObject({ unreadable })
    const plain = await textOf({ vector: saved.vector, tasks: [] })
    expect(JSON.parse(plain)).toMatchObject({ v: 3 })
    expect(await read([plain], new Map())).toMatchObject({ unreadable: [] })
  })

  test('names the blobs that nobody had, and gives back the others', async () => {
    const property = fc.asyncProperty(file, fc.subarray([...BLOBS.keys()]), async (saved, lost) => {
      const had = new Map([...BLOBS].filter(([hash]) => !lost.includes(hash)))
      const text = await textOf(saved, had)
      const contents = new StateContents()
      for (const piece of piecesOf(text, 1)) contents.note(piece)
      const named = blobsOf(saved)
      const missing = lost.filter(hash => named.delete(hash)).length
      expect(contents.saved()).toEqual({ tasks: saved.tasks.length, missing })
      const blobs: Blobs = new Map()
      await read([text], blobs)
      expect(hashesOf(blobs)).toEqual(hashesOf(named))
    })
    await fc.assert(property)
  })

  test('is one value of JSON', async () => {
    const property = fc.asyncProperty(file, async saved => {
      const value = JSON.parse(await textOf(saved)) as { tasks: unknown[]; blobs: unknown[] }
      expect(value.tasks.length).toBe(saved.tasks.length)
      expect(value.blobs.length > 0).toBe(blobsOf(saved).size > 0)
    })
    await fc.assert(property)
  })

  test('that is cut off anywhere is refused', async () => {
    const property = fc.asyncProperty(file, fc.nat(), async (saved, at) => {
      const text = await textOf(saved)
      // Without the end of its last line it is whole all the same.
      const cut = text.slice(0, at % (text.length - 1))
      await expect(read([cut])).rejects.toMatchObject(refused)
    })
    await fc.assert(property)
  })

  test('in which a character was changed is refused', async () => {
    const property = fc.asyncProperty(file, fc.nat(), async (saved, n) => {
      const text = await textOf(saved)
      const at = n % (text.length - 1)
      const other = text[at] === '7' ? '8' : '7'
      const changed = text.slice(0, at) + other + text.slice(at + 1)
      await expect(read([changed])).rejects.toMatchObject(refused)
    })
    await fc.assert(property)
  })

  test('that lacks a line, or has one twice, is refused', async () => {
    const property = fc.asyncProperty(file, fc.nat(), fc.boolean(), async (saved, n, twice) => {
      fc.pre(saved.tasks.length > 1)
      const lines = (await textOf(saved)).split('\n')
      // Neither the first line, nor the last ones.
      const place = 1 + (n % (saved.tasks.length - 1))
      lines.splice(place, 1, ...(twice ? [lines[place]!, lines[place]!] : []))
      await expect(read([lines.join('\n')])).rejects.toMatchObject(refused)
    })
    await fc.assert(property)
  })
})
