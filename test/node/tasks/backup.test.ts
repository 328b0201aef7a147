/** What a node says of a file that it has taken in: what was new, what it had, and what is over. */
import { expect, test } from 'vitest'
import { pumpOf, type PumpNode } from '../../support/pump.ts'
import { bootOf, taskOf } from '../../support/tasks.ts'
import type { Input } from '../../../src/core/input.ts'
import { Backup } from '../../../src/node/tasks/backup.ts'
import type { Payloads } from '../../../src/node/tasks/payloads.ts'
import type { LoadedReplica, StateFiles } from '../../../src/ports/ports.ts'

const CLOCK = { now: () => 0, aheadMs: () => 0, every: () => () => {} }

const [A, B, C] = ['a', 'b', 'c'].map(name => bootOf(name)) as [string, string, string]

test('a task that was named as pruned beyond the vector is skipped, and not told as loaded', async () => {
  const pump = pumpOf([A, B])
  const [a] = pump.nodes as [PumpNode]
  const mine = a.submit()
  pump.settle()
  const forgotten = [{ origin: C, after: 0, upTo: 1 }]
  await loadedBy(a, { vector: new Map(), tasks: [], forgotten, unreadable: [] })
  const tasks = [1, 2].map(seq => ({
    record: taskOf(C, seq),
    writes: [{ origin: C, seq }]
  }))
  const known = { record: a.record(mine), writes: [{ origin: A, seq: 1 }] }
  const vector = new Map([
    [A, 1],
    [C, 2]
  ])
  const replica = { vector, tasks: [known, ...tasks], forgotten: [], unreadable: [] }
  expect(await loadedBy(a, replica)).toEqual({ v: 1, loaded: 1, known: 1, skipped: 1 })
  const view = a.core.view
  expect(tasks.map(({ record }) => view.record(record.spec.id) !== undefined)).toEqual([
    false,
    true
  ])
})

function loadedBy(node: PumpNode, replica: LoadedReplica): ReturnType<Backup['take']> {
  const files = { parse: () => Promise.resolve(replica) } as unknown as StateFiles
  const feed = (input: Input): void => {
    node.feed(input)
    if (input.kind === 'load') backup.loaded(input.request)
  }
  const backup = new Backup(
    { core: node.core.view, clock: CLOCK },
    files,
    {} as unknown as Payloads,
    feed,
    () => {}
  )
  return backup.take([], false)
}
