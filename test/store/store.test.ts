/**
 * The store on a real disk, with real processes that are killed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { ClassicLevel } from 'classic-level'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Replay } from '../../src/ports/ports.ts'
import { seal } from '../../src/store/checksum.ts'
import { openStore } from '../../src/store/store.ts'
import { attempts, journalContract } from '../contract/journal.ts'
import { until } from '../support/until.ts'
import { boot, flushOf, storedTask } from './fixtures/tasks.ts'

let folder: string
const children: ChildProcess[] = []

const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), 'hearsay-store-'))

beforeEach(async () => {
  folder = await temporary()
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

journalContract('LevelDB', async () => {
  const place = await temporary()
  const warnings: string[] = []
  return {
    open: async () => {
      const store = await openStore(place, { log: { warn: message => warnings.push(message) } })
      const { journal } = store
      return {
        replay: () => journal.replay(),
        write: flush => journal.write(flush),
        close: () => store.close()
      }
    },
    damage: async id => {
      const database = new ClassicLevel<string, Uint8Array>(join(place, 'journal'), {
        valueEncoding: 'view'
      })
      const value = (await database.get(`t/${id}`)) ?? new Uint8Array()
      value[20] = (value[20] ?? 0) ^ 1
      await database.put(`t/${id}`, value)
      await database.close()
    },
    cutShort: async (flush, left) => {
      const store = await openStore(place)
      await store.journal.replay()
      await store.journal.write(flush)
      await store.close()
      if (left !== 'all') await spoilLastFlush(join(place, 'journal'), left)
    },
    warnings: () => warnings,
    remove: () => rm(place, { recursive: true })
  }
})

/** The end of LevelDB's log is missing, or holds other bytes than were written. */
async function spoilLastFlush(journal: string, left: 'nothing' | 'torn'): Promise<void> {
  const name = (await readdir(journal)).find(file => file.endsWith('.log'))!
  const bytes = await readFile(join(journal, name))
  const at = bytes.length - 5
  bytes[at] = bytes[at]! ^ 1
  await writeFile(join(journal, name), left === 'torn' ? bytes : bytes.subarray(0, at))
}

test('a value of a kind that only a later version knows is no damage, and is there for that one again', async () => {
  const later = async (visit: (database: ClassicLevel<string, Uint8Array>) => Promise<unknown>) => {
    const database = new ClassicLevel<string, Uint8Array>(join(folder, 'journal'), {
      valueEncoding: 'view'
    })
    const found = await visit(database)
    await database.close()
    return found
  }
  const warnings: string[] = []
  const replay = async (flush: number): Promise<Replay> => {
    const store = await openStore(folder, { log: { warn: message => warnings.push(message) } })
    const replayed = await store.journal.replay()
    await store.journal.write(flushOf(flush, [storedTask(flush)], flush))
    await store.close()
    return replayed
  }
  await replay(1)
  const value = seal('z/later', Buffer.from('whatever it is'))
  await later(database => database.put('z/later', value))
  expect(await replay(2)).toMatchObject({ damaged: 0, vector: new Map([[boot, 1]]) })
  expect(await replay(3)).toMatchObject({ damaged: 0, vector: new Map([[boot, 2]]) })
  expect(await later(database => database.get('z/later'))).toEqual(value)
  expect(warnings).toEqual([])
})

/** A process that writes and writes. `printed` holds what it has said so far. */
function startWriter(): { child: ChildProcess; printed: () => string[] } {
  const script = fileURLToPath(new URL('./fixtures/writer.ts', import.meta.url))
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', text => (output += text))
  return { child, printed: () => output.split('\n').slice(0, -1) }
}

test('after kill -9 of a writing process each flush is there whole or not at all', async () => {
  for (let round = 0; round < 3; round++) {
    const { child, printed } = startWriter()
    await until(() => printed().length > 20 * (round + 1), 'some flushes')
    child.kill('SIGKILL')
    await once(child, 'close')
    const resolved = Number(printed().at(-1))
    const store = await openStore(folder)
    const replay = await store.journal.replay()
    const known = attempts(replay)
    expect(replay.damaged).toBe(0)
    expect(Math.max(...replay.vector.values())).toBeGreaterThanOrEqual(resolved)
    for (let seq = 3; seq < resolved * 3 + 3; seq++) {
      expect(known.has(storedTask(seq).record.spec.id)).toBe(true)
    }
    expect(known.size % 3).toBe(0)
    await store.close()
    await rm(join(folder, 'journal'), { recursive: true })
  }
})

test('a second process is refused by the name of the folder and the pid of the first', async () => {
  const { child, printed } = startWriter()
  await until(() => printed().length > 0, 'the other process to open the store')
  const error = await openStore(folder).catch((error: unknown) => error)
  expect(error).toMatchObject({ name: 'DataFolderLockedError' })
  // Uncaught, it is what to do, and nothing else.
  expect(inspect(error)).toBe(`[${String(error)}]`)
  expect(String(error)).toContain(folder)
  expect(String(error)).toContain(`process ${child.pid};`)
  child.kill('SIGKILL')
  await once(child, 'close')
  await (await openStore(folder)).close()
})

