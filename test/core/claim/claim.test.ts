/** The line of those who take over, and the wait until what was taken over may be started. */
import { describe, expect, test } from 'vitest'
import { bootOf, entryOf, heartbeatOf, idOf, outcomeBy, taskOf } from '../../support/tasks.ts'
import '../forbid.ts'
import type { BootId } from '../../../src/core/base/ids.ts'
import { rendezvousWeight } from '../../../src/core/base/rendezvous.ts'
import { DEFAULT_POOL } from '../../../src/core/message.ts'
import { ReclaimOrder, rankOf, type Candidate } from '../../../src/core/claim/reclaim-order.ts'
import { failedBefore, reclaimOf, unheardStart } from '../../../src/core/claim/rules.ts'
import { ClaimBarrier } from '../../../src/core/claim/claim-barrier.ts'
import type { Entry } from '../../../src/core/log/entry.ts'
import { newMember, type Member } from '../../../src/core/membership/member.ts'
import { join, LOST_MAX, type Claim, type TaskRecord } from '../../../src/core/task/record.ts'

const A = bootOf('a')
const B = bootOf('b')
const C = bootOf('c')
const STEP_IN_MS = 500

describe('the line', () => {
  const candidate = (node: string, slots: number, type: string): Candidate => ({
    node,
    pools: [{ name: DEFAULT_POOL, slots, types: [type], labels: {}, external: false }]
  })
  const able = (node: string): Candidate => candidate(node, 1, 'work')
  const unable = (node: string): Candidate => candidate(node, 1, 'other')
  const idle = (node: string): Candidate => candidate(node, 0, 'work')
  const others = (all: readonly Candidate[], self: Candidate): Candidate[] =>
    all.filter(each => each !== self)
  const ranks = (task: string, all: readonly Candidate[]): number[] =>
    all.map(self => rankOf(task, { type: 'work', require: [] }, self, others(all, self)))

  test('has each place once, in the order of their weight for the task, as all of them see it', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].map(able)
    for (let seq = 1; seq <= 50; seq++) {
      const id = idOf(A, seq)
      expect(new Set(ranks(id, all))).toEqual(new Set([0, 1, 2, 3, 4]))
      const first = all[ranks(id, all).indexOf(0)]!.node
      for (const { node } of all)
        expect(rendezvousWeight(id, first)).toBeGreaterThanOrEqual(rendezvousWeight(id, node))
    }
  })

  test('spreads the tasks of one holder over all', () => {
    const all = ['a', 'b', 'c'].map(able)
    const firsts = Array.from({ length: 300 }, (_, i) => ranks(idOf(A, i + 1), all).indexOf(0))
    for (const place of [0, 1, 2]) {
      expect(firsts.filter(first => first === place).length).toBeGreaterThan(50)
    }
  })

  test('begins with those that can run the task', () => {
    for (let seq = 1; seq <= 50; seq++) {
      const [first, , , last] = ranks(idOf(A, seq), [able('a'), unable('b'), idle('c'), able('d')])
      expect(new Set([first, last])).toEqual(new Set([0, 1]))
    }
  })

  test('moves on by one place each time that nobody has stepped in', () => {
    const reclaimOrder = new ReclaimOrder(STEP_IN_MS)
    expect([0, 1, 2].map(rank => reclaimOrder.isDue(1000, B, rank))).toEqual([true, false, false])
    expect([1, 2].map(rank => reclaimOrder.isDue(1000 + STEP_IN_MS - 1, B, rank))).toEqual([
      false,
      false
    ])
    expect([1, 2].map(rank => reclaimOrder.isDue(1000 + STEP_IN_MS, B, rank))).toEqual([
      true,
      false
    ])
    expect(reclaimOrder.isDue(1000 + 2 * STEP_IN_MS, B, 2)).toBe(true)
  })

  test('counts from when that boot was seen to be gone, and anew if it held nothing in between', () => {
    const reclaimOrder = new ReclaimOrder(STEP_IN_MS)
    reclaimOrder.isDue(0, B, 1)
    expect(reclaimOrder.isDue(STEP_IN_MS, C, 1)).toBe(false)
    reclaimOrder.keep([C])
    expect(reclaimOrder.isDue(STEP_IN_MS, B, 1)).toBe(false)
  })
})

