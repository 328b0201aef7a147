/**
 * The log against a dumb model: the full history of every write, kept in plain arrays. Whatever was exchanged in
 * whatever pieces, a replica holds exactly the join of the writes that its vector covers, or something above it.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchesOf, bootOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import type { StoredTask } from '../../../src/core/effect.ts'
import { Log } from '../../../src/core/log/log.ts'
import { join, type Claim, type TaskRecord } from '../../../src/core/task/record.ts'

const NODES = ['a', 'b', 'c'].map(node => bootOf(node))

type Action =
  | { do: 'create' | 'flush'; at: number }
  /** A change by anybody to one of the tasks that it knows. */
  | { do: 'change'; at: number; task: number; epoch: number }
  /** A stretch of one origin's writes, from anywhere, cut anywhere; perhaps one that leaves a gap. */
  | {
      do: 'gossip'
      from: number
      to: number
      origin: number
      skip: number
      bytesMax: number
      isBrief: boolean
    }
  | { do: 'sync'; from: number; to: number; batches: number }
  | { do: 'restart'; at: number }

const node = fc.integer({ min: 0, max: 2 })
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constantFrom('create' as const, 'flush' as const), at: node }),
  fc.record({
    do: fc.constant('change' as const),
    at: node,
    task: fc.nat(20),
    epoch: fc.integer({ min: 0, max: 3 })
  }),
  fc.record({
    do: fc.constant('gossip' as const),
    from: node,
    to: node,
    origin: node,
    skip: fc.nat(4),
    bytesMax: fc.constantFrom(1, 900, 65_536),
    isBrief: fc.boolean()
  }),
  fc.record({ do: fc.constant('sync' as const), from: node, to: node, batches: fc.nat(4) }),
  fc.record({ do: fc.constant('restart' as const), at: node })
)

