/** The small rules about blobs: who needs one, who keeps it, who waits for it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { holdersOf, lineFor } from '../../../src/core/blobs/holders.ts'
import { Offers } from '../../../src/core/blobs/offers.ts'
import { CopyWait, type Where } from '../../../src/core/blobs/copy-wait.ts'
import { Pins } from '../../../src/core/blobs/pins.ts'
import { References } from '../../../src/core/blobs/references.ts'
import type { Effect } from '../../../src/core/effect.ts'
import { BLOBS_PER_MESSAGE_MAX } from '../../../src/core/options.ts'
import type { Release } from '../../../src/core/pending.ts'
import type { BlobRef } from '../../../src/core/task/content.ts'
import { bootOf, DRAFT, keepersOf, outcomeBy, taskOf } from '../../support/tasks.ts'

const A = bootOf('a')
const nodes = ['a', 'b', 'c', 'd', 'e', 'f']

function blob(digit: string): BlobRef {
  return { hash: digit.repeat(64), bytes: 9000 }
}

function hashes(refs: readonly BlobRef[]): string {
  return refs.map(({ hash }) => hash[0]).join('')
}

describe('references', () => {
  const payload = blob('1')
  const result = blob('2')
  const open = taskOf(A, 1, { spec: { payload } })
  const settled = { ...open, outcome: outcomeBy(A, { result }) }

  test('begin with the first task that names a blob, and end with the last', () => {
    const references = new References()
    expect(hashes(references.retain(open))).toBe('1')
    expect(references.has(payload.hash)).toBe(true)
    references.retain(taskOf(A, 2, { spec: { payload } }))
    references.release(open.spec.id)
    expect(references.has(payload.hash)).toBe(true)
    expect(hashes(references.release(taskOf(A, 2).spec.id))).toBe('1')
    expect(references.has(payload.hash)).toBe(false)
    expect([...references.blobs()]).toEqual([])
  })

  test('count a task once, however often it comes', () => {
    const references = new References()
    references.retain(open)
    expect(references.retain(open)).toEqual([])
    references.release(open.spec.id)
    expect(references.has(payload.hash)).toBe(false)
  })

  test('follow what a task names: a result that comes, and one that is replaced', () => {
    const references = new References()
    references.retain(open)
    expect(hashes(references.retain(settled))).toBe('2')
    const other = { ...open, outcome: outcomeBy(A, { result: blob('3') }) }
    expect(hashes(references.retain(other))).toBe('23')
    expect(hashes([...references.blobs()])).toBe('13')
  })

  test('of a task whose payload is its result are two, and both end', () => {
    const references = new References()
    references.retain({ ...open, outcome: outcomeBy(A, { result: payload }) })
    references.retain(open)
    expect(references.has(payload.hash)).toBe(true)
    references.release(open.spec.id)
    expect(references.has(payload.hash)).toBe(false)
  })

  test('of small texts there are none', () => {
    const references = new References()
    expect(references.retain(taskOf(A, 1, { outcome: outcomeBy(A) }))).toEqual([])
    expect(references.release(taskOf(A, 1).spec.id)).toEqual([])
  })
})

describe('holders', () => {
  const hash = fc.stringMatching(/^[0-9a-f]{64}$/)

  test('are two, or all if there are fewer, and the same in whatever order nodes are known', () => {
    fc.assert(
      fc.property(hash, fc.shuffledSubarray(nodes), (of, some) => {
        const holders = holdersOf(of, keepersOf(some))
        expect(holders).toHaveLength(Math.min(2, some.length))
        expect(holdersOf(of, keepersOf([...some].sort()))).toEqual(holders)
      })
    )
  })

  test('change only where a node comes or goes that is one of them', () => {
    fc.assert(
      fc.property(hash, fc.constantFrom(...nodes), (of, gone) => {
        const before = holdersOf(of, keepersOf(nodes))
        const after = holdersOf(of, keepersOf(nodes.filter(node => node !== gone)))
        const stay = before.filter(node => node !== gone)
        expect(after.slice(0, stay.length)).toEqual(stay)
      })
    )
  })

  test('spread over all nodes', () => {
    const counts = new Map(nodes.map(node => [node, 0]))
    for (let i = 0; i < 600; i++) {
      for (const node of holdersOf(`hash ${i}`, keepersOf(nodes)))
        counts.set(node, counts.get(node)! + 1)
    }
    for (const count of counts.values()) expect(count).toBeGreaterThan(120)
  })

  test('are the first of the line', () => {
    expect(lineFor('hash', nodes).slice(0, 2)).toEqual(holdersOf('hash', keepersOf(nodes)))
    expect(lineFor('hash', nodes).sort()).toEqual(nodes)
  })

  /** Two nodes each on three computers. */
  const onTwo = keepersOf(nodes.slice(0, 6)).map((keeper, i) => ({
    ...keeper,
    computer: `computer ${i % 3}`
  }))
  const computerAt = (node: string): string | null =>
    onTwo.find(keeper => keeper.node === node)!.computer

  test('are on two computers if there are two: the heaviest, and the heaviest on another', () => {
    fc.assert(
      fc.property(hash, fc.shuffledSubarray(onTwo, { minLength: 1 }), (of, some) => {
        const line = lineFor(
          of,
          some.map(({ node }) => node)
        )
        const [first] = line
        const other = line.find(node => computerAt(node) !== computerAt(first!)) ?? line[1]
        expect(holdersOf(of, some)).toEqual([first, other].filter(Boolean))
      })
    )
  })

  test('of whose computer nothing is known count as on none', () => {
    const some = onTwo.map(keeper => ({ ...keeper, computer: null }))
    const [first, second] = lineFor(
      'hash',
      some.map(({ node }) => node)
    )
    expect(holdersOf('hash', some)).toEqual([first, second])
  })

  test('while some know only of the two heaviest are those, too, and nobody else who would not keep it', () => {
    fc.assert(
      fc.property(hash, fc.subarray(onTwo, { minLength: 1, maxLength: 5 }), (of, older) => {
        const mixed = onTwo.map(keeper => ({ ...keeper, keepsApart: !older.includes(keeper) }))
        const line = lineFor(
          of,
          mixed.map(({ node }) => node)
        )
        const holders = holdersOf(of, mixed)
        expect(holders.slice(0, 2)).toEqual(line.slice(0, 2))
        const others = holders.slice(2)
        expect(others.length).toBeLessThanOrEqual(1)
        for (const other of others) {
          expect(mixed.find(({ node }) => node === other)!.keepsApart).toBe(true)
          expect(computerAt(other)).not.toBe(computerAt(line[0]!))
        }
      })
    )
  })
})

