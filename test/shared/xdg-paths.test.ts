/** Folders that several nodes make at once, as at the first start of a computer. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder } from '../../src/shared/xdg-paths.ts'

test('each gets its folder, whoever makes those above it', async () => {
  for (let round = 0; round < 50; round++) {
    const home = await mkdtemp(join(tmpdir(), 'hearsay-folders-'))
    try {
      const paths = Array.from({ length: 12 }, (_, i) => join(home, 'a/b/c', String(i)))
      await Promise.all(paths.map(makeFolder))
      for (const path of paths) expect((await stat(path)).isDirectory()).toBe(true)
    } finally {
      await rm(home, { recursive: true })
    }
  }
})
