/**
 * Leases by themselves: each ends once, and what is said of one that was lost is not taken. First rule by rule, then any
 * number of workers that do what they like, against a model that knows nothing but the rules.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  LeaseBook,
  type LeaseEnd,
  type LeaseHooks,
  type Unended
} from '../../../src/run/external/lease-book.ts'
import { runOf } from './runs.ts'

const GRACE_MS = 1000

type Heard = (
  | readonly ['ended', string, Unended]
  | readonly ['withdrawn', string, string]
  | readonly ['closed', string]
)[]

function bookOf(heard: Heard): LeaseBook {
  const hooks: LeaseHooks = {
    ended: ({ id }, how) => heard.push(['ended', id, how]),
    withdrawn: ({ id }, why) => heard.push(['withdrawn', id, why]),
    closed: ({ id }) => heard.push(['closed', id])
  }
  return new LeaseBook(GRACE_MS, hooks)
}

const complete = (key = 'a'): LeaseEnd => ({ kind: 'complete', key })
const release: LeaseEnd = { kind: 'release', key: '' }

describe('a lease', () => {
  test('names the task, the epoch and the attempt, and has a part of its own', () => {
    const run = runOf({ epoch: 3, attempt: 2 })
    const { id } = bookOf([]).hand(0, 'w', run, null, 'nonce')
    expect(id).toBe(`${run.taskId}.3.2.nonce`)
  })

  test('is ended once; the same end is the same answer, and another one has come too late', () => {
    const heard: Heard = []
    const book = bookOf(heard)
    const { id } = book.hand(0, 'w', runOf(), null, 'n')
    expect(book.end(id, complete())).toBe('taken')
    expect(book.end(id, complete())).toBe('again')
    expect(book.end(id, complete('b'))).toBe('ended')
    expect(book.end(id, release)).toBe('ended')
    expect(book.renew(0, id)).toBe('ended')
    expect(heard).toEqual([['closed', id]])
  })

  test('of which nothing is known is lost', () => {
    const book = bookOf([])
    expect(book.renew(0, 'none')).toBe('lost')
    expect(book.end('none', complete())).toBe('lost')
  })

  test('without a time lasts until its owner is gone, and is lost then', () => {
    const heard: Heard = []
    const book = bookOf(heard)
    const { id } = book.hand(0, 'w', runOf(), null, 'n')
    book.expire(1e12)
    expect(heard).toEqual([])
    book.drop(1e12, 'w', 'lost')
    expect(heard).toEqual([
      ['closed', id],
      ['ended', id, 'lost']
    ])
    expect(book.end(id, complete())).toBe('lost')
  })

  test('with a time is lost when that is over, unless it is renewed', () => {
    const heard: Heard = []
    const book = bookOf(heard)
    const { id } = book.hand(0, 'w', runOf(), 100, 'n')
    expect(book.dueAt).toBe(100)
    expect(book.renew(90, id)).toEqual({ leaseMs: 100, cancelled: null })
    book.expire(100)
    expect(heard).toEqual([])
    expect(book.renew(110, id, 20)).toEqual({ leaseMs: 20, cancelled: null })
    book.expire(130)
    expect(heard).toEqual([
      ['withdrawn', id, 'LeaseLost'],
      ['ended', id, 'lost']
    ])
    expect(book.renew(131, id)).toBe('lost')
    // Its slot is free once its worker says anything of its end; what it says is not taken.
    expect(book.countOf('w')).toEqual({ all: 1, withdrawn: 1 })
    expect(book.end(id, complete())).toBe('lost')
    expect(book.countOf('w')).toEqual({ all: 0, withdrawn: 0 })
    expect(book.end(id, complete())).toBe('lost')
  })

  test('of a run that takes too long is withdrawn at once, and its slot is free after the grace', () => {
    const heard: Heard = []
    const book = bookOf(heard)
    const { id } = book.hand(0, 'w', runOf({ timeoutMs: 50 }), null, 'n')
    book.expire(50)
    expect(heard).toEqual([
      ['withdrawn', id, 'Timeout'],
      ['ended', id, 'timeout']
    ])
    expect(book.renew(60, id)).toEqual({ leaseMs: null, cancelled: 'Timeout' })
    book.expire(50 + GRACE_MS - 1)
    expect(book.countOf('w')).toEqual({ all: 1, withdrawn: 1 })
    book.expire(50 + GRACE_MS)
    expect(book.countOf('w')).toEqual({ all: 0, withdrawn: 0 })
    expect(book.renew(60 + GRACE_MS, id)).toBe('lost')
  })

  test('that was withdrawn can be given back, and its result is not taken', () => {
    const heard: Heard = []
    const book = bookOf(heard)
    const [one, two] = [runOf(), runOf()]
    const first = book.hand(0, 'w', one, null, 'n').id
    const second = book.hand(0, 'w', two, null, 'm').id
    for (const { taskId, epoch } of [one, two]) book.withdraw(5, taskId, epoch, 'CancelledByUser')
    expect(book.end(first, release)).toBe('taken')
    expect(book.end(first, release)).toBe('again')
    expect(book.end(second, complete())).toBe('lost')
    expect(heard.filter(([kind]) => kind === 'ended')).toEqual([])
    expect(book.countOf('w')).toEqual({ all: 0, withdrawn: 0 })
  })
})

/** What the rules say of one lease, and nothing else. */
type Model = {
  id: string
  owner: string
  at: number
  leaseMs: number | null
  aliveAt: number
  timeoutMs: number | null
  state: 'open' | 'withdrawn' | 'over'
  /** How its run ended for the node. */
  ends: string[]
  end: LeaseEnd | null
}

