/**
 * What every `Transport` promises, whatever carries it. Run against libp2p and against the simulator's network.
 */
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { bootId } from '../../src/core/base/ids.ts'
import type { Batch, Heartbeat, SyncRequest } from '../../src/core/message.ts'
import type { BlobRef } from '../../src/core/task/content.ts'
import type { Transport } from '../../src/ports/ports.ts'
import { GOSSIP_BYTES_MAX } from '../../src/core/options.ts'
import { Recorder } from '../support/recorder.ts'
import { until } from '../support/until.ts'
import { heartbeatOf } from '../support/tasks.ts'

/** Makes transports of one cluster that find each other once started. The suite stops them all. */
export type MakeTransports = (count: number) => Promise<Transport[]>

type Member = { transport: Transport; seen: Recorder }

/** Registers the suite. */
export function transportContract(name: string, make: MakeTransports): void {
  describe(`${name} is a transport`, () => {
    const { members, pair, running } = crew(make)

    test('messages to one peer arrive in the order in which they were sent', async () => {
      const [a, b] = await pair()
      for (let at = 1; at <= 2000; at++) a.transport.send(b.transport.id, beat(a.transport.id, at))
      await until(() => b.seen.messages.length === 2000, 'all messages')
      expect(b.seen.messages.map(({ message }) => (message as Heartbeat).at)).toEqual(
        Array.from({ length: 2000 }, (_, index) => index + 1)
      )
      expect(b.seen.messages.every(({ from }) => from === a.transport.id)).toBe(true)
    })

    test('what is published reaches all linked peers, and not the publisher', async () => {
      const all = await members(3)
      await publishAndHear(all)
      for (const { transport, seen } of all) {
        const authors = seen.messages.map(({ message }) => (message as Heartbeat).boot)
        expect(authors).not.toContain(boot(transport.id))
      }
    })

    test('what is published in the moment in which a link comes up reaches that peer', async () => {
      const [a, b] = (await make(2)) as [Transport, Transport]
      running.push(a, b)
      const [first, second] = [new Recorder(), new Recorder()]
      first.onLink = (_, up) => up && a.publish(beat(a.id, 1))
      second.onLink = (_, up) => up && b.publish(beat(b.id, 1))
      await Promise.all([a.start(first), b.start(second)])
      await until(() => [first, second].every(seen => seen.messages.length === 1), 'both to hear')
    })

    test('a peer that stops is reported once, as down', async () => {
      const [a, b] = await pair()
      await b.transport.stop()
      await until(() => a.seen.linked().length === 0, 'the link to go')
      expect(a.seen.links.map(({ up }) => up)).toEqual([true, false])
      expect(a.transport.peers().every(peer => !peer.connected)).toBe(true)
    })

    test('a message to a peer without a link is dropped and counted', async () => {
      const [a, b] = await pair()
      await b.transport.stop()
      await until(() => a.seen.linked().length === 0, 'the link to go')
      const before = a.transport.counters().dropped
      a.transport.send(b.transport.id, beat(a.transport.id, 1))
      expect(a.transport.counters().dropped).toBe(before + 1)
    })

    test('a message too large for gossip is dropped and counted, and gossip goes on', async () => {
      const all = await members(2)
      const [a] = all as [Member, Member]
      const before = a.transport.counters().dropped
      a.transport.publish(bulky(a.transport.id, GOSSIP_BYTES_MAX))
      expect(a.transport.counters().dropped).toBe(before + 1)
      await publishAndHear(all)
    })

    test('a sync brings the whole answer, in order, and ends once', async () => {
      const [a, b] = await pair()
      b.seen.answer = function* () {
        for (let after = 0; after < 300; after++) yield batch(b.transport.id, after)
      }
      a.transport.sync(b.transport.id, request(a.transport.id))
      expect(a.seen.ended).toEqual([])
      await until(() => a.seen.ended.length > 0, 'the end of the sync')
      expect(a.seen.messages.map(({ message }) => (message as Batch).after)).toEqual(
        Array.from({ length: 300 }, (_, index) => index)
      )
      expect(a.seen.ended).toEqual([{ peer: b.transport.id, whole: true }])
    })

    test('an empty answer is whole', async () => {
      const [a, b] = await pair()
      a.transport.sync(b.transport.id, request(a.transport.id))
      await until(() => a.seen.ended.length > 0, 'the end of the sync')
      expect(a.seen.ended).toEqual([{ peer: b.transport.id, whole: true }])
      expect(a.seen.messages).toEqual([])
    })

    test('one sync can follow another at once', async () => {
      const [a, b] = await pair()
      b.seen.answer = () => [batch(b.transport.id, 0)]
      for (let round = 1; round <= 20; round++) {
        a.transport.sync(b.transport.id, request(a.transport.id))
        await until(() => a.seen.ended.length === round, `the end of sync ${round}`)
      }
      expect(a.seen.ended.every(({ whole }) => whole)).toBe(true)
    })

    test('a sync with a peer that is not connected ends, once, as broken off', async () => {
      const [a, b] = await pair()
      await b.transport.stop()
      await until(() => a.seen.linked().length === 0, 'the link to go')
      a.transport.sync(b.transport.id, request(a.transport.id))
      expect(a.seen.ended).toEqual([])
      await until(() => a.seen.ended.length > 0, 'the end of the sync')
      expect(a.seen.ended).toEqual([{ peer: b.transport.id, whole: false }])
    })

    test('a sync ends, once, as broken off when the peer stops in the middle', async () => {
      const [a, b] = await pair()
      let stopping: Promise<void> | undefined
      b.seen.answer = function* () {
        for (let after = 0; ; after++) {
          if (after === 50) stopping = b.transport.stop()
          if (after === 10_000) return
          yield batch(b.transport.id, after)
        }
      }
      a.transport.sync(b.transport.id, request(a.transport.id))
      await until(() => a.seen.ended.length > 0, 'the end of the sync')
      await stopping
      expect(a.seen.ended).toEqual([{ peer: b.transport.id, whole: false }])
    })

    test('a sync under way when this node stops is reported before stop resolves', async () => {
      const [a, b] = await pair()
      b.seen.answer = function* () {
        for (let after = 0; after < 100_000; after++) yield batch(b.transport.id, after)
      }
      a.transport.sync(b.transport.id, request(a.transport.id))
      await until(() => a.seen.messages.length > 0, 'a first batch')
      await a.transport.stop()
      expect(a.seen.ended).toEqual([{ peer: b.transport.id, whole: false }])
    })

    test('what was sent before stop arrives, and nothing is delivered after it', async () => {
      const [a, b] = await pair()
      for (let at = 1; at <= 100; at++) a.transport.send(b.transport.id, beat(a.transport.id, at))
      await a.transport.stop()
      await until(() => b.seen.messages.length === 100, 'what was sent before stop')
      const heard = [a.seen.messages.length, a.seen.links.length]
      b.transport.send(a.transport.id, beat(b.transport.id, 1))
      b.transport.publish(beat(b.transport.id, 2))
      await until(() => b.seen.linked().length === 0, 'the link to go')
      expect([a.seen.messages.length, a.seen.links.length]).toEqual(heard)
    })

    test('stop can be called twice, and a stopped transport takes no messages', async () => {
      const [a, b] = await pair()
      await Promise.all([a.transport.stop(), a.transport.stop()])
      a.transport.send(b.transport.id, beat(a.transport.id, 1))
      a.transport.publish(beat(a.transport.id, 1))
      expect(b.seen.messages).toEqual([])
    })
  })
}