describe('what waits for a second place of a blob', () => {
  const copies: number[] = []
  const note: Release = due => void ('copies' in due && copies.push(due.copies))
  const others = (count: number): { count: number; apart: boolean } => ({ count, apart: false })
  const at = (count: number): Where => ({ copies: count, isApart: false })
  const input = { kind: 'submit', request: 1, id: null, draft: DRAFT, acks: null } as const
  const pending = { kind: 'create', input } as const
  const waiting = (wanted: number): CopyWait => {
    copies.length = 0
    const copyWait = new CopyWait()
    copyWait.add({ hash: 'h', wanted, deadline: 100, pending })
    return copyWait
  }

  test('is released when another node has the blob', () => {
    const copyWait = waiting(1)
    copyWait.releaseDue(0, others(3), () => at(0), note)
    expect(copies).toEqual([])
    copyWait.releaseDue(1, others(3), () => at(1), note)
    copyWait.releaseDue(2, others(3), () => at(2), note)
    expect(copies).toEqual([1])
    expect(copyWait.isEmpty).toBe(true)
  })

  test('is released at once where there is no other node, or none is asked for', () => {
    waiting(1).releaseDue(0, others(0), () => at(0), note)
    expect(copies).toEqual([0])
    waiting(0).releaseDue(0, others(3), () => at(0), note)
    expect(copies).toEqual([0])
  })

  test('is released when it has waited long enough, and is told that nobody has it', () => {
    const copyWait = waiting(1)
    copyWait.releaseDue(99, others(3), () => at(0), note)
    expect(copies).toEqual([])
    copyWait.releaseDue(100, others(3), () => at(0), note)
    expect(copies).toEqual([0])
  })

  test('is released when a node on another computer has the blob, if one is there; or at last, and is told so', () => {
    const shorts: boolean[] = []
    const noteShort: Release = due => void ('copies' in due && shorts.push(due.short))
    const copyWait = new CopyWait()
    const there = { count: 3, apart: true }
    const add = (): void => copyWait.add({ hash: 'h', wanted: 1, deadline: 100, pending })
    add()
    copyWait.releaseDue(0, there, () => at(2), noteShort)
    expect(shorts).toEqual([])
    copyWait.releaseDue(1, there, () => ({ copies: 1, isApart: true }), noteShort)
    expect(shorts).toEqual([false])
    add()
    copyWait.releaseDue(100, there, () => at(2), noteShort)
    expect(shorts).toEqual([false, true])
  })

  test('may bring the next one', () => {
    const copyWait = new CopyWait()
    const next = (): void => copyWait.add({ hash: 'n', wanted: 1, deadline: 100, pending })
    copyWait.add({ hash: 'h', wanted: 0, deadline: 100, pending })
    copyWait.releaseDue(0, others(3), () => at(0), next)
    expect([copyWait.has('h'), copyWait.has('n')]).toEqual([false, true])
  })
})

test('offers and answers name no more blobs in a message than a peer accepts, and all of them', () => {
  const offers = new Offers(A)
  const refs = Array.from({ length: BLOBS_PER_MESSAGE_MAX + 1 }, (_, i) => ({
    hash: i.toString(16).padStart(64, '0'),
    bytes: 9000
  }))
  for (const ref of refs) offers.offer('b', ref)
  offers.answer('c', refs[0]!.hash)
  const effects: Effect[] = []
  offers.send(effect => effects.push(effect))
  offers.send(effect => effects.push(effect))
  const messages = effects.flatMap(effect => (effect.kind === 'send' ? [effect.message] : []))
  expect(messages.map(({ kind }) => kind)).toEqual(['offer', 'offer', 'kept'])
  expect(messages.flatMap(message => (message.kind === 'offer' ? message.blobs : []))).toEqual(refs)
})

test('what a task reads may become more while it waits: of that only what it did not read before is new', () => {
  const [payload, result] = [blob('1'), blob('2')]
  const pins = new Pins()
  expect(pins.add('t', [payload])).toEqual([payload])
  expect(pins.add('t', [payload])).toEqual([])
  expect(pins.add('t', [payload, result])).toEqual([result])
  pins.take('t')
  expect([payload, result].map(({ hash }) => pins.has(hash))).toEqual([false, false])
})
