/**
 * Anybody can offer blobs. What is taken on a word alone has a bound, and looking at one costs no look at all others.
 */
import { describe, expect, test } from 'vitest'
import { callsOf } from '../../support/counting.ts'
import { bootOf, DRAFT, heartbeatOf, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { nodeOf } from '../../../src/core/base/ids.ts'
import { Pins } from '../../../src/core/blobs/pins.ts'
import { ProvisionalBlobs, PROVISIONAL_MAX } from '../../../src/core/blobs/provisional.ts'
import { CopyWait, type Where } from '../../../src/core/blobs/copy-wait.ts'
import { Core } from '../../../src/core/core.ts'
import type { Effect } from '../../../src/core/effect.ts'
import type { Input } from '../../../src/core/input.ts'
import { BLOBS_PER_MESSAGE_MAX, CORE_DEFAULTS, TASK_LIMITS } from '../../../src/core/options.ts'
import type { BlobRef } from '../../../src/core/task/content.ts'

const [A, B, C] = [bootOf('a'), bootOf('b'), bootOf('c')]

function blobOf(number: number, bytes = 10_000): BlobRef {
  return { hash: number.toString(16).padStart(64, '0'), bytes }
}

/** A node that is linked to b and c, and fetches whatever it asks for. */
class Node {
  readonly core = new Core({ boot: A, name: 'test/a', version: '0', labels: {} })
  readonly fetched: BlobRef[] = []
  readonly disk = new Map<string, BlobRef>()
  now = 1_000_000
  fetches = true

  constructor() {
    for (const boot of [B, C]) {
      this.feed({ kind: 'link', peer: nodeOf(boot), up: true })
      this.hear(boot, heartbeatOf(boot))
    }
  }

  hear(from: string, message: Extract<Input, { kind: 'message' }>['message']): void {
    this.feed({ kind: 'message', from: nodeOf(from), message })
  }

  feed(input: Input): void {
    const queue = [input]
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const effect of this.core.step(this.now, next)) queue.push(...this.#perform(effect))
    }
  }

  offer(from: string, blobs: readonly BlobRef[]): void {
    for (let at = 0; at < blobs.length; at += BLOBS_PER_MESSAGE_MAX) {
      const some = blobs.slice(at, at + BLOBS_PER_MESSAGE_MAX)
      this.hear(from, { kind: 'offer', boot: from, blobs: some })
    }
  }

  /** Fetches portion by portion until nothing more comes. */
  fetchAll(): void {
    for (let before = -1; before < this.fetched.length;) {
      before = this.fetched.length
      // One tick looks at some of them only.
      for (let tick = 0; tick < 10; tick++) {
        this.now++
        this.feed({ kind: 'tick' })
      }
    }
  }

  #perform(effect: Effect): Input[] {
    if (effect.kind === 'persist') return [{ kind: 'persisted', flush: effect.flush.flush }]
    if (effect.kind === 'drop-blob') this.disk.delete(effect.hash)
    if (effect.kind !== 'fetch-blob') return []
    this.fetched.push(effect.ref)
    if (!this.fetches) return []
    this.disk.set(effect.ref.hash, effect.ref)
    return [{ kind: 'blob-kept', ref: effect.ref }]
  }
}

