/** Who has to wait at the door of a node that is behind, for how long, and in which order they come in. */
import { expect, test } from 'vitest'
import type { Backlog } from '../../../src/core/replication/ack-wait.ts'
import { Admission, ADMISSION_DEFAULTS } from '../../../src/node/tasks/admission.ts'

const { awaitedMax, awaitedMin, awaitedMsMax, unflushedMax } = ADMISSION_DEFAULTS

/** A door, and what the node behind it has yet to do. */
function door() {
  const backlog: { -readonly [K in keyof Backlog]: Backlog[K] } = {
    unflushed: 0,
    awaited: 0,
    awaitedMs: 0
  }
  const fed = { tasks: 0, full: false }
  const admission = new Admission({
    backlog: () => backlog,
    waitingTasks: () => fed.tasks,
    isFull: () => fed.full
  })
  const entered: string[] = []
  const enter = async (name: string, signal?: AbortSignal): Promise<() => void> => {
    const handedOver = await admission.enter(signal)
    entered.push(name)
    return handedOver
  }
  return { backlog, fed, admission, entered, enter }
}

test('whoever comes to a node that is not behind is let in at once', async () => {
  const { admission, enter } = door()
  await enter('one')
  expect(admission.heldBackBy).toBeNull()
})

test.each([
  ['disk', { unflushed: unflushedMax }],
  ['copies', { awaited: awaitedMax }],
  ['copies', { awaited: awaitedMin, awaitedMs: awaitedMsMax + 1 }]
] as const)('submitters are held back by %s while there is %j', async (by, much) => {
  const { backlog, admission, enter, entered } = door()
  Object.assign(backlog, much)
  expect(admission.heldBackBy).toBe(by)
  const entering = enter('one')
  expect(admission.waiting).toBe(1)
  admission.release()
  await Promise.resolve()
  expect(entered).toEqual([])
  Object.assign(backlog, { unflushed: 0, awaited: 0, awaitedMs: 0 })
  admission.release()
  await entering
  expect(entered).toEqual(['one'])
})

test('few copies that have been awaited for long, or many for a moment, hold nobody back', () => {
  const { backlog, admission } = door()
  Object.assign(backlog, { awaited: awaitedMin - 1, awaitedMs: 60_000 })
  expect(admission.heldBackBy).toBeNull()
  Object.assign(backlog, { awaited: awaitedMax - 1, awaitedMs: awaitedMsMax })
  expect(admission.heldBackBy).toBeNull()
})

test('they come in one after the other, in the order in which they came, and no more than there is room for', async () => {
  const { backlog, admission, enter, entered } = door()
  backlog.awaited = awaitedMax
  const entering = ['one', 'two', 'three'].map(name => enter(name))
  backlog.awaited = awaitedMax - 2
  admission.release()
  await Promise.all(entering.slice(0, 2))
  expect(entered).toEqual(['one', 'two'])
  // Whoever comes later stands behind, also if there is room just then.
  const late = enter('late')
  backlog.awaited = 0
  admission.release()
  await Promise.all([...entering, late])
  expect(entered).toEqual(['one', 'two', 'three', 'late'])
})

test('who was let in counts until the core has seen the task', async () => {
  const { admission, fed, enter } = door()
  const all = await Promise.all(Array.from({ length: awaitedMax }, (_, i) => enter(`${i}`)))
  expect(admission.heldBackBy).toBe('copies')
  fed.tasks = 1
  const [first] = all
  first!()
  first!()
  expect(admission.heldBackBy).toBe('copies')
  fed.tasks = 0
  expect(admission.heldBackBy).toBeNull()
})

test('who goes away leaves his place to the next, and is told his own reason', async () => {
  const { backlog, admission, enter, entered } = door()
  backlog.awaited = awaitedMax
  const gone = new AbortController()
  const first = enter('first', gone.signal)
  const second = enter('second')
  gone.abort(new Error('the client has gone'))
  await expect(first).rejects.toThrow('the client has gone')
  expect(admission.waiting).toBe(1)
  backlog.awaited = awaitedMax - 1
  admission.release()
  await second
  expect(entered).toEqual(['second'])
  await expect(enter('late', gone.signal)).rejects.toThrow('the client has gone')
})

test('all who wait are refused with one reason', async () => {
  const { backlog, admission, enter } = door()
  backlog.unflushed = unflushedMax
  const all = Promise.allSettled([enter('one'), enter('two')])
  admission.refuseAll(new Error('node x is stopping'))
  const why = (await all).map(end => (end as PromiseRejectedResult).reason.message)
  expect(why).toEqual(['node x is stopping', 'node x is stopping'])
  expect(admission.waiting).toBe(0)
})

test('submitters wait while all keep far too many settled tasks', async () => {
  const { fed, admission, enter, entered } = door()
  fed.full = true
  expect(admission.heldBackBy).toBe('room')
  const entering = enter('one')
  expect(entered).toEqual([])
  fed.full = false
  admission.release()
  await entering
  expect(entered).toEqual(['one'])
})