describe('a reclaim', () => {
  const claim = taskOf(B, 1).claim

  test('takes the next epoch, keeps the attempt, and may travel anew', () => {
    const record = taskOf(B, 1, { claim: { ...claim, epoch: 4, attempt: 3, hops: 8 } })
    expect(reclaimOf(A, record).claim).toEqual({
      epoch: 5,
      holder: A,
      attempt: 3,
      hops: 0,
      lost: [],
      notBefore: null,
      cause: 'reclaim'
    })
  })

  test('names the boot that was lost with it, if it had started, and only then', () => {
    const started = { epoch: 0, by: B, at: 1 }
    expect(reclaimOf(A, taskOf(B, 1, { started })).claim!.lost).toEqual([B])
    const claimed = { ...claim, epoch: 1, holder: C, lost: [B] }
    expect(reclaimOf(A, taskOf(B, 1, { claim: claimed, started })).claim!.lost).toEqual([B])
    const again = { epoch: 1, by: C, at: 2 }
    expect(reclaimOf(A, taskOf(B, 1, { claim: claimed, started: again })).claim!.lost).toEqual([
      B,
      C
    ])
  })

  test('has no wait of a run that had begun, and keeps one that is not over', () => {
    const waiting = { ...claim, notBefore: 5000 }
    expect(reclaimOf(A, taskOf(B, 1, { claim: waiting })).claim!.notBefore).toBe(5000)
    const started = { epoch: 0, by: B, at: 1 }
    expect(reclaimOf(A, taskOf(B, 1, { claim: waiting, started })).claim!.notBefore).toBeNull()
  })

  test('names no boot that started the same epoch in vain', () => {
    const record = taskOf(B, 1, { started: { epoch: 0, by: C, at: 1 } })
    expect(reclaimOf(A, record).claim!.lost).toEqual([])
  })

  test(`remembers the last ${LOST_MAX} boots that were lost`, () => {
    const lost = Array.from({ length: LOST_MAX }, (_, i) => bootOf('x', i + 1))
    const record = taskOf(B, 1, { claim: { ...claim, lost }, started: { epoch: 0, by: B, at: 1 } })
    expect(reclaimOf(A, record).claim!.lost).toEqual([...lost.slice(1), B])
  })
})

describe('a start of which who took the task over had not heard', () => {
  const record = taskOf(B, 1)
  const started = { epoch: 2, by: B, at: 1 }
  const claim: Claim = { ...record.claim, epoch: 3, holder: A, cause: 'reclaim' }
  const unheard = (parts: Partial<TaskRecord>): BootId | null =>
    unheardStart({ ...record, claim, started, ...parts })

  test('is told by the epoch that was taken over, and counted with the next reclaim', () => {
    expect(unheard({})).toBe(B)
    const next = reclaimOf(C, { ...record, claim, started }, B).claim!
    expect(next.lost).toEqual([B])
    expect(unheard({ claim: next })).toBeNull()
  })

  test('is none where it was heard of, where nobody took the task, and where the run had ended', () => {
    expect(unheard({ claim: { ...claim, lost: [B] } })).toBeNull()
    expect(unheard({ claim: { ...claim, cause: 'retry' } })).toBeNull()
    expect(unheard({ started: { ...started, epoch: 1 } })).toBeNull()
    expect(unheard({ started: null })).toBeNull()
    const ended = outcomeBy(B, { status: 'failed', epoch: 2 })
    expect(unheard({ outcome: ended })).toBeNull()
    expect(unheard({ outcome: { ...ended, epoch: 1 } })).toBe(B)
    const spec = { ...record.spec, delivery: 'at-most-once' } as const
    expect(unheard({ spec })).toBeNull()
  })
})

