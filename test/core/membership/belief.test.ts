/** What no node can have said in truth is not believed, and counted; and no message reaches an assertion. */
import { describe, expect, test } from 'vitest'
import { CLOCK_MS_MAX, clockMs, HybridClock, STAMP_MAX } from '../../../src/core/base/hlc.ts'
import { bootId, SEQ_MAX, taskId } from '../../../src/core/base/ids.ts'
import { RETIRED } from '../../../src/core/base/version-vector.ts'
import type { Batch, Message } from '../../../src/core/message.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, heartbeatOf, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'

const A = bootOf('a')
const B = bootOf('b')
const C = bootOf('c')
const FAR = 'c/zzzzzzzzzz-zzzzzz'

function two(): { pump: Pump; a: PumpNode; b: PumpNode } {
  const pump = pumpOf([A, B])
  pump.pass(2000)
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  return { pump, a, b }
}

function hear(node: PumpNode, message: Message, from = 'b'): void {
  node.feed({ kind: 'message', from, message })
}

const disbelieved = ({ core }: PumpNode): number => core.view.counters.disbelieved

const batch = (parts: Partial<Batch>): Batch => ({
  kind: 'batch',
  origin: B,
  after: 0,
  records: [],
  writes: [],
  ...parts
})

describe('a number beyond what a boot can write', () => {
  const id = taskOf(B, 1).spec.id
  const record = taskOf(B, 1, { created: [{ origin: B, seq: SEQ_MAX + 1 }] })
  const change = { ...record, task: { origin: B, seq: RETIRED } }
  const messages: Message[] = [
    batch({ after: RETIRED, writes: [-1] }),
    batch({ after: SEQ_MAX, writes: [-1] }),
    batch({ after: 0.5, writes: [-1] }),
    batch({ records: [record], writes: [0] }),
    batch({ changes: [change], writes: [0] }),
    batch({ records: [taskOf(B, 1)], writes: [1] }),
    { kind: 'goodbye', boot: B, upTo: SEQ_MAX + 1 },
    { kind: 'grant', request: 1, boot: B, records: [record], dependencies: [] },
    { kind: 'grant', request: 1, boot: B, records: [], dependencies: [record] },
    { kind: 'found', boot: B, ids: [id], records: [record], forgotten: [] },
    { kind: 'forgotten', boots: [], more: false, spans: [{ origin: B, after: 0, upTo: RETIRED }] }
  ]

  test.each(messages.map(message => [message.kind, message] as const))(
    'is not believed in a %s',
    (_, message) => {
      const { a } = two()
      hear(a, message)
      expect(disbelieved(a)).toBe(1)
      expect(a.core.view.mergedVector().get(B) ?? 0).toBe(0)
      expect([...a.core.view.records()]).toEqual([])
    }
  )

  test('in a vector leaves nothing of the message', () => {
    const { pump, a } = two()
    a.submit()
    const vector = new Map([
      [A, 1],
      [B, SEQ_MAX + 1],
      [C, 3]
    ])
    hear(a, heartbeatOf(B, { at: pump.now * 1000, vector }))
    const known = a.core.view.member('b')!.vector
    expect([A, B, C].map(boot => known.get(boot) ?? 0)).toEqual([0, 0, 0])
    expect(disbelieved(a)).toBe(1)
  })
})

describe('a peer that claims', () => {
  test('more of our log than we have written has no copy of what we write next', () => {
    const { pump, a } = two()
    pump.lose = () => true
    hear(a, { kind: 'ack', boot: B, vector: new Map([[A, SEQ_MAX]]) })
    hear(a, { kind: 'ack', boot: B, vector: new Map([[A, RETIRED]]) })
    hear(a, { kind: 'ack', boot: B, vector: new Map([[bootOf('a', 9), RETIRED]]) })
    a.submit()
    pump.settle()
    expect(a.of('accepted')).toEqual([])
    hear(a, { kind: 'ack', boot: B, vector: new Map([[A, 1]]) })
    expect(a.of('accepted')).toHaveLength(1)
  })

  test('writes of this node that are still to come brings nothing: there is no later boot of it', () => {
    const { a } = two()
    const later = bootOf('a', 9)
    hear(a, batch({ origin: later, records: [taskOf(later, 1)], writes: [0] }))
    expect(a.core.view.mergedVector().has(later)).toBe(false)
  })

  test.each([
    ['the boot of a member that speaks', B],
    ['a later boot of it', bootOf('b', 5)],
    ['this boot', A],
    ['a later one of this node', bootOf('a', 5)],
    ['a boot of the far future', FAR]
  ])('that %s is closed is not believed', (_, boot) => {
    const { pump, a, b } = two()
    // The answer to what a lacks.
    hear(a, batch({ after: 7, writes: [-1] }))
    hear(a, { kind: 'forgotten', spans: [], boots: [boot], more: false })
    hear(a, heartbeatOf(B, { at: pump.now * 1000, vector: new Map([[boot, RETIRED]]) }))
    expect(disbelieved(a)).toBe(2)
    expect(a.core.view.mergedVector().get(boot)).not.toBe(RETIRED)
    const id = b.submit()
    pump.pass(1000)
    expect(a.state(id)).toBe('queued')
  })
})

