/**
 * A journal whose files were damaged while nobody looked: torn, changed, cut, deleted. Whatever becomes of them, what
 * is read is what was there at some moment, or the vector is given up with a word, so that nothing that is missing
 * counts as known.
 */
import {
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openStore } from '../../src/store/store.ts'
import { attempts } from '../contract/journal.ts'
import { flushOf, storedTask } from './fixtures/tasks.ts'

/** Each writes a task of its own, and changes an older one. */
const FLUSHES = 240
const CHANGED = 20

let place: string
let sound: string
let folder: string

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'hearsay-damage-'))
  sound = join(place, 'sound')
  folder = join(place, 'damaged')
  // Opened twice, so that half of it is in a table and half in the log.
  for (const first of [1, FLUSHES / 2 + 1]) {
    const store = await openStore(sound)
    await store.journal.replay()
    for (let n = first; n < first + FLUSHES / 2; n++) {
      const changed = n > CHANGED ? [storedTask((n % CHANGED) + 1, n)] : []
      await store.journal.write(flushOf(n, [storedTask(n), ...changed], n))
    }
    await store.close()
  }
})

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true })
  cpSync(sound, folder, { recursive: true })
})

afterAll(() => rm(place, { recursive: true, force: true }))

/** What was there after this number of flushes: the attempts of tasks by their ids. */
function stateAfter(flushes: number): Map<string, number> {
  const state = new Map<string, number>()
  for (let n = 1; n <= flushes; n++) {
    state.set(storedTask(n).record.spec.id, 1)
    if (n > CHANGED) state.set(storedTask((n % CHANGED) + 1).record.spec.id, n)
  }
  return state
}

function journalFile(name: string | RegExp): string {
  const found = readdirSync(join(folder, 'journal')).find(file =>
    typeof name === 'string' ? file === name : name.test(file)
  )
  return join(folder, 'journal', found ?? 'nothing')
}

function change(path: string, at: number, bytes: number, value: (old: number) => number): void {
  const content = readFileSync(path)
  for (let i = at; i < Math.min(at + bytes, content.length); i++) content[i] = value(content[i]!)
  writeFileSync(path, content)
}

type Read = { state: Map<string, number>; upTo: number; warnings: string[] }

async function read(): Promise<Read> {
  const warnings: string[] = []
  const store = await openStore(folder, { log: { warn: message => warnings.push(message) } })
  try {
    const replay = await store.journal.replay()
    const [upTo = 0] = replay.vector.values()
    return { state: attempts(replay), upTo, warnings }
  } finally {
    await store.close()
  }
}

/** Nothing that is missing counts as known. */
function expectHonest({ state, upTo, warnings }: Read): void {
  if (upTo > 0) expect(state).toEqual(stateAfter(upTo))
  else expect(warnings).not.toEqual([])
}

const LOG = /\.log$/
const TABLE = /\.ldb$/
const half = (path: string): number => Math.floor(statSync(path).size / 2)

describe('a journal', () => {
  test('whose log ends in the middle of a flush is what it was before that flush', async () => {
    const path = journalFile(LOG)
    truncateSync(path, statSync(path).size - 5)
    const { state, upTo, warnings } = await read()
    expect([upTo, warnings]).toEqual([FLUSHES - 1, []])
    expect(state).toEqual(stateAfter(FLUSHES - 1))
  })

  const damages: Readonly<Record<string, () => void>> = {
    'a changed byte in its log': () => {
      const path = journalFile(LOG)
      change(path, Math.floor(half(path) / 2), 1, byte => byte ^ 1)
    },
    'a hole in its log': () => change(journalFile(LOG), 32_768, 4096, () => 0),
    'no log': () => rmSync(journalFile(LOG)),
    'a changed byte in a table': () => {
      const path = journalFile(TABLE)
      change(path, half(path), 1, byte => byte ^ 1)
    },
    'half a table': () => {
      const path = journalFile(TABLE)
      truncateSync(path, half(path))
    },
    'no table': () => rmSync(journalFile(TABLE)),
    'no list of its files': () => rmSync(journalFile(/^MANIFEST/)),
    'half a list of its files': () => {
      const path = journalFile(/^MANIFEST/)
      truncateSync(path, half(path))
    },
    'no beginning': () => rmSync(journalFile('CURRENT')),
    'nonsense for a beginning': () => writeFileSync(journalFile('CURRENT'), 'nonsense')
  }

  test.each(Object.entries(damages))(
    'with %s keeps what can be read, says so, and trusts no vector',
    async (_, damage) => {
      damage()
      const first = await read()
      expect([first.upTo, first.warnings.length > 0]).toEqual([0, true])
      expect(first.state.size).toBeGreaterThan(0)
      const whole = stateAfter(FLUSHES)
      expect([...first.state.keys()].filter(id => !whole.has(id))).toEqual([])
      // From then on it is sound.
      expect(await read()).toEqual({ ...first, warnings: [] })
    }
  )

  test('that was being mended when its process was killed is not trusted at the next start either', async () => {
    writeFileSync(join(folder, 'journal-damaged'), 'its log is missing\n')
    expect((await read()).upTo).toBe(0)
  })

  test('with any damage whatsoever shows what once was there, or says that it is damaged', async () => {
    const kinds = fc.constantFrom('flip', 'zero', 'cut', 'delete')
    const damage = fc.tuple(fc.nat(10), kinds, fc.double({ min: 0, max: 0.999, noNaN: true }))
    const property = fc.asyncProperty(damage, async ([which, kind, where]) => {
      rmSync(folder, { recursive: true, force: true })
      cpSync(sound, folder, { recursive: true })
      const files = readdirSync(join(folder, 'journal')).filter(name => !name.startsWith('LO'))
      const path = journalFile(files[which % files.length]!)
      const at = Math.floor(where * statSync(path).size)
      if (kind === 'flip') change(path, at, 1, byte => byte ^ (1 << (which % 8)))
      else if (kind === 'zero') change(path, at, 1000, () => 0)
      else if (kind === 'cut') truncateSync(path, at)
      else rmSync(path)
      expectHonest(await read())
    })
    await fc.assert(property, { numRuns: 40 })
  }, 60_000)
})
