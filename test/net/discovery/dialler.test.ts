/** Who is away is dialled again and again; where nobody is, nothing happens. */
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AddressBook, type Source } from '../../../src/net/discovery/address-book.ts'
import { Dialler } from '../../../src/net/discovery/dialler.ts'
import {
  dialDesertedMsMax,
  dialFallbackMs,
  dialPauseMsMax,
  dialsMax
} from '../../../src/net/protocol.ts'

const address = multiaddr('/ip4/127.0.0.1/tcp/4001')
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A dialler that knows the peer `z`, whom it reaches as long as `online` says so. */
function dialling(anonymous = false): {
  dialler: Dialler
  online: { value: boolean }
  connected: Set<string>
  dials: string[]
} {
  const book = new AddressBook('a')
  if (!anonymous) book.note('z', 'static', [address], 0)
  const connected = new Set<string>()
  const online = { value: true }
  const dials: string[] = []
  const dialler = new Dialler({
    self: 'a',
    book,
    anonymous: anonymous ? [address] : [],
    dial: (_, id) => {
      dials.push(id ?? 'whoever is there')
      if (!online.value) return Promise.reject(new Error('nobody answers'))
      book.note('z', 'static', [address], 0)
      connected.add('z')
      return Promise.resolve('z')
    },
    isConnected: id => connected.has(id),
    alsoLoopback: () => true,
    log
  })
  return { dialler, online, connected, dials }
}

test.each([false, true])(
  'who is lost is dialled until it answers, and then the clock stands; by address alone: %s',
  async anonymous => {
    const { dialler, online, connected, dials } = dialling(anonymous)
    dialler.start()
    await vi.advanceTimersByTimeAsync(dialPauseMsMax)
    expect(dials).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
    online.value = false
    connected.delete('z')
    dialler.disconnected('z')
    await vi.advanceTimersByTimeAsync(4 * dialPauseMsMax)
    expect(dials.length).toBeGreaterThan(4)
    online.value = true
    await vi.advanceTimersByTimeAsync(2 * dialPauseMsMax)
    expect([...connected]).toEqual(['z'])
    expect(vi.getTimerCount()).toBe(0)
    dialler.stop()
  }
)

test('once stopped nobody is dialled any more', async () => {
  const { dialler, connected, dials } = dialling()
  dialler.start()
  await vi.advanceTimersByTimeAsync(1)
  dialler.stop()
  connected.delete('z')
  dialler.disconnected('z')
  dialler.heardOf('z')
  await vi.advanceTimersByTimeAsync(4 * dialPauseMsMax)
  expect(dials).toHaveLength(1)
})

test('a bounded number of peers is dialled at once, those of the settings and those that were met before first', async () => {
  const book = new AddressBook('a')
  for (let i = 0; i < dialsMax; i++) book.note(`named${i}`, 'learned', [address], 0)
  book.note('zmet', 'remembered', [address], 0)
  book.note('zset', 'static', [address], 0)
  const dials: (string | null)[] = []
  const dialler = new Dialler({
    self: 'a',
    book,
    anonymous: [],
    dial: (_, id) => {
      dials.push(id)
      return new Promise(() => {})
    },
    isConnected: () => false,
    alsoLoopback: () => true,
    log
  })
  dialler.start()
  await vi.advanceTimersByTimeAsync(4 * dialPauseMsMax)
  expect(dials).toHaveLength(dialsMax)
  expect(dials.slice(0, 2)).toEqual(['zset', 'zmet'])
  dialler.stop()
})

/** A dialler that has tried for some minutes to reach `z`, of whom a source has spoken, and which fails like this. */
async function inVain(
  source: Source,
  error: Error | (() => Error),
  self = 'a'
): Promise<{ dialler: Dialler; dials: number[]; looks: () => number }> {
  const book = new AddressBook('a')
  book.note('z', source, [address], 0)
  const dials: number[] = []
  let looks = 0
  const dialler = new Dialler({
    self,
    book,
    anonymous: [],
    dial: () => {
      dials.push(performance.now())
      return Promise.reject(error instanceof Error ? error : error())
    },
    isConnected: () => {
      looks++
      return false
    },
    alsoLoopback: () => true,
    log
  })
  dialler.start()
  await vi.advanceTimersByTimeAsync(5 * dialDesertedMsMax)
  return { dialler, dials, looks: () => looks }
}

function refusal(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
}

test.each([
  ['a minute, where its process has ended', 'learned', refusal(), dialDesertedMsMax],
  [
    'a minute, where all its addresses refuse',
    'remembered',
    new AggregateError([refusal(), refusal()]),
    dialDesertedMsMax
  ],
  [
    'seconds, if one does not answer',
    'learned',
    new AggregateError([refusal(), new Error('silent')]),
    dialPauseMsMax
  ],
  ['seconds, where nothing answers', 'learned', new Error('silent'), dialPauseMsMax],
  ['seconds, where the settings name it', 'static', refusal(), dialPauseMsMax]
] as const)(
  'who stays away is dialled with a pause of %s',
  async (_what, source, error, pauseMs) => {
    const { dialler, dials, looks } = await inVain(source, error)
    const [before, last] = dials.slice(-2) as [number, number]
    expect(last - before).toBeGreaterThanOrEqual(pauseMs)
    expect(last - before).toBeLessThan(pauseMs + 1000)
    const lookedBefore = looks()
    await vi.advanceTimersByTimeAsync(10 * pauseMs)
    expect(looks() - lookedBefore).toBeLessThan(60)
    dialler.stop()
  }
)

test('where a process had ended, and is heard of again, it is dialled within seconds', async () => {
  const { dialler, dials } = await inVain('learned', refusal())
  const before = dials.length
  while (dials.length === before) await vi.advanceTimersByTimeAsync(1000)
  await vi.advanceTimersByTimeAsync(2 * dialPauseMsMax)
  const count = dials.length
  dialler.heardOf('z')
  await vi.advanceTimersByTimeAsync(dialPauseMsMax)
  expect(dials).toHaveLength(count + 1)
  dialler.stop()
})

test('a computer that starts again refuses before its node is there, which is dialled within seconds all the same', async () => {
  let isUp = false
  const { dialler, dials } = await inVain('learned', () => (isUp ? refusal() : new Error('silent')))
  isUp = true
  const before = dials.length
  await vi.advanceTimersByTimeAsync(4 * dialPauseMsMax)
  expect(dials.length - before).toBeGreaterThanOrEqual(4)
  dialler.stop()
})

test('the larger id dials later, and just as often then', async () => {
  const { dialler, dials } = await inVain('learned', new Error('silent'), 'zz')
  expect(dials[0]).toBeGreaterThanOrEqual(dialFallbackMs)
  const [before, last] = dials.slice(-2) as [number, number]
  expect(last - before).toBeLessThan(dialPauseMsMax + 1000)
  dialler.stop()
})
