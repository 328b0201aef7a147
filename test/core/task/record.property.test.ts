/**
 * The join laws, and the join against a dumb model: sort all states of each component by an order written down here a
 * second time, in the plainest words, and take the last.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BOOTS, claim, outcome, record, recordOf, started } from '../../support/arbitraries.ts'
import '../forbid.ts'
import { taskId } from '../../../src/core/base/ids.ts'
import protobuf from 'protobufjs/minimal.js'
import { rendezvousWeight } from '../../../src/core/base/rendezvous.ts'
import {
  CLAIM_CAUSES,
  SETTLED_REASONS,
  isSettled,
  join,
  type Claim,
  type Dot,
  type Outcome,
  type TaskRecord
} from '../../../src/core/task/record.ts'
import type { Checkpoint } from '../../../src/core/task/checkpoint.ts'
import { encodeStored } from '../../../src/wire/codec.ts'
import { taskOf } from '../../support/tasks.ts'
import type { TaskSpec } from '../../../src/core/task/spec.ts'

const ID = taskId(1_700_000_000_000, BOOTS[0]!, 1)
/** Any two of these are states of the same task. */
const state = recordOf(fc.constant(ID))

/** Two states that differ as little as can be: one component of the first, varied in the fields that decide last. */
const nearPair = state.chain(x =>
  fc
    .record({
      attempt: fc.integer({ min: 1, max: 2 }),
      hops: fc.integer({ min: 0, max: 1 }),
      at: fc.integer({ min: 1, max: 2 }),
      result: fc.constantFrom('1', '2')
    })
    .map(({ attempt, hops, at, result }): [TaskRecord, TaskRecord] => {
      const o = x.outcome
      const varied =
        o === null ? null : { ...o, at, result: o.status === 'completed' ? result : null }
      return [x, { ...x, claim: { ...x.claim, attempt, hops }, outcome: varied }]
    })
)
const pair = fc.oneof(fc.tuple(state, state), nearPair)

type Part = string | number

/** Negative if x comes before y: the first difference decides. */
function byParts(x: readonly Part[], y: readonly Part[]): number {
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i]! < y[i]!) return -1
    if (x[i]! > y[i]!) return 1
  }
  return x.length - y.length
}

/** All fields, by the alphabet of their names; null before numbers, these before texts, these before objects. */
function parts(value: unknown): Part[] {
  if (value === null) return [0]
  // The end comes before any item, so that a list and what follows it are not taken for a longer list.
  if (Array.isArray(value)) return [...value.flatMap(item => [1, ...parts(item)]), 0]
  if (typeof value === 'object') {
    return [3, ...parts(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))]
  }
  return [typeof value === 'string' ? 2 : 1, value as Part]
}

const node = (boot: string): string => boot.split('/')[0]!

const specKey = (s: TaskSpec): Part[] => [
  -s.submittedAt,
  ...BOOTS.toSorted().map(boot => (boot < s.submittedBy ? 0 : 1))
]
/** Words that versions do not share are compared by their places in the list. */
const place = (all: readonly string[], word: string): number =>
  word.startsWith('other:') ? Number(word.slice(6)) : all.indexOf(word)
const claimKey = (c: Claim): Part[] => [
  c.epoch,
  c.cause === 'reclaim' ? 0 : 1,
  rendezvousWeight(ID, node(c.holder)),
  c.holder,
  ...parts({ ...c, cause: place(CLAIM_CAUSES, c.cause) })
]
const outcomeKey = (o: Outcome): Part[] => [
  ['failed', 'cancelled', 'completed'].indexOf(o.status),
  o.epoch,
  rendezvousWeight(ID, node(o.by)),
  o.by,
  ...parts({ ...o, reason: o.reason === null ? null : place(SETTLED_REASONS, o.reason) })
]

/** As a version that does not know it compares it: by its numbers, then by its bytes. */
const checkpointKey = (c: Checkpoint): Part[] => [c.epoch, c.sequence, ...bytesOf(c)]

/** The bytes of the component, out of those of a record. */
function bytesOf(checkpoint: Checkpoint): number[] {
  const reader = protobuf.Reader.create(
    encodeStored({ record: { ...taskOf(BOOTS[0]!, 1), checkpoint }, writes: [] })
  )
  for (const number of [1, 1, 7]) {
    for (let tag = reader.uint32(); tag >>> 3 !== number; tag = reader.uint32()) {
      reader.skipType(tag & 7)
    }
    const end = reader.uint32() + reader.pos
    if (number === 7) return [...reader.buf.subarray(reader.pos, end)]
  }
  throw new Error('there is no component 7')
}

function greatest<T>(values: readonly (T | null)[], key: (value: T) => Part[]): T | null {
  const present = values.filter(value => value !== null)
  return present.sort((x, y) => byParts(key(x), key(y))).at(-1) ?? null
}

