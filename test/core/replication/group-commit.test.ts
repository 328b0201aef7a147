/** Copies, lag and members: what the core knows about others, and waits for. */
import { describe, expect, test } from 'vitest'
import { bootOf, heartbeatOf } from '../../support/tasks.ts'
import '../forbid.ts'
import { AckWait, type CopiesView } from '../../../src/core/replication/ack-wait.ts'
import type { Copies, OnceCopied } from '../../../src/core/pending.ts'
import { Lag } from '../../../src/core/replication/lag.ts'
import { disksWith, type Disks } from '../../../src/core/replication/disks.ts'
import { Members } from '../../../src/core/membership/members.ts'

const A = bootOf('a')
const B = bootOf('b')
const B2 = bootOf('b', 2)
const C = bootOf('c')
const OPTIONS = { suspectMs: 3000, unreachableMs: 7000 }

/** A start that is this write; the epoch tells it from another one. */
function startAt(seq: number, epoch = 0): OnceCopied {
  return { kind: 'start', taskId: 't', epoch, seq, mustBeKnown: false }
}

describe('waiting for copies', () => {
  /** Waits for write 5, and tells how it ended. */
  function waiting(acks: number | null): {
    look: (now: number, view: Partial<CopiesView> & { has: number; isApart?: boolean }) => void
    ended: Copies[]
  } {
    const ackWait = new AckWait()
    const ended: Copies[] = []
    ackWait.add({ prompt: true, seq: 5, acks, deadline: 1000, pending: startAt(5) })
    return {
      ended,
      look: (now, { has, isApart = false, ...view }) => {
        const disks = (): Disks => ({ copies: has, isApart })
        const all = { durableUpTo: 5, others: 2, apart: false, disks, ...view }
        ackWait.releaseDue(now, all, due => {
          if ('copies' in due) ended.push({ copies: due.copies, short: due.short })
        })
      }
    }
  }

  test.each([
    [0, 0, false],
    [1, 1, false],
    [2, 2, false],
    [null, 1, false]
  ])('with acks %s ends when %i others have it', (acks, needed, short) => {
    const { look, ended } = waiting(acks)
    if (needed > 0) look(0, { has: needed - 1 })
    expect(ended).toEqual([])
    look(1, { has: needed })
    expect(ended).toEqual([{ copies: needed, short }])
    look(2, { has: needed })
    expect(ended).toHaveLength(1)
  })

  test.each([1, 2, null])(
    'with acks %s waits for one on another computer, if one is linked',
    acks => {
      const { look, ended } = waiting(acks)
      look(0, { has: 2, apart: true })
      expect(ended).toEqual([])
      look(1, { has: 2, apart: true, isApart: true })
      expect(ended).toEqual([{ copies: 2, short: false }])
    }
  )

  test('ends short at its deadline if all copies are on one computer, and another one is linked', () => {
    const { look, ended } = waiting(null)
    look(1000, { has: 2, apart: true })
    expect(ended).toEqual([{ copies: 2, short: true }])
  })

  test('does not care where nobody has been asked for a copy', () => {
    const { look, ended } = waiting(0)
    look(0, { has: 0, apart: true })
    expect(ended).toEqual([{ copies: 0, short: false }])
  })

  test('never ends before it is on the own disk', () => {
    const { look, ended } = waiting(0)
    look(9999, { has: 2, durableUpTo: 4 })
    expect(ended).toEqual([])
  })

  test.each([1, 2, null])('with acks %s ends short at its deadline', acks => {
    const { look, ended } = waiting(acks)
    look(999, { has: 0 })
    expect(ended).toEqual([])
    look(1000, { has: 0 })
    expect(ended).toEqual([{ copies: 0, short: true }])
  })

  test('alone, ends at once and short; but waits if a number was asked for', () => {
    const alone = waiting(null)
    alone.look(0, { has: 0, others: 0 })
    expect(alone.ended).toEqual([{ copies: 0, short: true }])
    const asked = waiting(1)
    asked.look(0, { has: 0, others: 0 })
    expect(asked.ended).toEqual([])
  })

  test('ends in order, and what asks for fewer copies does not wait for what asks for more', () => {
    const ackWait = new AckWait()
    const ended: string[] = []
    const add = (seq: number, acks: number): void =>
      ackWait.add({ seq, acks, prompt: true, deadline: 1000, pending: startAt(seq, acks) })
    add(1, 2)
    add(2, 1)
    add(3, 1)
    const look = (has: (seq: number) => number): void => {
      const disks = (seq: number) => ({ copies: has(seq), isApart: false })
      ackWait.releaseDue(0, { durableUpTo: 3, others: 2, apart: false, disks }, due => {
        if (due.kind === 'start') ended.push(`${due.seq}/${due.epoch}`)
      })
    }
    look(seq => (seq <= 2 ? 1 : 0))
    expect(ended).toEqual(['2/1'])
    look(() => 2)
    expect(ended).toEqual(['2/1', '1/2', '3/1'])
    expect(ackWait.isEmpty).toBe(true)
  })
})

