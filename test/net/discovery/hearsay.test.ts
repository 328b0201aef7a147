/** What is announced without the key gets few places and few dials, and shares them out by sender. */
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Hearsay } from '../../../src/net/discovery/hearsay.ts'
import {
  dialFallbackMs,
  dialSweepMs,
  hearsayDialsMax,
  hearsayFailuresMax,
  hearsayPeersMax,
  hearsayPeersPerSenderMax
} from '../../../src/net/protocol.ts'

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
/** Longer than all pauses of a peer together. */
const longMs = 60_000
const timeoutMs = 2000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

type Dial = { id: string; addresses: string[] }

/** Hearsay of a node with the id `self`, which reaches those that are in `online`, and times out with all others. */
function listening(self = 'a'): {
  hearsay: Hearsay
  online: Set<string>
  dials: Dial[]
  busiest: () => number
  strangers: string[]
} {
  const online = new Set<string>()
  const connected = new Set<string>()
  const dials: Dial[] = []
  const strangers: string[] = []
  let busy = 0
  let busiest = 0
  const dial = async (addresses: readonly unknown[], id: string): Promise<void> => {
    dials.push({ id, addresses: addresses.map(String) })
    busiest = Math.max(busiest, ++busy)
    if (!online.has(id)) await new Promise(resolve => setTimeout(resolve, timeoutMs))
    busy--
    if (!online.has(id)) throw new Error('nobody answers')
    connected.add(id)
  }
  const hearsay = new Hearsay({
    self,
    dial,
    isConnected: id => connected.has(id),
    alsoLoopback: () => false,
    onStranger: sender => strangers.push(sender),
    log
  })
  hearsay.start()
  return { hearsay, online, dials, busiest: () => busiest, strangers }
}

const at = (host: string, port = 1): ReturnType<typeof multiaddr> =>
  multiaddr(`/ip4/${host}/tcp/${port}`)

test('one sender of ten thousand forged peers does not keep a peer of another sender waiting', async () => {
  const { hearsay, online, dials } = listening()
  online.add('z')
  for (let i = 0; i < 10_000; i++) hearsay.note(`forged${i}`, [at('10.0.0.1')], '10.0.0.1')
  expect(hearsay.size).toBe(hearsayPeersPerSenderMax)
  hearsay.note('z', [at('10.0.0.2')], '10.0.0.2')
  await vi.advanceTimersByTimeAsync(dialSweepMs)
  expect(dials.map(({ id }) => id)).toContain('z')
})

test('a flood under as many senders as there are places leaves a bound on dials and on what is kept', async () => {
  const { hearsay, busiest, strangers } = listening()
  for (let i = 0; i < 10_000; i++)
    hearsay.note(`f${i}`, [at(`10.0.0.${i % 250}`)], `10.0.0.${i % 250}`)
  expect(hearsay.size).toBe(hearsayPeersMax)
  expect(strangers.length).toBe(10_000 - hearsayPeersMax)
  await vi.advanceTimersByTimeAsync(longMs)
  expect(busiest()).toBe(hearsayDialsMax)
})

test('a sender that has less gets a place of the one that has most', () => {
  const { hearsay, strangers } = listening()
  const senders = hearsayPeersMax / hearsayPeersPerSenderMax
  for (let host = 1; host <= senders; host++) {
    for (let i = 0; i < hearsayPeersPerSenderMax; i++) {
      hearsay.note(`f${host}-${i}`, [at(`10.0.0.${host}`)], `10.0.0.${host}`)
    }
  }
  hearsay.note('z', [at('10.0.1.1')], '10.0.1.1')
  expect(hearsay.size).toBe(hearsayPeersMax)
  expect(strangers).toEqual([])
})

test('whoever does not answer is tried a few times, and dropped, and then the clock stands', async () => {
  const { hearsay, dials } = listening()
  hearsay.note('z', [at('10.0.0.1')], '10.0.0.1')
  await vi.advanceTimersByTimeAsync(longMs)
  expect(dials).toHaveLength(hearsayFailuresMax)
  expect(hearsay.size).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

test('an announcement leads only to where it was made', async () => {
  const { hearsay, dials, strangers } = listening()
  const elsewhere = [at('10.0.0.2'), multiaddr('/dns4/10.0.0.1/tcp/1'), at('127.0.0.1')]
  hearsay.note('y', elsewhere, '10.0.0.1')
  hearsay.note('z', [...elsewhere, at('10.0.0.1', 7)], '10.0.0.1')
  await vi.advanceTimersByTimeAsync(dialSweepMs)
  expect(dials).toEqual([{ id: 'z', addresses: ['/ip4/10.0.0.1/tcp/7'] }])
  expect(strangers).toEqual(['10.0.0.1'])
})

test('the larger id gives the smaller one time to dial', async () => {
  const { hearsay, dials } = listening('z')
  hearsay.note('a', [at('10.0.0.1')], '10.0.0.1')
  await vi.advanceTimersByTimeAsync(dialFallbackMs - 2 * dialSweepMs)
  expect(dials).toEqual([])
  await vi.advanceTimersByTimeAsync(4 * dialSweepMs)
  expect(dials).toHaveLength(1)
})