describe('a failure below the claim', () => {
  const { spec, claim } = taskOf(B, 1, { spec: { maxRetries: 1 } })
  const started = { epoch: 2, by: B, at: 1 }
  const failed = outcomeBy(B, { status: 'failed', epoch: 2 })

  /** Of the second attempt, the last one, unless said otherwise. */
  function standsUnder(
    parts: Partial<Claim>,
    others: Partial<TaskRecord> = {},
    isUncalled: boolean = false
  ): boolean {
    const taken: Claim = { ...claim, holder: A, attempt: 2, cause: 'reclaim', ...parts }
    const record = taskOf(B, 1, { claim: taken, started, outcome: failed, ...others })
    const patch = failedBefore(A, { ...record, spec: { ...spec, ...others.spec } }, isUncalled)
    if (patch !== null)
      expect(patch).toEqual({ outcome: { ...failed, ...others.outcome, epoch: taken.epoch } })
    return patch !== null
  }

  test('was the last attempt, if the next epoch was taken over', () => {
    expect(standsUnder({ epoch: 3, attempt: 1, notBefore: 9 })).toBe(true)
    expect(standsUnder({ epoch: 3, attempt: 2, cause: 'retry', notBefore: 9 })).toBe(false)
    expect(standsUnder({ epoch: 3 }, { started: { epoch: 3, by: A, at: 2 } })).toBe(false)
  })

  test('... or a later one, and none is left', () => {
    expect(standsUnder({ epoch: 4 })).toBe(true)
    expect(standsUnder({ epoch: 4, cause: 'grant' })).toBe(true)
    expect(standsUnder({ epoch: 4, attempt: 1 })).toBe(false)
    expect(standsUnder({ epoch: 4 }, { started: { epoch: 3, by: C, at: 2 } })).toBe(false)
  })

  test('was the last attempt, too, if the next was written down and has not been called', () => {
    const begun = { started: { epoch: 4, by: A, at: 2 } }
    expect(standsUnder({ epoch: 4, cause: 'grant' }, begun)).toBe(false)
    expect(standsUnder({ epoch: 4, cause: 'grant' }, begun, true)).toBe(true)
  })

  test('is followed by the last one, if that waits, whoever has taken it over', () => {
    expect(standsUnder({ epoch: 4, notBefore: 9 })).toBe(false)
  })

  test('was the last attempt, however many are left, if it is none to be tried again', () => {
    const outcome = { ...failed, reason: 'NonRetryable' } as const
    expect(standsUnder({ epoch: 9, attempt: 1 }, { outcome })).toBe(true)
    const once = { ...spec, delivery: 'at-most-once' } as const
    expect(standsUnder({ epoch: 9, attempt: 1 }, { spec: once })).toBe(true)
    expect(standsUnder({ epoch: 9 }, { outcome: { ...failed, reason: 'other:90' } })).toBe(false)
  })

  test('is carried on by whoever takes the task once more', () => {
    const taken: Claim = { ...claim, epoch: 3, attempt: 2, notBefore: 9, cause: 'reclaim' }
    const record = taskOf(B, 1, { claim: taken, started, outcome: failed })
    const next = join(record, { ...record, ...reclaimOf(A, record) })
    expect(failedBefore(A, next)?.outcome).toEqual({ ...failed, epoch: 4 })
  })
})

