/** The link on its way to the browser: through a file that is this user's alone, and no list of processes has it. */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openInBrowser } from '../../../src/dashboard/server/browser.ts'
import { until } from '../../support/until.ts'

const LINK = 'http://127.0.0.1:4711/#code=a-code-that-opens-a-session'

/** Elsewhere there is always a screen. */
const needsNone = process.platform !== 'linux'
if (needsNone) console.warn('what is done without a screen is looked at on Linux only')

type Opened = { argv: string[]; modes: string[]; text: string }

let folder: string
let over: AbortController

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-browser-'))
  over = new AbortController()
  vi.stubEnv('PATH', folder)
  vi.stubEnv('XDG_RUNTIME_DIR', folder)
  for (const name of ['DISPLAY', 'WAYLAND_DISPLAY', 'BROWSER']) vi.stubEnv(name, '')
})
afterEach(async () => {
  over.abort()
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

/** In the place of the program that opens files: notes what it is given. */
async function installOpener(): Promise<() => Promise<Opened>> {
  const said = join(folder, 'opened.json')
  const script = `#!${process.execPath}
    const { readFileSync, renameSync, statSync, writeFileSync } = require('node:fs')
    const [, , file] = process.argv
    const modes = [file, require('node:path').dirname(file)].map(path => (statSync(path).mode & 0o777).toString(8))
    writeFileSync(${JSON.stringify(`${said}.new`)}, JSON.stringify({ argv: process.argv.slice(2), modes, text: readFileSync(file, 'utf8') }))
    renameSync(${JSON.stringify(`${said}.new`)}, ${JSON.stringify(said)})
  `
  for (const name of ['xdg-open', 'open']) {
    await writeFile(join(folder, name), script, { mode: 0o755 })
  }
  return async () => {
    await until(() => existsSync(said), 'the file to be opened')
    return JSON.parse(await readFile(said, 'utf8')) as Opened
  }
}

test('the file is for this user alone, leads to the link, and goes when nobody follows it any more', async () => {
  vi.stubEnv('DISPLAY', ':0')
  const opened = await installOpener()
  expect(await openInBrowser(LINK, over.signal)).toBe(true)
  const { argv, modes, text } = await opened()
  expect(argv).toHaveLength(1)
  expect(argv.join()).not.toContain('a-code')
  expect(modes).toEqual(['600', '700'])
  expect(text).toContain(`content="0;url=${LINK}"`)
  expect(text).toContain('name="referrer" content="no-referrer"')
  over.abort()
  await until(() => !existsSync(dirname(argv[0]!)), 'the file to be gone')
})

test('where no program opens files nothing is opened', async () => {
  vi.stubEnv('DISPLAY', ':0')
  expect(await openInBrowser(LINK, over.signal)).toBe(false)
})

test.skipIf(needsNone)('without a screen no program is begun', async () => {
  await installOpener()
  expect(await openInBrowser(LINK, over.signal)).toBe(false)
  expect(existsSync(join(folder, 'opened.json'))).toBe(false)
})