/** Registers the suite of what every transport promises that carries the bytes of blobs. */
export function blobTransportContract(name: string, make: MakeTransports): void {
  describe(`${name} carries blobs`, () => {
    const { pair } = crew(make)

    test('a blob arrives whole, however large it is', async () => {
      const [a, b] = await pair()
      const blob = blobOf(5_000_000)
      b.seen.blobs.set(blob.ref.hash, blob.pieces)
      const kept = new Keeper()
      expect(await a.transport.fetchBlob(b.transport.id, blob.ref, kept.keep)).toBe(true)
      expect(kept.hash()).toBe(blob.ref.hash)
    })

    test('a blob that the peer does not have, or cannot read, is not fetched', async () => {
      const [a, b] = await pair()
      const { ref } = blobOf(10_000)
      const kept = new Keeper()
      expect(await a.transport.fetchBlob(b.transport.id, ref, kept.keep)).toBe(false)
      b.seen.blobs.set(ref.hash, () => {
        throw new Error('the disk is broken')
      })
      expect(await a.transport.fetchBlob(b.transport.id, ref, kept.keep)).toBe(false)
      expect([kept.calls, a.transport.counters().refused]).toEqual([0, 0])
      expect(await a.transport.fetchBlob('nobody', ref, kept.keep)).toBe(false)
    })

    test('a blob of wrong bytes is refused and counted, and too many are not even read', async () => {
      const [a, b] = await pair()
      const { ref } = blobOf(1_000_000)
      b.seen.blobs.set(ref.hash, blobOf(8_000_000).pieces)
      const kept = new Keeper(() => false)
      expect(await a.transport.fetchBlob(b.transport.id, ref, kept.keep)).toBe(false)
      expect(a.transport.counters().refused).toBe(1)
      expect(kept.bytes).toBeLessThanOrEqual(ref.bytes)
    })

    test('a reader that takes its time holds the sender back', async () => {
      const [a, b] = await pair()
      const blob = blobOf(30_000_000)
      let sent = 0
      b.seen.blobs.set(blob.ref.hash, async function* () {
        for await (const piece of blob.pieces()) {
          sent += piece.length
          yield piece
        }
      })
      const gate = Promise.withResolvers<void>()
      const kept = new Keeper()
      const fetched = a.transport.fetchBlob(b.transport.id, blob.ref, async pieces => {
        for await (const piece of pieces) {
          kept.take(piece)
          await gate.promise
        }
        return true
      })
      await until(() => kept.bytes > 0, 'a first piece')
      // As much as it takes for a sender that nobody holds back to send all of it.
      await a.transport.fetchBlob(b.transport.id, blobOf(15_000_000, b.seen.blobs).ref, pieces =>
        new Keeper().keep(pieces)
      )
      expect(sent).toBeLessThan(10_000_000)
      gate.resolve()
      expect(await fetched).toBe(true)
      expect(kept.hash()).toBe(blob.ref.hash)
    })

    test('a blob is not fetched to its end by a node that stops', async () => {
      const [a, b] = await pair()
      const blob = blobOf(10_000_000)
      b.seen.blobs.set(blob.ref.hash, async function* () {
        yield* blob.pieces()
        await new Promise(() => undefined)
      })
      const kept = new Keeper()
      const fetched = a.transport.fetchBlob(b.transport.id, blob.ref, kept.keep)
      await until(() => kept.bytes > 0, 'a first piece')
      await a.transport.stop()
      expect(await fetched).toBe(false)
    })
  })
}

