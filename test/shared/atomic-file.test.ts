/** A file that is written anew is the old one until all of it is there, and nothing is left beside it. */
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeAtomically } from '../../src/shared/atomic-file.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-atomic-'))
  file = join(folder, 'file')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('pieces are written one after the other, over what a crash left beside', async () => {
  await writeFile(`${file}.new`, 'what was left')
  async function* pieces(): AsyncGenerator<string> {
    yield 'one '
    yield 'two'
  }
  await writeAtomically(file, pieces())
  expect(await readFile(file, 'utf8')).toBe('one two')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['file'])
})

test('pieces that fail leave the old content, and nothing beside', async () => {
  await writeFile(file, 'old')
  async function* failing(): AsyncGenerator<string> {
    yield 'half'
    throw new Error('no more')
  }
  await expect(writeAtomically(file, failing())).rejects.toThrow('no more')
  expect(await readFile(file, 'utf8')).toBe('old')
  expect(await readdir(folder)).toEqual(['file'])
})

test('what cannot take the name leaves nothing beside', async () => {
  const beside = join(folder, '.beside')
  await expect(writeAtomically(folder, 'text', { beside })).rejects.toThrow()
  expect(await readdir(folder)).toEqual([])
})