class World {
  readonly logs = NODES.map(self => new Log(self))
  /** Origin -> the state that each of its writes left behind: all that ever happened. */
  readonly history = new Map<string, TaskRecord[]>(NODES.map(self => [self, []]))
  readonly #disks = NODES.map(() => ({
    tasks: new Map<string, StoredTask>(),
    vector: new Map<string, number>()
  }))

  run(step: Action): void {
    if (step.do === 'create') this.#create(step.at)
    else if (step.do === 'flush') this.flush(step.at)
    else if (step.do === 'change') this.#change(step.at, step.task, step.epoch)
    else if (step.do === 'gossip') this.#gossip(step)
    else if (step.do === 'sync') this.sync(step.from, step.to, step.batches)
    else this.#restart(step.at)
  }

  flush(at: number): void {
    const flush = this.logs[at]!.flush()
    if (flush === null) return
    this.logs[at]!.flushed(flush.flush)
    const disk = this.#disks[at]!
    for (const task of flush.tasks) disk.tasks.set(task.record.spec.id, task)
    for (const [origin, upTo] of flush.vector) disk.vector.set(origin, upTo)
  }

  sync(from: number, to: number, batches: number): void {
    const asker = this.logs[to]!
    const request = {
      kind: 'sync',
      boot: NODES[to]!,
      vector: asker.origins.vector()
    } as const
    let left = batches
    for (const batch of batchesOf(this.logs[from]!, request)) {
      if (left-- === 0) return
      asker.merge(batch)
    }
  }

  /** What the replica should have, at least and at most: the join of what it covers, and that of all that happened. */
  check(at: number): void {
    const log = this.logs[at]!
    const covered = new Map<string, TaskRecord>()
    for (const [origin, writes] of this.history) {
      for (const state of writes.slice(0, log.merged(origin))) {
        const before = covered.get(state.spec.id)
        covered.set(state.spec.id, before === undefined ? state : join(before, state))
      }
    }
    const all = [...this.history.values()].flat()
    for (const { id, record } of log.entries()) {
      const upper = all.filter(({ spec }) => spec.id === id).reduce((x, y) => join(x, y))
      expect(join(upper, record)).toBe(upper)
    }
    for (const [id, state] of covered) {
      const record = log.get(id)!.record
      expect(join(record, state)).toBe(record)
    }
  }

  /** Whatever is on disk is covered by the vector on disk, so that it can be passed on. */
  checkShown(at: number): void {
    const log = this.logs[at]!
    for (const [origin, upTo] of log.durableVector) {
      const shown = log.range(origin, 0, 10_000_000)!
      expect(shown.writes).toHaveLength(upTo)
      const writes = this.history.get(origin)!
      shown.writes.forEach((place, i) => {
        const record = shown.records[place]!
        expect(join(record, writes[i]!)).toBe(record)
      })
    }
  }

  #create(at: number): void {
    const log = this.logs[at]!
    const entry = log.create(taskOf(NODES[at]!, log.nextSeq))
    this.history.get(NODES[at]!)!.push(entry.record)
  }

  #change(at: number, task: number, epoch: number): void {
    const log = this.logs[at]!
    const entries = [...log.entries()]
    const entry = entries[task % Math.max(1, entries.length)]
    if (entry === undefined) return
    const holder = NODES[epoch % 3]!
    const claim: Claim = {
      epoch,
      holder,
      attempt: 1,
      hops: epoch,
      lost: [],
      notBefore: null,
      cause: 'grant'
    }
    log.write(entry, epoch === 3 ? { outcome: outcomeBy(NODES[at]!) } : { claim })
    this.history.get(NODES[at]!)!.push(entry.record)
  }

  #gossip(step: Extract<Action, { do: 'gossip' }>): void {
    const origin = NODES[step.origin]!
    const to = this.logs[step.to]!
    const before = to.merged(origin)
    const batch = this.logs[step.from]!.range(
      origin,
      step.skip,
      step.bytesMax,
      step.isBrief ? () => true : 'whole'
    )
    if (batch === null) return
    const isUnknown = batch.changes?.some(({ task }) => to.merged(task.origin) < task.seq) ?? false
    const { kind } = to.merge(batch)
    const end = batch.after + batch.writes.length
    if (step.to === step.origin) {
      expect(kind).toBe('known')
      return
    }
    if (before < batch.after) expect(kind).toBe('gap')
    else expect(kind).toBe(end <= before ? 'known' : isUnknown ? 'gap' : 'merged')
    expect(to.merged(origin)).toBe(kind === 'merged' ? end : before)
  }

  /** Only what is on disk is left. It goes on as the same origin here, so only if it had flushed what it wrote. */
  #restart(at: number): void {
    this.flush(at)
    const { tasks, vector } = this.#disks[at]!
    this.logs[at] = new Log(NODES[at]!)
    this.logs[at].restore(tasks.values(), vector)
  }
}

test('a replica holds what its vector covers, however the pieces came', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), actions => {
      const world = new World()
      for (const step of actions) {
        world.run(step)
        for (const at of [0, 1, 2]) world.check(at)
        for (const log of world.logs) log.assertInvariants()
      }
      for (const at of [0, 1, 2]) world.checkShown(at)
    }),
    { numRuns: 150 }
  )
})

test('replicas that have caught up with each other are equal, and equal to the whole history', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), actions => {
      const world = new World()
      for (const step of actions) world.run(step)
      for (let round = 0; round < 2; round++) {
        for (const from of [0, 1, 2]) {
          world.flush(from)
          for (const to of [0, 1, 2]) if (to !== from) world.sync(from, to, Infinity)
        }
      }
      const states = world.logs.map(log => {
        const records = [...log.entries()].map(({ record }) => record)
        return records.sort((x, y) => (x.spec.id < y.spec.id ? -1 : 1))
      })
      const history = new Map<string, TaskRecord>()
      for (const state of [...world.history.values()].flat()) {
        const before = history.get(state.spec.id)
        history.set(state.spec.id, before === undefined ? state : join(before, state))
      }
      expect(states[0]).toEqual(
        [...history.values()].sort((x, y) => (x.spec.id < y.spec.id ? -1 : 1))
      )
      expect(states[1]).toEqual(states[0])
      expect(states[2]).toEqual(states[0])
      expect(world.logs[1]!.origins.vector()).toEqual(world.logs[0]!.origins.vector())
    }),
    { numRuns: 150 }
  )
})