/** Members of one cluster, which are stopped after each test. */
function crew(make: MakeTransports): {
  members: (count: number) => Promise<Member[]>
  pair: () => Promise<[Member, Member]>
  running: Transport[]
} {
  const running: Transport[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map(transport => transport.stop()))
  })

  async function members(count: number): Promise<Member[]> {
    const transports = await make(count)
    running.push(...transports)
    const all = transports.map(transport => ({ transport, seen: new Recorder() }))
    await Promise.all(all.map(({ transport, seen }) => transport.start(seen)))
    await until(
      () => all.every(({ seen }) => seen.linked().length === count - 1),
      'links between all'
    )
    return all
  }
  async function pair(): Promise<[Member, Member]> {
    const [a, b] = await members(2)
    if (a === undefined || b === undefined) throw new Error('the factory made too few')
    return [a, b]
  }
  return { members, pair, running }
}

async function publishAndHear(all: readonly Member[]): Promise<void> {
  for (const { transport } of all) transport.publish(beat(transport.id, 1))
  await until(
    () =>
      all.every(
        ({ seen }) => new Set(seen.messages.map(({ from }) => from)).size === all.length - 1
      ),
    'everybody to hear everybody'
  )
}

function boot(node: string): string {
  return bootId(node, 1, 1)
}

function beat(node: string, at: number): Heartbeat {
  return heartbeatOf(boot(node), { at, name: 'computer/1' })
}

function batch(node: string, after: number): Batch {
  return { kind: 'batch', origin: boot(node), after, records: [], writes: Array(500).fill(-1) }
}

function bulky(node: string, bytes: number): Batch {
  return { ...batch(node, 0), writes: Array(bytes).fill(-1) }
}

function request(node: string): SyncRequest {
  return { kind: 'sync', boot: boot(node), vector: new Map() }
}

type TestBlob = { ref: BlobRef; pieces: () => AsyncIterable<Uint8Array> }

/** Bytes that are the same for the same size. Has them answered for, if it is given where. */
function blobOf(bytes: number, served?: Map<string, TestBlob['pieces']>): TestBlob {
  const all = Buffer.alloc(bytes, `${bytes} `)
  const hash = createHash('sha256').update(all).digest('hex')
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes; at += 100_000) yield all.subarray(at, at + 100_000)
  }
  served?.set(hash, pieces)
  return { ref: { hash, bytes }, pieces }
}

/** Takes what comes, and finds out what it was. */
class Keeper {
  bytes = 0
  calls = 0
  readonly #digest = createHash('sha256')
  readonly #verdict: () => boolean

  constructor(verdict: () => boolean = () => true) {
    this.#verdict = verdict
  }

  readonly keep = async (pieces: AsyncIterable<Uint8Array>): Promise<boolean> => {
    this.calls++
    for await (const piece of pieces) this.take(piece)
    return this.#verdict()
  }

  take(piece: Uint8Array): void {
    this.bytes += piece.length
    this.#digest.update(piece)
  }

  hash(): string {
    return this.#digest.digest('hex')
  }
}
