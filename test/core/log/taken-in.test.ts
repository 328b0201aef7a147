/** What a node takes in outside the log it writes into its own notebook: no vector would ever carry it otherwise. */
import { describe, expect, test } from 'vitest'
import type { Message } from '../../../src/core/message.ts'
import { Log } from '../../../src/core/log/log.ts'
import { CREATED_MAX, type TaskRecord } from '../../../src/core/task/record.ts'
import { CORE_DEFAULTS } from '../../../src/core/options.ts'
import { pumpOf, type Pump, type PumpNode } from '../../support/pump.ts'
import { bootOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'

const [A, B, C] = ['a', 'b', 'c'].map(node => bootOf(node)) as [string, string, string]
const { tickMs, bootQuietMs } = CORE_DEFAULTS

/** Two linked nodes, and a third that was there once: a boot of it has written what is nowhere any more. */
function two(): { pump: Pump; a: PumpNode; b: PumpNode } {
  const pump = pumpOf([A, B])
  pump.pass(bootQuietMs)
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  return { pump, a, b }
}

function wait(pump: Pump, ms: number): void {
  for (let passed = 0; passed < ms; passed += tickMs) pump.pass(tickMs)
}

const upTo = (node: PumpNode): number => node.core.view.mergedVector().get(node.boot) ?? 0

/** Of a node that nobody knows, to be run by `holder`. */
function lost(seq: number, holder: string, parts: Partial<TaskRecord> = {}): TaskRecord {
  const record = taskOf(C, seq)
  return { ...record, claim: { ...record.claim, holder, epoch: 1, cause: 'grant' }, ...parts }
}

function grantOf(records: readonly TaskRecord[], dependencies: readonly TaskRecord[]): Message {
  return { kind: 'grant', request: 0, boot: B, records, dependencies }
}

describe('what comes with a grant', () => {
  test('comes to everybody with what the thief writes: the task, and the outcomes that it needs', () => {
    const { pump, a, b } = two()
    const done = lost(1, C, { outcome: outcomeBy(C) })
    const open = lost(2, A)
    a.feed({ kind: 'message', from: b.id, message: grantOf([open], [done]) })
    wait(pump, 1000)
    for (const { spec } of [done, open]) expect(b.record(spec.id)).toEqual(a.record(spec.id))
    expect(b.state(done.spec.id)).toBe('completed')
  })

  test('counts as created by that write, too, if the one that created it has not come here', () => {
    const { pump, a, b } = two()
    const record = lost(1, A)
    a.feed({ kind: 'message', from: b.id, message: grantOf([record], []) })
    wait(pump, 1000)
    const created = [
      { origin: A, seq: upTo(a) },
      { origin: C, seq: 1 }
    ]
    expect(b.record(record.spec.id).created).toEqual(created)
    // What becomes of it later makes it no newer.
    a.worker(1)
    wait(pump, 1000)
    expect(a.running.has(record.spec.id)).toBe(true)
    expect(b.record(record.spec.id).created).toEqual(created)
  })

  test('costs no write if all of it has come with the log', () => {
    const { pump, a, b } = two()
    const id = b.submit()
    pump.settle()
    const before = upTo(a)
    a.feed({ kind: 'message', from: b.id, message: grantOf([b.record(id)], [b.record(id)]) })
    wait(pump, 1000)
    expect(upTo(a)).toBe(before)
  })

  test('costs one write if only the claim is new', () => {
    const { pump, a, b } = two()
    const id = b.submit()
    pump.settle()
    const before = upTo(a)
    const record = b.record(id)
    const claim = { ...record.claim, holder: A, epoch: 1, cause: 'grant' } as const
    for (let twice = 0; twice < 2; twice++) {
      a.feed({ kind: 'message', from: b.id, message: grantOf([{ ...record, claim }], []) })
    }
    wait(pump, 1000)
    expect(upTo(a)).toBe(before + 1)
    expect(a.record(id).created).toEqual(record.created)
  })
})

test('the answer to a question for a task comes to everybody with what the asker writes', () => {
  const { pump, a, b } = two()
  const record = lost(1, C, { outcome: outcomeBy(C) })
  a.feed({ kind: 'find', taskId: record.spec.id })
  const found: Message = {
    kind: 'found',
    boot: B,
    ids: [record.spec.id],
    records: [record],
    forgotten: []
  }
  a.feed({ kind: 'message', from: b.id, message: found })
  wait(pump, 1000)
  expect(b.state(record.spec.id)).toBe('completed')
})

describe('a creation that was written down by somebody who had not seen the first', () => {
  const copy = (seq: number): TaskRecord => {
    const log = new Log(B)
    return log.take(taskOf(A, seq))!.record
  }

  test('makes no new task of one that is over', () => {
    const log = new Log(C)
    log.remove(log.take(taskOf(A, 1))!)
    const { record } = { record: copy(1) }
    expect(record.created).toHaveLength(2)
    expect(log.take(record)).toBeUndefined()
    const other = new Log(C)
    const entry = other.take(copy(2))!
    expect(other.learn([{ origin: A, after: 1, upTo: 2 }])).toEqual([entry])
  })

  test('is not one of many more than are remembered', () => {
    const created = Array.from({ length: CREATED_MAX }, (_, i) => ({ origin: A, seq: i + 1 }))
    const log = new Log(B)
    const entry = log.take({ ...taskOf(A, 1), created })!
    expect(entry.record.created).toEqual(created)
    log.write(entry, {})
    expect(entry.record.created).toEqual(created)
  })

  test('of a task under a key there is none: such a creation makes a new task', () => {
    const record = taskOf(A, 1)
    const keyed = { ...record, spec: { ...record.spec, idempotencyKey: 'once' } }
    expect(new Log(B).take(keyed)!.record.created).toEqual(record.created)
  })
})
