/** Version vectors compared and merged, boots that are retired included. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { raise } from '../../../src/core/base/coverage.ts'
import { Dots } from '../../../src/core/base/dots.ts'
import type { BootId } from '../../../src/core/base/ids.ts'
import {
  covers,
  coversAll,
  coversOpen,
  merge,
  missing,
  reach,
  reachIn,
  RETIRED,
  succeededIn
} from '../../../src/core/base/version-vector.ts'
import { bootOf } from '../../support/tasks.ts'

type Vector = ReadonlyMap<BootId, number>

/** Three boots of each of two nodes. */
const BOOTS = ['a', 'b'].flatMap(node => [1, 2, 3].map(start => bootOf(node, start)))

/** As replicas have them: of what a retired boot stands for there is no entry. */
const vectors: fc.Arbitrary<Vector> = fc
  .array(fc.tuple(fc.constantFrom(...BOOTS), fc.constantFrom(1, 2, 3, RETIRED)), { maxLength: 6 })
  .map(entries => {
    const vector = new Map(entries)
    for (const boot of succeededIn(vector, vector)) vector.delete(boot)
    return vector
  })

/** Up to where each boot is covered: the model of a vector. */
const reaches = (vector: Vector): number[] => BOOTS.map(boot => reach(vector, boot))

function merged(...vectors: readonly Vector[]): Map<BootId, number> {
  const all = new Map<BootId, number>()
  for (const vector of vectors) merge(all, vector)
  return all
}

describe('vectors that are merged', () => {
  test('reach as far as the furthest of them, boot by boot', () => {
    fc.assert(
      fc.property(vectors, vectors, (x, y) => {
        const furthest = reaches(x).map((upTo, i) => Math.max(upTo, reaches(y)[i]!))
        expect(reaches(merged(x, y))).toEqual(furthest)
      })
    )
  })

  test('say nothing of boots that a retired one stands for', () => {
    fc.assert(
      fc.property(vectors, vectors, (x, y) => {
        const both = merged(x, y)
        expect(succeededIn(both, both)).toEqual([])
      })
    )
  })
})

describe('what is missing of a vector', () => {
  test('are the entries that are not covered, and nothing of it once it is merged', () => {
    fc.assert(
      fc.property(vectors, vectors, (mine, theirs) => {
        const lacking = [...theirs].filter(([boot, upTo]) => reach(mine, boot) < upTo)
        expect([...missing(reachIn(mine), theirs)]).toEqual(lacking)
        expect(coversAll(reachIn(mine), theirs)).toBe(lacking.length === 0)
        expect(coversAll(reachIn(merged(mine, theirs)), theirs)).toBe(true)
      })
    )
  })
})

test('a write is covered up to where its boot is; of a retired one all are, and no task is left', () => {
  const [a1, a2, a3] = BOOTS as [BootId, BootId, BootId]
  const of = reachIn(
    new Map([
      [a2, RETIRED],
      [a3, 5]
    ])
  )
  expect([5, 6].map(seq => covers(of, { origin: a3, seq }))).toEqual([true, false])
  expect([5, 6].map(seq => coversOpen(of, { origin: a3, seq }))).toEqual([true, false])
  expect(covers(of, { origin: a1, seq: 1000 })).toBe(true)
  expect(coversOpen(of, { origin: a1, seq: 1 })).toBe(false)
})

test('a word that comes late lowers nothing: not of a boot that has been retired since, either', () => {
  const [a1, a2] = BOOTS as [BootId, BootId]
  for (const unreadable of [[], [{ origin: bootOf('b'), after: 0, upTo: 1 }]]) {
    const member = { vector: new Map([[a2, RETIRED]]), unreadable: new Dots() }
    raise(member, { vector: new Map([[a1, 3]]), unreadable })
    expect(reach(member.vector, a1)).toBe(RETIRED)
  }
})
