/** Blobs on a real disk: what is there is whole and right, and a crash leaves nothing behind. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TASK_LIMITS } from '../../src/core/options.ts'
import type { BlobRef } from '../../src/core/task/content.ts'
import { BlobFiles } from '../../src/store/blobs.ts'

let folder: string
let blobs: BlobFiles
let damaged: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-blobs-'))
  damaged = []
  blobs = new BlobFiles(folder, hash => damaged.push(hash))
  await blobs.open()
})

afterEach(() => rm(folder, { recursive: true, force: true }))

function refOf(text: string): BlobRef {
  return {
    hash: createHash('sha256').update(text).digest('hex'),
    bytes: Buffer.byteLength(text)
  }
}

/** In pieces of a few bytes, one after the other. */
async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}

async function read(hash: string): Promise<string | null> {
  const chunks = await blobs.read(hash)
  if (chunks === null) return null
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all).toString()
}

async function files(): Promise<string[]> {
  const entries = await readdir(join(folder, 'blobs'), { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(({ name }) => name)
}

const TEXT = JSON.stringify({ text: 'ä😀'.repeat(1000) })

describe('a blob that is written', () => {
  test('is named by its hash, and read as it was', async () => {
    expect(await blobs.put(pieces(TEXT))).toEqual(refOf(TEXT))
    expect(await read(refOf(TEXT).hash)).toBe(TEXT)
    expect(await blobs.size(refOf(TEXT).hash)).toBe(Buffer.byteLength(TEXT))
    expect(await files()).toEqual([refOf(TEXT).hash])
  })

  test('twice at once is one file', async () => {
    await Promise.all([blobs.put(pieces(TEXT)), blobs.put(pieces(TEXT)), blobs.put(pieces(TEXT))])
    expect(await files()).toEqual([refOf(TEXT).hash])
  })

  test('is nothing if its source breaks off', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('some')
      throw new Error('the source broke off')
    }
    await expect(blobs.put(broken())).rejects.toThrow('broke off')
    expect(await files()).toEqual([])
  })

  test('above the bound is refused before all of it has come, and is nothing', async () => {
    const piece = Buffer.alloc(16 * 1024 * 1024)
    let given = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += piece.length
        yield piece
      }
    }
    await expect(blobs.put(endless())).rejects.toMatchObject({ name: 'TooLargeError' })
    expect(given).toBeLessThanOrEqual(TASK_LIMITS.blobBytesMax + piece.length)
    expect(await files()).toEqual([])
  })

  test('can be read to its end though it is dropped meanwhile', async () => {
    const text = 'x'.repeat(1_000_000)
    const { hash } = await blobs.put([Buffer.from(text)])
    const chunks = (await blobs.read(hash))![Symbol.asyncIterator]()
    let bytes = (await chunks.next()).value!.length
    await blobs.drop(hash)
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      bytes += next.value.length
    }
    expect(bytes).toBe(text.length)
    expect(await read(hash)).toBeNull()
  })
})

describe('a blob that is damaged on disk', () => {
  const { hash } = refOf(TEXT)

  test.each([
    ['a changed byte', `${TEXT.slice(0, -1)}]`],
    ['a missing end', TEXT.slice(0, -1)],
    ['no bytes', '']
  ])('by %s is as good as none, is told of, and can be written anew', async (_, text) => {
    await blobs.put(pieces(TEXT))
    await writeFile(blobs.pathOf(hash), text)
    expect(await read(hash)).toBeNull()
    expect([await files(), damaged]).toEqual([[], [hash]])
    expect(await blobs.isSound(hash)).toBe(false)
    expect(await blobs.keep(refOf(TEXT), pieces(TEXT))).toBe(true)
    expect([await blobs.isSound(hash), await read(hash)]).toEqual([true, TEXT])
  })

  test('is told of once, however many find it', async () => {
    await blobs.put(pieces(TEXT))
    await writeFile(blobs.pathOf(hash), 'x')
    const found = await Promise.all(Array.from({ length: 5 }, () => blobs.isSound(hash)))
    expect([found.includes(true), damaged]).toEqual([false, [hash]])
  })
})

describe('a blob from elsewhere', () => {
  test('is kept if it is the right one', async () => {
    expect(await blobs.keep(refOf(TEXT), pieces(TEXT))).toBe(true)
    expect(await read(refOf(TEXT).hash)).toBe(TEXT)
  })

  test.each([
    ['other bytes', `${TEXT.slice(0, -1)}]`],
    ['too few bytes', TEXT.slice(0, -1)],
    ['too many bytes', `${TEXT} `],
    ['no bytes', '']
  ])('is nothing with %s', async (_, text) => {
    expect(await blobs.keep(refOf(TEXT), pieces(text))).toBe(false)
    expect(await files()).toEqual([])
  })

  test('of another size than announced is nothing, even with the right hash', async () => {
    expect(await blobs.keep({ ...refOf(TEXT), bytes: 1 }, pieces(TEXT))).toBe(false)
    expect(await files()).toEqual([])
  })
})

test('a file that a thread has written goes to its place', async () => {
  const path = blobs.newPath()
  await writeFile(path, TEXT)
  await blobs.adopt(path, refOf(TEXT))
  expect(await files()).toEqual([refOf(TEXT).hash])
})

test('one that is not there has no size and no bytes, and is dropped without harm', async () => {
  const { hash } = refOf('nowhere')
  expect([await blobs.size(hash), await read(hash)]).toEqual([null, null])
  await blobs.drop(hash)
})

test('drops and moves of one blob keep their order', async () => {
  const { hash } = await blobs.put(pieces(TEXT))
  const path = blobs.newPath()
  await writeFile(path, TEXT)
  await Promise.all([blobs.drop(hash), blobs.adopt(path, refOf(TEXT))])
  expect(await read(hash)).toBe(TEXT)
})

describe('the folder', () => {
  test('at the next start has what was whole, and nothing else', async () => {
    await blobs.put(pieces(TEXT))
    await writeFile(blobs.newPath(), 'half of som')
    const stray = join(folder, 'blobs', 'ab', 'notes.txt')
    await mkdir(dirname(stray), { recursive: true })
    await writeFile(stray, 'not ours')
    expect(await new BlobFiles(folder).open()).toEqual([refOf(TEXT)])
    expect((await files()).sort()).toEqual([refOf(TEXT).hash, 'notes.txt'].sort())
  })

  test('and its files are for the owner alone', async () => {
    const { hash } = await blobs.put(pieces(TEXT))
    expect((await stat(blobs.pathOf(hash))).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(blobs.pathOf(hash)))).mode & 0o777).toBe(0o700)
  })
})