describe('a reclaim that is unconfirmed', () => {
  const OURS = 7
  /** Who held the task before. */
  const GONE = bootOf('gone', 1)

  /** A reclaim by A, written as A's write 7, with these members alive. */
  function open(): {
    entry: Entry
    confirm: (alive: readonly Member[], merged?: Record<BootId, number>) => readonly Entry[]
    asked: string[]
    isUnconfirmed: () => boolean
    again: () => void
  } {
    const entry = entryOf(taskOf(B, 1))
    const claimBarrier = new ClaimBarrier()
    const reclaim = (seq: number): void => {
      entry.record = { ...entry.record, ...reclaimOf(A, entry.record) }
      claimBarrier.add([{ entry, seq }], null, new Set([GONE]))
    }
    reclaim(OURS)
    const asked: string[] = []
    return {
      entry,
      asked,
      confirm: (alive, merged = {}) =>
        claimBarrier.confirm(
          { boot: A, upTo: OURS + 1 },
          alive,
          origin => merged[origin] ?? 0,
          alive,
          node => asked.push(node)
        ),
      isUnconfirmed: () => claimBarrier.isUnconfirmed(entry),
      again: () => reclaim(OURS + 1)
    }
  }
  const member = (boot: BootId, has: Record<BootId, number> = {}): Member => ({
    ...newMember(heartbeatOf(boot)),
    vector: new Map(Object.entries(has))
  })

  test('is confirmed at once when nobody else may be alive', () => {
    const { entry, confirm, isUnconfirmed } = open()
    expect(isUnconfirmed()).toBe(true)
    expect(confirm([])).toEqual([entry])
    expect(isUnconfirmed()).toBe(false)
    expect(confirm([])).toEqual([])
  })

  test('waits for each member, not for any one', () => {
    const { entry, confirm } = open()
    expect(confirm([member(B, { [A]: OURS }), member(C)])).toEqual([])
    expect(confirm([member(B, { [A]: OURS }), member(C, { [A]: OURS })])).toEqual([entry])
  })

  test('is not confirmed by whoever has merged only what came before it', () => {
    const { confirm } = open()
    expect(confirm([member(B, { [A]: OURS - 1 })])).toEqual([])
  })

  test('waits for what the confirmer had written by then, and not for what it wrote later', () => {
    const { entry, confirm } = open()
    expect(confirm([member(B, { [A]: OURS, [B]: 3 })], { [B]: 2 })).toEqual([])
    expect(confirm([member(B, { [A]: OURS, [B]: 9 })], { [B]: 2 })).toEqual([])
    expect(confirm([member(B, { [A]: OURS, [B]: 9 })], { [B]: 3 })).toEqual([entry])
  })

  test('waits for what the confirmer had heard of the gone holder, and asks for that', () => {
    const { entry, confirm, asked } = open()
    const told = member(B, { [A]: OURS, [GONE]: 5 })
    expect(confirm([told, member(C, { [A]: OURS, [GONE]: 4 })], { [GONE]: 4 })).toEqual([])
    expect(asked).toEqual([told.node])
    expect(confirm([told], { [GONE]: 5 })).toEqual([entry])
    expect(asked).toEqual([told.node])
  })

  test('has to be confirmed anew by a newer boot', () => {
    const { entry, confirm } = open()
    const newer = bootOf('b', 2)
    expect(confirm([member(B, { [A]: OURS, [B]: 3 })], { [B]: 2 })).toEqual([])
    expect(confirm([member(newer)], { [B]: 3 })).toEqual([])
    expect(confirm([member(newer, { [A]: OURS, [newer]: 1 })], { [newer]: 1 })).toEqual([entry])
  })

  test('does not wait any more for whoever turns out to be gone', () => {
    const { entry, confirm } = open()
    expect(confirm([member(B), member(C, { [A]: OURS })])).toEqual([])
    expect(confirm([member(C, { [A]: OURS })])).toEqual([entry])
  })

  test('waits for whoever appears before it is confirmed', () => {
    const { confirm } = open()
    expect(confirm([member(B)])).toEqual([])
    expect(confirm([member(B, { [A]: OURS }), member(C)])).toEqual([])
  })

  test('is over, as that reclaim, when the task was reclaimed once more, which is confirmed by itself', () => {
    const { confirm, isUnconfirmed, again } = open()
    again()
    confirm([member(B, { [A]: OURS })])
    expect(isUnconfirmed()).toBe(true)
    confirm([member(B, { [A]: OURS + 1 })])
    expect(isUnconfirmed()).toBe(false)
  })

  test('says nothing of the task under another claim', () => {
    const { entry, isUnconfirmed } = open()
    const { claim } = entry.record
    entry.record = { ...entry.record, claim: { ...claim, epoch: 2, cause: 'grant', holder: A } }
    expect(isUnconfirmed()).toBe(false)
  })
})
