/** What an answer to a peer that catches up says of what has been forgotten, and what the peer makes of half of it. */
import { describe, expect, test } from 'vitest'
import { nodeOf } from '../../../src/core/base/ids.ts'
import { Core } from '../../../src/core/core.ts'
import type { Flush } from '../../../src/core/effect.ts'
import { answerSync } from '../../../src/core/replication/sync-answer.ts'
import { Log, type Merged } from '../../../src/core/log/log.ts'
import type { Batch, Forgotten, Message } from '../../../src/core/message.ts'
import { Disk } from '../../../src/sim/world/disk.ts'
import { decode, encode } from '../../../src/wire/codec.ts'
import { pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf, idOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'

const A = bootOf('a')
const B = bootOf('b')
const everything = {
  kind: 'sync',
  boot: bootOf('z'),
  vector: new Map()
} as const

function land(log: Log): Flush {
  const flush = log.flush()!
  return log.flushed(flush.flush).flush
}

test('what the answerer is told to forget while it answers is a gap for the asker', () => {
  const pump = pumpOf([A, B])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  const ids = [a.submit(), b.submit()]
  pump.settle()
  const asker = new Log(bootOf('z'))
  const answer = b.core.answerSync(everything)
  const merged = (): Merged => asker.merge(answer.next().value as Batch)
  expect(merged()).toMatchObject({ kind: 'merged' })
  // The next batch, of b, says nothing of this task, and would move the asker over it.
  b.feed({ kind: 'message', from: a.id, message: { kind: 'pruned', ids: [ids[1]!] } })
  expect(merged()).toEqual({ kind: 'gap' })
  const again = [...b.core.answerSync(everything)]
  expect(again.map(({ kind }) => kind)).toEqual(['forgotten', 'batch', 'batch'])
})

describe('what was created by one, completed by another, and forgotten by both', () => {
  const C = bootOf('c')
  const D = bootOf('d')

  /** Which message of an answer comes first of an origin. */
  const isOf =
    (origin: string) =>
    (message: Message): boolean =>
      message.kind === 'batch' && message.origin === origin

  /** a has completed and forgotten a task of b, which c still holds as open; d is new. */
  function aftermath(): { a: Log; c: Log; id: string } {
    const [a, b, c] = [new Log(A), new Log(B), new Log(C)]
    const task = taskOf(B, 1)
    b.create(task)
    land(b)
    for (const log of [a, c]) log.merge(b.range(B, 0, 1000)!)
    const id = task.spec.id
    a.write(a.get(id)!, { outcome: outcomeBy(A) })
    land(a)
    land(c)
    a.remove(a.get(id)!)
    return { a, c, id }
  }

  /** What `asker` hears from `log`, up to and with the first message of which `isLast` is true. */
  function answered(log: Log, asker: Log, isLast?: (message: Message) => boolean): Message[] {
    const heard: Message[] = []
    const vector = asker.origins.vector()
    for (const message of answerSync(log, { ...everything, vector })) {
      heard.push(message)
      if (message.kind === 'forgotten') {
        for (const entry of asker.learn(message.spans, message.boots)) asker.remove(entry)
      }
      if (message.kind === 'batch') asker.merge(message)
      if (isLast?.(message) === true) break
    }
    return heard
  }

  test('is passed on as such by one who has heard only of the completion', () => {
    const { a, c, id } = aftermath()
    const d = new Log(D)
    answered(a, d, isOf(A))
    expect([d.merged(A), d.merged(B)]).toEqual([1, 0])
    land(d)
    answered(d, c)
    expect([c.merged(A), c.get(id)]).toEqual([1, undefined])
  })

  test('is not taken from one who has not heard the end, also after a restart', () => {
    const { a, c, id } = aftermath()
    const disk = new Disk()
    const before = new Log(D)
    answered(a, before, isOf(A))
    disk.write(land(before))
    const d = new Log(bootOf('d', 2))
    d.restore(disk.tasks.values(), disk.vector, [...disk.forgotten.values()].flat())
    expect(d.isForgotten(id)).toBe(true)
    answered(c, d)
    expect([d.merged(A), d.merged(B), d.size]).toEqual([1, 1, 0])
    expect(d.origins.dotCloud.has({ origin: B, seq: 1 })).toBe(false)
  })
})

describe('what an answer names as forgotten', () => {
  const spans = [{ origin: B, after: 0, upTo: 1 }]

  test('counts only if somebody was asked, and when all has been named', () => {
    const a = new Core({ boot: A, name: 'test/a', version: '0.0.0', labels: {} })
    const hear = (message: Message): void =>
      void a.step(1000, { kind: 'message', from: nodeOf(B), message })
    hear({ kind: 'grant', request: 0, boot: B, records: [taskOf(B, 1)], dependencies: [] })
    const id = idOf(B, 1)
    hear({ kind: 'forgotten', spans, boots: [], more: false })
    expect(a.view.record(id)).toBeDefined()
    hear({ kind: 'batch', origin: B, after: 5, records: [], writes: [-1] })
    hear({ kind: 'forgotten', spans: [], boots: [], more: true })
    hear({ kind: 'forgotten', spans, boots: [], more: true })
    expect(a.view.record(id)).toBeDefined()
    a.step(1000, { kind: 'sync-ended', peer: nodeOf(B), whole: false })
    hear({ kind: 'batch', origin: B, after: 5, records: [], writes: [-1] })
    hear({ kind: 'forgotten', spans: [], boots: [], more: false })
    // It is of one moment: an answer names it once.
    hear({ kind: 'forgotten', spans, boots: [], more: false })
    expect(a.view.record(id)).toBeDefined()
    a.step(1000, { kind: 'sync-ended', peer: nodeOf(B), whole: false })
    hear({ kind: 'batch', origin: B, after: 5, records: [], writes: [-1] })
    hear({ kind: 'forgotten', spans, boots: [], more: true })
    hear({ kind: 'forgotten', spans: [], boots: [], more: false })
    expect(a.view.record(id)).toBeUndefined()
  })

  test('counts for nothing if it is more than can be kept', () => {
    const a = new Core({ boot: A, name: 'test/a', version: '0.0.0', labels: {} })
    const hear = (message: Message): void =>
      void a.step(1000, { kind: 'message', from: nodeOf(B), message })
    hear({ kind: 'grant', request: 0, boot: B, records: [taskOf(B, 1)], dependencies: [] })
    hear({ kind: 'batch', origin: B, after: 5, records: [], writes: [-1] })
    const many = Array.from({ length: 10_000 }, (_, n) => ({ origin: B, after: n, upTo: n + 1 }))
    for (let message = 0; message <= 100; message++) {
      hear({ kind: 'forgotten', spans: many, boots: [], more: true })
    }
    hear({ kind: 'forgotten', spans, boots: [bootOf('c')], more: false })
    expect(a.view.record(idOf(B, 1))).toBeDefined()
    // What came with the grant is in our own notebook; of no other was anything moved, or closed.
    expect([...a.view.mergedVector().keys()]).toEqual([A])
  })

  test('comes in several messages, each of which is accepted, if it is much', () => {
    const a = new Log(A)
    for (let seq = 1; seq <= 25_000; seq++) a.create(taskOf(A, seq))
    for (let seq = 2; seq <= 25_000; seq += 2) a.remove(a.get(idOf(A, seq))!)
    land(a)
    a.close(B)
    const answer = [...answerSync(a, everything)]
    const named = answer.filter(({ kind }) => kind === 'forgotten') as Forgotten[]
    for (const message of named) expect(decode(encode(message))).toMatchObject({ ok: true })
    expect(named.map(({ boots, more }) => [boots, more])).toEqual([
      [[], true],
      [[B], false]
    ])
    const z = new Log(bootOf('z'))
    z.learn(named.flatMap(({ spans }) => spans))
    expect(z.origins.dotCloud.size).toBe(12_500)
    for (const message of answer) {
      if (message.kind === 'batch') expect(z.merge(message).kind).toBe('merged')
    }
    expect(z.origins.dotCloud.size).toBe(0)
  })
})
