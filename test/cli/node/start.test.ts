/**
 * Starts that come to nothing: where the data folder cannot be, and what hangs.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newKey } from '../../../src/key.ts'
import { until } from '../../support/until.ts'

const isRoot = process.getuid?.() === 0
const hasProc = existsSync('/proc/1')
if (!isRoot) console.log('start: not root, so no folder is tried that another user may not enter')
if (!hasProc) console.log('start: no /proc here, so no folder is tried that can never be made')
/** A start loads the network first, which a busy computer makes slow. */
const START_MS = 60_000

type Child = { process: ChildProcess; said: () => string; ended: Promise<unknown[]> }

let folder: string
let children: Child[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-start-'))
  children = []
})
afterEach(async () => {
  for (const child of children) child.process.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

function start(data: string, argv: readonly string[] = [], user?: number): Child {
  const cli = new URL('../children/cli.ts', import.meta.url).pathname
  const own = ['--data', data, '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
  const child = spawn(process.execPath, [cli, 'start', ...own, ...argv], {
    env: { ...process.env, HEARSAY_KEY: newKey() },
    ...(user === undefined ? {} : { uid: user, gid: user })
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => (said += piece.toString('utf8')))
  const started = { process: child, said: () => said, ended: once(child, 'close') }
  children.push(started)
  return started
}

describe('a data folder that cannot be', () => {
  test.skipIf(!hasProc).each(['/proc/x', '/proc/1'])(
    'ends the start with one line, also where making a folder never ends: %s',
    async data => {
      const child = start(data)
      expect(await child.ended).toEqual([2, null])
      expect(child.said()).toMatch(
        new RegExp(`^hearsay: cannot use the data folder ${data}: .*--data\n$`)
      )
    },
    START_MS
  )

  test(
    'is named with what is in its way',
    async () => {
      const file = join(folder, 'file')
      await writeFile(file, '')
      const [on, below] = [start(file), start(join(file, 'x'))]
      expect(await on.ended).toEqual([2, null])
      expect(on.said()).toBe(
        `hearsay: cannot use the data folder ${file}: EEXIST: file already exists, mkdir '${file}'; ` +
          'something else is there: choose another folder with --data\n'
      )
      expect(await below.ended).toEqual([2, null])
      expect(below.said()).toMatch(
        /^hearsay: .*ENOTDIR.*; a file is in its way: choose another .*\n$/
      )
    },
    START_MS
  )

  test.skipIf(!isRoot)(
    'is told to be made accessible where this user may not go (needs root)',
    async () => {
      const closed = join(folder, 'closed')
      await mkdir(closed, { mode: 0o755 })
      // The way there is free, and only the last step is not.
      await chmod(folder, 0o755)
      const child = start(join(closed, 'x'), [], 65534)
      expect(await child.ended).toEqual([2, null])
      expect(child.said()).toMatch(/^hearsay: .*EACCES.*; give this user the right .*\n$/)
    },
    START_MS
  )
})

describe('a start that hangs', () => {
  /** As long as its import is awaited, the start is under way. */
  async function neverLoaded(): Promise<string[]> {
    const file = join(folder, 'never.mjs')
    const mark = join(folder, 'loading')
    await writeFile(
      file,
      `import { writeFileSync } from 'node:fs'
writeFileSync(${JSON.stringify(mark)}, '')
setInterval(() => {}, 1000)
await new Promise(() => {})
export const never = () => null
`
    )
    return [file, mark]
  }

  test(
    'hears the first signal, and ends within a second or two',
    async () => {
      const [file = '', mark = ''] = await neverLoaded()
      const child = start(join(folder, 'data'), ['--handlers', file])
      await until(() => existsSync(mark), 'the handlers file to be loaded', START_MS)
      child.process.kill('SIGTERM')
      expect(await child.ended).toEqual([null, 'SIGTERM'])
      expect(child.said()).toBe(
        'hearsay: it is still starting, and ends within a second; once more to end it at once\n' +
          'hearsay: ended at once\n'
      )
    },
    START_MS
  )

  test(
    'ends at the second signal at once',
    async () => {
      const [file = '', mark = ''] = await neverLoaded()
      const child = start(join(folder, 'data'), ['--handlers', file])
      await until(() => existsSync(mark), 'the handlers file to be loaded', START_MS)
      child.process.kill('SIGINT')
      await until(() => child.said() !== '', 'the first signal to be heard')
      child.process.kill('SIGINT')
      expect(await child.ended).toEqual([null, 'SIGINT'])
    },
    START_MS
  )
})
