/** Where a state file may be written: what is replaced has to be a file. */
import { execFileSync } from 'node:child_process'
import { lstat, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeStateFile } from '../../src/backup/file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-file-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function* pieces(): AsyncGenerator<string> {
  yield 'text'
}

test('a link stays, and what it points to is replaced', async () => {
  const [file, link] = [join(folder, 'file'), join(folder, 'link')]
  await writeFile(file, 'old')
  await symlink(file, link)
  await writeStateFile(link, pieces())
  expect((await lstat(link)).isSymbolicLink()).toBe(true)
  expect(await readFile(file, 'utf8')).toBe('text')
})

test('a pipe or a folder is refused, stays, and nothing is left beside it', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const place of [pipe, folder]) {
    await expect(writeStateFile(place, pieces())).rejects.toMatchObject({
      name: 'InvalidOptionError'
    })
  }
  expect((await lstat(pipe)).isFIFO()).toBe(true)
  expect(await readdir(folder)).toEqual(['pipe'])
})