test('a batch of a boot that is closed brings nothing, wherever it begins', () => {
  const { a } = two()
  const news = { kind: 'forgotten', spans: [], boots: [C], more: false } as const
  a.feed({ kind: 'load', request: 1, news })
  for (const after of [0, 7, SEQ_MAX - 1, RETIRED]) {
    hear(a, batch({ origin: C, after, records: [taskOf(C, 1)], writes: [0] }))
    hear(a, batch({ origin: C, after, writes: [-1] }))
  }
  expect([...a.core.view.records()]).toEqual([])
})

test('a task that somebody has made up under the id that is next here does not keep us from our own', () => {
  const { pump, a } = two()
  const ids = [0, 1, 2].map(ms => taskId(pump.now + ms, A, 1))
  const forged = ids.map(id => taskOf(B, 1, { spec: { id } }))
  hear(a, batch({ records: forged, writes: [0, 1, 2] }))
  const id = a.submit()
  expect(ids).not.toContain(id)
  expect(a.state(id)).toBe('queued')
})

describe('a task that is said to run here, and does not,', () => {
  const claim = { ...taskOf(B, 1).claim, holder: A, epoch: 1, cause: 'grant' as const }
  const started = { epoch: 1, by: A, at: 1 }

  test('is not taken for lost, however many nodes it is said to have taken with it', () => {
    const { pump, a } = two()
    a.worker(1)
    const lost = Array.from({ length: 16 }, (_, i) => bootOf('z', i))
    const record = taskOf(B, 1, { claim: { ...claim, lost }, started })
    hear(a, batch({ records: [record], writes: [0] }))
    pump.pass(1000)
    expect(a.record(record.spec.id).outcome).toBe(null)
  })

  /** Returns after how many steps the task had failed; `forgedAt` says when a start of it was made up. */
  function failing(forgedAt = Number.POSITIVE_INFINITY): { steps: number; a: PumpNode } {
    const { pump, a } = two()
    const payload = { hash: 'f'.repeat(64), bytes: 20_000 }
    const record = taskOf(B, 1, { claim, spec: { payload } })
    a.worker(1)
    hear(a, batch({ records: [record], writes: [0] }))
    for (let steps = 0; steps < 500; steps++) {
      if (a.state(record.spec.id) === 'failed') return { steps, a }
      if (steps === forgedAt) {
        hear(a, batch({ after: 1, records: [{ ...record, started }], writes: [0] }))
      }
      pump.now += 100
      if (steps % 2 === 0) a.core.step(pump.now, { kind: 'tick' })
      else a.core.step(pump.now, { kind: 'blob-failed', hash: payload.hash, why: 'nobody' })
    }
    return { steps: 500, a }
  }

  test('does not fail for want of what it reads', () => {
    const { steps } = failing()
    expect(steps).toBeLessThan(500)
    for (let forgedAt = steps - 5; forgedAt < steps; forgedAt++) {
      const { a } = failing(forgedAt)
      expect([...a.core.view.records()].map(({ outcome }) => outcome)).toEqual([null])
    }
  })
})

describe('a clock', () => {
  test('that shows what no clock can shows another time that goes on as fast', () => {
    const year2099 = 4_070_908_800_000
    expect(clockMs(1_800_000_000_000.5)).toBe(1_800_000_000_000.5)
    for (const wrong of [year2099, -10_000, -5e12, 9e15]) {
      const shown = clockMs(wrong)
      expect(shown).toBeGreaterThanOrEqual(0)
      expect(shown).toBeLessThanOrEqual(CLOCK_MS_MAX)
      expect(clockMs(wrong + 1000) - shown).toBe(1000)
    }
  })

  test('stamps and names nothing beyond its range, whatever it has seen', () => {
    const clock = new HybridClock()
    for (const seen of [RETIRED, STAMP_MAX + 1, Number.NaN]) clock.adopt(seen, CLOCK_MS_MAX * 2)
    expect(clock.stamp(1000)).toBe(1_000_000)
    for (const ms of [1e15, 9e15, -1]) {
      const stamp = clock.stamp(ms)
      expect(bootId('a', stamp, 0)).toMatch(/^a\/[0-9a-z]{10}-[0-9a-z]{6}$/)
    }
  })

  test('of a member that names such a time is not heard', () => {
    const { pump, a } = two()
    const at = pump.now * 1000
    for (const parts of [{ clockMs: RETIRED }, { clockMs: CLOCK_MS_MAX + 1 }, { at: RETIRED }]) {
      hear(a, heartbeatOf(B, { at, slots: 9, ...parts }))
    }
    expect(disbelieved(a)).toBe(3)
    expect(a.core.view.member('b')!.heartbeat.slots).toBe(0)
  })
})