test('a folder that is open in this process is refused, and free again once closed', async () => {
  const store = await openStore(folder)
  await expect(openStore(folder)).rejects.toMatchObject({ name: 'DataFolderLockedError' })
  await store.close()
  await (await openStore(folder)).close()
})

test('a stale pid file hinders nobody', async () => {
  await writeFile(join(folder, 'pid'), '1\n')
  await (await openStore(folder)).close()
  await writeFile(join(folder, 'pid'), 'nonsense')
  await (await openStore(folder)).close()
})

test('the identity is the same at every start, and only its owner can read it', async () => {
  const first = await openStore(folder)
  await first.close()
  await chmod(join(folder, 'identity'), 0o644)
  const second = await openStore(folder)
  await second.close()
  expect(second.privateKey.equals(first.privateKey)).toBe(true)
  expect(second.privateKey.type).toBe('Ed25519')
  expect((await stat(join(folder, 'identity'))).mode & 0o777).toBe(0o600)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
})

test('a damaged identity is refused, not replaced, and the folder is free again', async () => {
  const store = await openStore(folder)
  await store.close()
  const path = join(folder, 'identity')
  const whole = await readFile(path, 'utf8')
  for (const damaged of ['', 'nonsense', whole.slice(0, 20)]) {
    await writeFile(path, damaged)
    const refused = openStore(folder)
    await expect(refused).rejects.toMatchObject({ name: 'DataFolderError' })
    expect(await readFile(path, 'utf8')).toBe(damaged)
  }
  await writeFile(path, whole)
  const again = await openStore(folder)
  expect(again.privateKey.equals(store.privateKey)).toBe(true)
  await again.close()
})

test.each(['1', '99', 'nonsense', ''])(
  'a folder of schema "%s" is refused and untouched',
  async text => {
    await writeFile(join(folder, 'schema'), text)
    const error = await openStore(folder).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'DataFolderError' })
    expect(String(error)).toContain(folder)
    expect(await readFile(join(folder, 'schema'), 'utf8')).toBe(text)
    await expect(stat(join(folder, 'journal'))).rejects.toThrow('ENOENT')
  }
)

test('a folder that cannot be made is refused', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  for (const impossible of [file, join(file, 'below')]) {
    const refused = openStore(impossible)
    await expect(refused).rejects.toMatchObject({ name: 'DataFolderError' })
  }
})

test('a folder that cannot be written to is refused', async () => {
  const isRoot = process.geteuid?.() === 0
  await chmod(folder, 0o555)
  if (isRoot) process.seteuid?.(65_534)
  try {
    const error = await openStore(folder).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'DataFolderError' })
    expect(String(error)).toContain('choose another')
  } finally {
    if (isRoot) process.seteuid?.(0)
    await chmod(folder, 0o755)
  }
})

test('addresses are remembered, the last save wins, and a damaged file is no obstacle', async () => {
  const store = await openStore(folder)
  expect(await store.loadAddresses()).toEqual([])
  const peer = (n: number): { id: string; addresses: string[] } => ({
    id: `peer${n}`,
    addresses: [`/ip4/127.0.0.1/tcp/${n}`]
  })
  await Promise.all([1, 2, 3].map(n => store.saveAddresses([peer(n)])))
  expect(await store.loadAddresses()).toEqual([peer(3)])
  await store.saveAddresses(Array.from({ length: 300 }, (_, n) => peer(n)))
  expect(await store.loadAddresses()).toHaveLength(256)
  for (const damaged of ['', '{', '[{"id":1}]', 'null']) {
    await writeFile(join(folder, 'peers.json'), damaged)
    expect(await store.loadAddresses()).toEqual([])
  }
  await store.close()
})

test('closing twice is harmless, and a closed journal refuses to write', async () => {
  const store = await openStore(folder)
  await store.close()
  await store.close()
  const write = store.journal.write(flushOf(1, [storedTask(1)], 1))
  await expect(write).rejects.toMatchObject({ name: 'DataFolderError' })
})

test('the start of a boot is later than that of every boot before, also when the clock was set back', async () => {
  const starts: number[] = []
  for (const now of [5000, 7000, 3000, 3000, 9000]) {
    const store = await openStore(folder)
    starts.push(await store.nextStart(now))
    await store.close()
  }
  expect(starts).toEqual([5000, 7000, 7001, 7002, 9000])
})

test('a damaged note of the last start counts as none', async () => {
  for (const text of ['', 'yesterday', '1e999', '-5']) {
    await writeFile(join(folder, 'boot'), text)
    const store = await openStore(folder)
    expect(await store.nextStart(5000)).toBe(5000)
    await store.close()
  }
})

test('a start is not told before it is on disk', async () => {
  const store = await openStore(folder)
  await rm(folder, { recursive: true })
  await expect(store.nextStart(5000)).rejects.toThrow('ENOENT')
  await mkdir(folder)
  await store.close()
})

test('a folder that was open to others is closed to them', async () => {
  await chmod(folder, 0o755)
  const store = await openStore(folder)
  await store.close()
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
})