function model(states: readonly TaskRecord[]): Omit<TaskRecord, 'spec'> & { spec: Part[] } {
  const dots = new Map<string, Dot>()
  for (const { created } of states) {
    for (const dot of created) dots.set(`${dot.origin} ${String(dot.seq).padStart(20, '0')}`, dot)
  }
  const checkpoint = greatest(
    states.map(each => each.checkpoint ?? null),
    checkpointKey
  )
  const components = [8, 9, 10].flatMap(
    number =>
      greatest(
        states.flatMap(each => each.components?.find(of => of.number === number) ?? []),
        c => [c.epoch, c.sequence, c.bytes]
      ) ?? []
  )
  const specs = states.map(({ spec }) => spec)
  return {
    spec: specKey(greatest(specs, specKey)!),
    created: [...dots]
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([, dot]) => dot)
      .slice(0, 16),
    claim: greatest(
      states.map(s => s.claim),
      claimKey
    )!,
    started: greatest(
      states.map(s => s.started),
      s => [s.epoch, rendezvousWeight(ID, node(s.by)), s.by, -s.at, ...parts(s)]
    ),
    cancelRequest: greatest(
      states.map(s => s.cancelRequest),
      c => [-c.at, ...BOOTS.toSorted().map(boot => (boot < c.by ? 0 : 1)), ...parts(c)]
    ),
    outcome: greatest(
      states.map(s => s.outcome),
      outcomeKey
    ),
    ...(checkpoint === null ? {} : { checkpoint }),
    ...(components.length === 0 ? {} : { components })
  }
}

function above(x: TaskRecord, y: TaskRecord): boolean {
  return join(x, y) === x
}

describe('the join of two states of a task', () => {
  test('is commutative', () => {
    fc.assert(
      fc.property(pair, ([x, y]) => {
        expect(join(x, y)).toEqual(join(y, x))
      })
    )
  })

  test('is associative', () => {
    fc.assert(
      fc.property(state, state, state, (x, y, z) => {
        expect(join(join(x, y), z)).toEqual(join(x, join(y, z)))
      })
    )
  })

  test('is idempotent, and returns the first state itself if the second adds nothing', () => {
    fc.assert(
      fc.property(pair, ([x, y]) => {
        expect(join(x, structuredClone(x))).toBe(x)
        const joined = join(x, y)
        expect(join(joined, structuredClone(y))).toBe(joined)
        expect(join(joined, structuredClone(x))).toBe(joined)
      })
    )
  })

  test('returns a new state if the second adds anything', () => {
    fc.assert(
      fc.property(pair, ([x, y]) => {
        const before = structuredClone(x)
        const joined = join(x, y)
        if (joined !== x) expect(joined).not.toEqual(before)
        expect(x).toEqual(before)
      })
    )
  })

  test('is above both', () => {
    fc.assert(
      fc.property(pair, ([x, y]) => {
        const joined = join(x, y)
        expect(above(joined, x)).toBe(true)
        expect(above(joined, y)).toBe(true)
      })
    )
  })

  test('never unsettles a task, unless it had failed and was claimed anew', () => {
    fc.assert(
      fc.property(pair, ([x, y]) => {
        const joined = join(x, y)
        if (!isSettled(x) || isSettled(joined)) return
        expect(x.outcome!.status).toBe('failed')
        expect(joined.claim.epoch).toBeGreaterThan(x.claim.epoch)
      })
    )
  })

  test('of any states, in any order, repeated at will, is the greatest of each component', () => {
    const shuffled = fc
      .array(state, { minLength: 1, maxLength: 5 })
      .chain(states =>
        fc.tuple(
          fc.constant(states),
          fc.shuffledSubarray([...states, ...states], { minLength: states.length })
        )
      )
    fc.assert(
      fc.property(shuffled, ([states, some]) => {
        const joined = [...some, ...states].reduce((x, y) => join(x, y))
        const { spec, ...rest } = model(states)
        const { spec: joinedSpec, ...joinedRest } = joined
        expect(specKey(joinedSpec)).toEqual(spec)
        expect(joinedRest).toEqual(rest)
      })
    )
  })

  test('has no two different states that tie', () => {
    const twice = <T>(part: fc.Arbitrary<T>): fc.Arbitrary<[T, T]> => fc.tuple(part, part)
    fc.assert(
      fc.property(state, twice(claim), twice(started), twice(outcome), (base, c, s, o) => {
        const x = { ...base, claim: c[0], started: s[0], outcome: o[0] }
        const y = { ...base, claim: c[1], started: s[1], outcome: o[1] }
        expect(join(x, y)).toEqual(join(y, x))
      })
    )
  })
})

describe('two claims of one epoch and holder', () => {
  test('are told apart by the rest of the claim', () => {
    fc.assert(
      fc.property(record, base => {
        const x = { ...base, claim: { ...base.claim, attempt: 1 } }
        const y = { ...base, claim: { ...base.claim, attempt: 2 } }
        expect(join(x, y)).toEqual(join(y, x))
        expect(join(x, y).claim.attempt).toBe(2)
      })
    )
  })
})

describe('a reclaim', () => {
  test('loses against any other claim of the same epoch, whatever the holders', () => {
    fc.assert(
      fc.property(state, claim, claim, (base, c, d) => {
        const reclaim = { ...base, claim: { ...c, epoch: 1, cause: 'reclaim' as const } }
        const granted = { ...base, claim: { ...d, epoch: 1, cause: 'grant' as const } }
        expect(join(reclaim, granted).claim).toEqual(granted.claim)
      })
    )
  })
})

describe('a failed outcome', () => {
  test('settles a task only until somebody claims it anew', () => {
    fc.assert(
      fc.property(state, outcome, (base, o) => {
        const failed: Outcome = {
          ...o,
          status: 'failed',
          result: null,
          reason: 'Timeout',
          epoch: 1
        }
        const claimed = (epoch: number): TaskRecord => ({
          ...base,
          claim: { ...base.claim, epoch },
          outcome: failed
        })
        expect([0, 1, 2].map(epoch => isSettled(claimed(epoch)))).toEqual([true, true, false])
      })
    )
  })
})