describe('lag', () => {
  const vector = new Map([[A, 5]])
  const none = (): number => 0

  test('is due when what was missing is still missing after the delay', () => {
    const lag = new Lag(300)
    expect([0, 299, 300].map(now => lag.isDue(now, 'b', vector, none))).toEqual([
      false,
      false,
      true
    ])
  })

  test('is not due if what was missing has come, although there is more by now', () => {
    const lag = new Lag(300)
    lag.isDue(0, 'b', vector, none)
    const more = new Map([[A, 9]])
    expect(lag.isDue(400, 'b', more, () => 5)).toBe(false)
    expect(lag.isDue(699, 'b', more, () => 5)).toBe(false)
    expect(lag.isDue(700, 'b', more, () => 5)).toBe(true)
  })

  test('is never due from one who has no more than we', () => {
    const lag = new Lag(0)
    expect(lag.isDue(0, 'b', vector, () => 5)).toBe(false)
    expect(lag.isDue(999, 'b', vector, () => 5)).toBe(false)
  })

  test('begins anew when the member was forgotten', () => {
    const lag = new Lag(300)
    lag.isDue(0, 'b', vector, none)
    lag.forget('b')
    expect(lag.isDue(300, 'b', vector, none)).toBe(false)
  })
})

describe('members', () => {
  function members(): Members {
    return new Members('a', OPTIONS)
  }

  /** How many others have this write of the boot `A`. */
  const copies = (all: Members, seq: number): number =>
    disksWith(all, [{ origin: A, seq }], 'test').copies

  test('do not include oneself', () => {
    const all = members()
    expect(all.heard(heartbeatOf(A), 0)).toBe(false)
    expect(all.all()).toEqual([])
  })

  test('are news once a boot', () => {
    const all = members()
    expect(all.heard(heartbeatOf(B), 0)).toBe(true)
    expect(all.heard(heartbeatOf(B, { at: 2 }), 1)).toBe(false)
    expect(all.heard(heartbeatOf(B2), 2)).toBe(true)
    expect(all.heard(heartbeatOf(B, { at: 99 }), 3)).toBe(false)
    expect(all.get('b')!.heartbeat.boot).toBe(B2)
  })

  test('understand what their latest heartbeat says that they know, and nothing before they spoke', () => {
    const all = members()
    all.restore([
      { boot: C, name: 'test/c', addresses: [], departure: null, stopAfterIsolatedMs: null }
    ])
    all.heard(heartbeatOf(B, { revision: 2 }), 0)
    expect([1, 2, 3].map(revision => all.understands('b', revision))).toEqual([true, true, false])
    all.heard(heartbeatOf(B2, { revision: 1 }), 1)
    expect(all.understands('b', 2)).toBe(false)
    expect([all.understands('c', 0), all.understands('c', 1)]).toEqual([true, false])
    expect(all.understands('unknown', 1)).toBe(false)
  })

  test('are shown as their latest heartbeat says, not as a late one', () => {
    const all = members()
    all.heard(heartbeatOf(B, { at: 5, running: 1 }), 10)
    all.heard(heartbeatOf(B, { at: 4, running: 0 }), 20)
    expect(all.get('b')).toMatchObject({ heardAt: 10, heartbeat: { running: 1 } })
  })

  test('come in the order of their ids', () => {
    const all = members()
    for (const node of ['d', 'b', 'c']) all.heard(heartbeatOf(bootOf(node)), 0)
    expect(all.all().map(({ node }) => node)).toEqual(['b', 'c', 'd'])
  })

  test('can be reached if they are linked, known and have not left', () => {
    const all = members()
    all.link('b', true)
    expect(all.linked()).toEqual([])
    all.heard(heartbeatOf(B), 0)
    expect(all.linked()).toHaveLength(1)
    all.link('b', false)
    expect(all.linked()).toEqual([])
    all.link('b', true)
    all.saidGoodbye(B, 0)
    expect(all.linked()).toEqual([])
  })

  test('that said goodbye stay gone, whatever arrives late, until they start again', () => {
    const all = members()
    all.heard(heartbeatOf(B), 0)
    expect(all.saidGoodbye(B, 0)).toBe(true)
    expect(all.saidGoodbye(B, 0)).toBe(false)
    all.heard(heartbeatOf(B, { at: 99 }), 1)
    expect(all.status(all.get('b')!, 1)).toBe('left')
    expect(all.heard(heartbeatOf(B2), 2)).toBe(true)
    expect(all.status(all.get('b')!, 2)).toBe('alive')
    expect(all.saidGoodbye(B, 0)).toBe(false)
    expect(all.status(all.get('b')!, 2)).toBe('alive')
  })

  test('that were never heard of cannot say goodbye', () => {
    expect(members().saidGoodbye(B, 0)).toBe(false)
  })

  test('are alive, suspect, unreachable by the age of their heartbeat', () => {
    const all = members()
    all.heard(heartbeatOf(B), 1000)
    const status = (ageMs: number): string => all.status(all.get('b')!, 1000 + ageMs)
    expect([0, 2999, 3000, 6999, 7000].map(status)).toEqual([
      'alive',
      'alive',
      'suspect',
      'suspect',
      'unreachable'
    ])
  })

  test('have what their heartbeats and acknowledgements say, whichever is more', () => {
    const all = members()
    all.heard(heartbeatOf(B, { at: 1, vector: new Map([[A, 3]]) }), 0)
    all.acknowledged('b', B, new Map([[A, 5]]))
    all.heard(heartbeatOf(B, { at: 2, vector: new Map([[A, 4]]) }), 1)
    expect([3, 5, 6].map(seq => copies(all, seq))).toEqual([1, 1, 0])
  })

  test('acknowledge only as the boot that is known', () => {
    const all = members()
    all.acknowledged('b', B, new Map([[A, 5]]))
    all.heard(heartbeatOf(B), 0)
    all.acknowledged('b', B2, new Map([[A, 5]]))
    all.acknowledged('c', C, new Map([[A, 5]]))
    expect(copies(all, 1)).toBe(0)
  })

  test('that start again have only what is on their disk', () => {
    const all = members()
    all.heard(heartbeatOf(B, { vector: new Map([[A, 5]]) }), 0)
    all.heard(heartbeatOf(B2, { vector: new Map([[A, 2]]) }), 1)
    expect([2, 3].map(seq => copies(all, seq))).toEqual([1, 0])
  })

  test('that have left are no copies: nobody can fetch anything from them', () => {
    const all = members()
    all.heard(heartbeatOf(B, { vector: new Map([[A, 5]]) }), 0)
    all.heard(heartbeatOf(C, { vector: new Map([[A, 5]]) }), 0)
    expect(copies(all, 5)).toBe(2)
    all.saidGoodbye(B, 0)
    expect(copies(all, 5)).toBe(1)
  })
})