describe('blobs that a member offers and no task names', () => {
  test('are taken up to a number; then those of others, and later its own again', () => {
    const node = new Node()
    const many = Array.from({ length: 3 * PROVISIONAL_MAX.blobs }, (_, i) => blobOf(i))
    node.offer(B, many)
    node.fetchAll()
    expect(node.disk.size).toBe(PROVISIONAL_MAX.blobs)
    node.offer(C, [blobOf(1_000_000)])
    expect(node.disk.has(blobOf(1_000_000).hash)).toBe(true)
    for (let ms = 0; ms < CORE_DEFAULTS.blobOrphanMs + 60_000; ms += 1000) {
      node.now += 1000
      for (const boot of [B, C]) node.hear(boot, heartbeatOf(boot, { at: node.now }))
      node.feed({ kind: 'tick' })
    }
    expect(node.disk.size).toBe(0)
    node.offer(B, many)
    node.fetchAll()
    expect(node.disk.size).toBe(PROVISIONAL_MAX.blobs)
  })

  test('are taken up to a bound in bytes', () => {
    const node = new Node()
    const many = Array.from({ length: 100 }, (_, i) => blobOf(i, TASK_LIMITS.blobBytesMax))
    node.offer(B, many)
    node.fetchAll()
    const bytes = [...node.disk.values()].reduce((sum, ref) => sum + ref.bytes, 0)
    expect(bytes).toBe(PROVISIONAL_MAX.bytes)
  })

  test('are remembered up to a number, too, while nobody sends them', () => {
    const node = new Node()
    node.fetches = false
    node.offer(
      B,
      Array.from({ length: 100_000 }, (_, i) => blobOf(i))
    )
    expect(node.fetched.length).toBeLessThanOrEqual(16)
    for (const { hash } of node.fetched.slice()) {
      node.feed({ kind: 'blob-failed', hash, why: 'nobody' })
    }
    expect(node.fetched.length).toBeLessThanOrEqual(PROVISIONAL_MAX.blobs)
  })

  test('make room as soon as tasks name them', () => {
    const node = new Node()
    for (let round = 0; round < 3; round++) {
      const many = Array.from({ length: PROVISIONAL_MAX.blobs }, (_, i) =>
        blobOf(round * PROVISIONAL_MAX.blobs + i)
      )
      node.offer(B, many)
      const after = round * PROVISIONAL_MAX.blobs
      const records = many.map((payload, i) => taskOf(B, after + i + 1, { spec: { payload } }))
      const writes = records.map((_, i) => i)
      node.fetchAll()
      node.hear(B, { kind: 'batch', origin: B, after, records, writes })
    }
    expect(new Set(node.fetched.map(({ hash }) => hash)).size).toBe(3 * PROVISIONAL_MAX.blobs)
  })

  test('by all members together are some shares of what one may offer', () => {
    const provisionalBlobs = new ProvisionalBlobs()
    let taken = 0
    for (let member = 0; member < 100; member++) {
      for (let i = 0; i < 1000; i++) {
        if (provisionalBlobs.take(`m${member}`, blobOf(member * 1000 + i))) taken++
      }
    }
    expect(taken).toBe(4 * PROVISIONAL_MAX.blobs)
    for (let i = 0; i < 100_000; i++) provisionalBlobs.close(blobOf(i).hash)
    expect(provisionalBlobs.size).toBe(0)
    expect(provisionalBlobs.take('m0', blobOf(1))).toBe(true)
  })
})

test('a task that waits for what it reads may turn out to read more, which is new to it', () => {
  const pins = new Pins()
  expect(pins.add('t', [blobOf(1)])).toEqual([blobOf(1)])
  expect(pins.add('t', [blobOf(1), blobOf(2)])).toEqual([blobOf(2)])
  expect(pins.add('t', [blobOf(2)])).toEqual([])
  expect([1, 2].map(number => pins.has(blobOf(number).hash))).toEqual([false, true])
})

describe('a look at one blob costs no look at all', () => {
  test('that are read', () => {
    const pins = new Pins()
    const count = 2000
    for (let i = 0; i < count; i++) pins.add(`t${i}`, [blobOf(i), blobOf(i + 1)])
    const looked = callsOf(Array.prototype, 'some', () => {
      for (let i = 0; i <= count; i++) expect(pins.has(blobOf(i).hash)).toBe(true)
    })
    expect(looked).toBeLessThan(count)
    for (let i = 0; i < count; i++) pins.take(`t${i}`)
    expect(pins.has(blobOf(1).hash)).toBe(false)
  })

  test('that wait for a second place', () => {
    const copyWait = new CopyWait()
    const count = 2000
    let placed = 0
    const input = { kind: 'submit', request: 1, id: null, draft: DRAFT, acks: null } as const
    const pending = { kind: 'create', input } as const
    const release = (): void => void placed++
    for (let i = 0; i < count; i++) {
      const { hash } = blobOf(i)
      copyWait.add({ hash, wanted: 1, deadline: 10, pending })
    }
    let asked = 0
    const others = { count: 1, apart: false }
    const where = (hash: string): Where => {
      asked++
      return { copies: hash === blobOf(7).hash ? 1 : 0, isApart: false }
    }
    for (let i = 0; i < count; i++) copyWait.releaseDue(1, others, where, release, [blobOf(i).hash])
    expect([asked, placed]).toEqual([count, 1])
    copyWait.releaseDue(10, others, where, release)
    expect([placed, copyWait.isEmpty]).toEqual([count, true])
  })
})