test('whatever workers do, and however late: each run ends once, and nothing is taken of a lost lease', () => {
  const owners = fc.constantFrom('w', 'x')
  const which = fc.nat(30)
  const action = fc.oneof(
    fc.record({
      do: fc.constant('hand' as const),
      owner: owners,
      leaseMs: fc.option(fc.integer({ min: 1, max: 200 })),
      timeoutMs: fc.option(fc.integer({ min: 1, max: 200 }))
    }),
    fc.record({ do: fc.constant('renew' as const), which }),
    fc.record({
      do: fc.constant('end' as const),
      which,
      kind: fc.constantFrom('complete' as const, 'fail' as const, 'release' as const),
      key: fc.constantFrom('a', 'b')
    }),
    fc.record({ do: fc.constant('withdraw' as const), which }),
    fc.record({
      do: fc.constant('drop' as const),
      owner: owners,
      how: fc.constantFrom('lost' as const, 'returned' as const)
    }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 300 }) })
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), actions => {
      const models: Model[] = []
      const byId = (id: string): Model => models.find(model => model.id === id)!
      const book = new LeaseBook(GRACE_MS, {
        ended: ({ id }, how) => byId(id).ends.push(how),
        withdrawn: ({ id }) => (byId(id).state = 'withdrawn'),
        closed: ({ id }) => (byId(id).state = 'over')
      })
      let now = 0
      for (const [n, each] of actions.entries()) {
        if (each.do === 'wait') {
          const until = now + each.ms
          // As a timer does: at each moment at which something is due.
          while (book.dueAt <= until) {
            now = Math.max(now, book.dueAt)
            const due = book.dueAt
            book.expire(now)
            expect(book.dueAt).toBeGreaterThan(due)
          }
          now = until
        } else if (each.do === 'hand') {
          const { owner, leaseMs, timeoutMs } = each
          const { id } = book.hand(now, owner, runOf({ timeoutMs }), leaseMs, String(n))
          const aliveAt = now
          models.push({
            id,
            owner,
            at: now,
            leaseMs,
            aliveAt,
            timeoutMs,
            state: 'open',
            ends: [],
            end: null
          })
        } else if (each.do === 'drop') {
          const had = models.filter(({ owner, state }) => owner === each.owner && state === 'open')
          book.drop(now, each.owner, each.how)
          for (const { state, ends } of had) {
            expect(state).toBe('over')
            expect(ends).toEqual([each.how])
          }
        } else {
          const model = models[each.which % (models.length || 1)]
          if (model === undefined) continue
          const before = model.state
          const hadEnded = model.ends.length > 0
          if (each.do === 'renew') {
            const said = book.renew(now, model.id)
            if (before === 'open') {
              expect(said).toEqual({ leaseMs: model.leaseMs, cancelled: null })
              model.aliveAt = now
            } else if (model.end !== null) expect(said).toBe('ended')
            else if (before === 'over' || model.ends.includes('lost')) expect(said).toBe('lost')
            else expect(said).toMatchObject({ cancelled: expect.any(String) as string })
          } else if (each.do === 'withdraw') {
            const [taskId = '', epoch] = model.id.split('.')
            book.withdraw(now, taskId, Number(epoch), 'CancelledByUser')
            if (before === 'open') model.ends.push('by the node')
          } else {
            const end = { kind: each.kind, key: each.key }
            const said = book.end(model.id, end)
            if (said === 'taken' && before === 'open') model.ends.push(`by ${end.kind}`)
            if (hadEnded && end.kind !== 'release') expect(said).not.toBe('taken')
            if (said === 'taken') model.end = end
            else if (said === 'again') expect(model.end).toEqual(end)
            else if (said === 'ended') expect(model.end).not.toBeNull()
            expect(model.state).toBe('over')
          }
        }
        for (const { id, ends, leaseMs, aliveAt, timeoutMs, at, state } of models) {
          expect(ends.length, id).toBeLessThanOrEqual(1)
          if (state !== 'open') continue
          expect(ends, id).toEqual([])
          expect(now - aliveAt).toBeLessThan(leaseMs ?? Infinity)
          expect(now - at).toBeLessThan(timeoutMs ?? Infinity)
        }
        book.assertInvariants()
        for (const owner of ['w', 'x']) {
          const own = models.filter(model => model.owner === owner && model.state !== 'over')
          const withdrawn = own.filter(({ state }) => state === 'withdrawn').length
          expect(book.countOf(owner)).toEqual({ all: own.length, withdrawn })
        }
      }
      for (const { state, ends } of models) if (state !== 'open') expect(ends).toHaveLength(1)
    }),
    { numRuns: 300 }
  )
})
