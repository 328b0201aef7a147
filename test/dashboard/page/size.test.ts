/** What the page weighs, as it is built, and what is in it. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { expect, test } from 'vitest'
import { builtPage } from './built.ts'

const BYTES_MAX = 60 * 1024

test('the page takes at most 60 KiB on its way, without what finds places for graphs', async () => {
  const folder = join(await builtPage(), 'assets')
  const names = await readdir(folder)
  const first = names.filter(name => !name.startsWith('worker'))
  expect(names.length).toBe(first.length + 1)
  const sizes = await Promise.all(
    first.map(
      async name => (await promisify(gzip)(await readFile(join(folder, name)), { level: 9 })).length
    )
  )
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(BYTES_MAX)
})

test('the page names no other address, and has no script or style in its text', async () => {
  const html = await readFile(join(await builtPage(), 'index.html'), 'utf8')
  expect(html).not.toMatch(
    /https?:|\/\/|<style|style=|onload|<script(?! type="module" crossorigin src="\/assets\/)/
  )
})
