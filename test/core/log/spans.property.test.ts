/** Stretches of writes against a dumb model: a set of numbers. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { itemsCopied } from '../../support/counting.ts'
import { bootOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { DotCloud } from '../../../src/core/log/dot-cloud.ts'
import { Spans } from '../../../src/core/log/spans.ts'

const WRITES = 60

type Action = Readonly<{ do: 'add'; after: number; length: number } | { do: 'cut'; upTo: number }>

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      after: fc.nat(WRITES),
      length: fc.integer({ min: 1, max: 8 })
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), upTo: fc.nat(WRITES) }) }
)

/** The stretches of a set of numbers, from the first one beyond `after`. */
function stretchesOf(writes: ReadonlySet<number>, after = 0): { after: number; upTo: number }[] {
  const stretches: { after: number; upTo: number }[] = []
  for (const seq of [...writes].filter(each => each > after).sort((x, y) => x - y)) {
    const last = stretches.at(-1)
    if (last?.upTo === seq - 1) last.upTo = seq
    else stretches.push({ after: seq - 1, upTo: seq })
  }
  return stretches
}

function check(spans: Spans, model: ReadonlySet<number>): void {
  expect([...spans.beyond(0)]).toEqual(stretchesOf(model))
  expect(spans.size).toBe(stretchesOf(model).length)
  for (const after of [3, 17, WRITES]) {
    expect([...spans.beyond(after)]).toEqual(stretchesOf(model, after))
  }
  for (let seq = 1; seq < WRITES + 10; seq++) expect(spans.has(seq)).toBe(model.has(seq))
}

describe('stretches', () => {
  test('are those of the numbers that were added and not cut', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), actions => {
        const spans = new Spans()
        const model = new Set<number>()
        for (const step of actions) {
          if (step.do === 'cut') {
            spans.cut(step.upTo)
            for (const seq of model) if (seq <= step.upTo) model.delete(seq)
          } else {
            spans.add({ after: step.after, upTo: step.after + step.length })
            for (let i = 1; i <= step.length; i++) model.add(step.after + i)
          }
          check(spans, model)
          spans.assertInvariants()
        }
      })
    )
  })

  test('may be hundreds of thousands, from both ends and from in between', () => {
    const spans = new Spans()
    const count = 100_000
    for (let i = 0; i < count; i++) {
      // 7919 is a prime: each place once, in no order.
      const after = 2 * ((i * 7919) % count)
      spans.add({ after, upTo: after + 1 })
    }
    expect(spans.size).toBe(count)
    expect([spans.has(1), spans.has(2), spans.has(2 * count - 1)]).toEqual([true, false, true])
    for (let upTo = 0; upTo < count; upTo += 10) spans.cut(upTo)
    expect(spans.size).toBe(count / 2 + 5)
    spans.add({ after: 0, upTo: 2 * count })
    expect([...spans.beyond(0)]).toEqual([{ after: 0, upTo: 2 * count }])
  })
})

describe('what is known to be forgotten', () => {
  const B = bootOf('b')
  const spansOf = (count: number): { origin: string; after: number; upTo: number }[] =>
    Array.from({ length: count }, (_, i) => ({ origin: B, after: 2 * i, upTo: 2 * i + 1 }))

  test('grows and goes piece by piece without all of it being looked at', () => {
    const dotCloud = new DotCloud()
    const count = 20_000
    const all = spansOf(count)
    const copied = itemsCopied(() => {
      for (const span of all) dotCloud.learn([span])
      for (let upTo = 1; upTo < count; upTo += 2) dotCloud.passed(B, upTo)
    })
    expect(copied).toBeLessThan(10 * count)
    expect(dotCloud.size).toBe(count / 2)
  })

  test('names a boot by its tag only as long as it knows something of it', () => {
    const dotCloud = new DotCloud()
    dotCloud.learn(spansOf(3))
    dotCloud.close(bootOf('b', 2))
    expect([dotCloud.size, dotCloud.has({ origin: B, seq: 1 })]).toEqual([0, false])
    expect(dotCloud.takeChanged()).toEqual(new Map([[B, []]]))
  })
})
