/**
 * Events for readers that come and go: who was away goes on where it was, and is told what it missed.
 */
import { describe, expect, test, vi } from 'vitest'
import type { NodeEvent } from '../../../src/node/api/node-api.ts'
import { Listeners } from '../../../src/node/events/listeners.ts'

const kept = 4096
const failures: unknown[] = []
const started = (boot = 'a'): Listeners =>
  new Listeners(boot, { now: () => 0, failed: error => failures.push(error) })

function emit(listeners: Listeners, count: number): void {
  for (let i = 0; i < count; i++) listeners.emit('task:queued', { i })
}

function since(listeners: Listeners, cursor: string): NodeEvent[] {
  const seen: NodeEvent[] = []
  listeners.add(event => seen.push(event), cursor)()
  return seen
}

test('what is kept of one task is found again, in order', () => {
  const listeners = started()
  for (const taskId of ['x', 'y', 'x']) listeners.emit('task:queued', { taskId })
  expect(listeners.about('x').map(({ cursor }) => cursor)).toEqual(['a:1', 'a:3'])
  emit(listeners, kept - 2)
  expect(listeners.about('x').map(({ cursor }) => cursor)).toEqual(['a:3'])
})

test('no event is made where nobody listens', () => {
  const made = vi.spyOn(Date.prototype, 'toISOString')
  const listeners = started()
  emit(listeners, 3)
  listeners.mention('task:log', {})
  expect(made).not.toHaveBeenCalled()
  listeners.add(() => {})
  emit(listeners, 1)
  expect(made).toHaveBeenCalledOnce()
  made.mockRestore()
})

test('one that throws keeps no other from hearing of an event, and hears of the next one', () => {
  const listeners = started()
  const heard: string[] = []
  failures.length = 0
  listeners.add(({ i }) => {
    throw new Error(`not ${JSON.stringify(i)}`)
  })
  listeners.add(({ event }) => heard.push(event))
  emit(listeners, 2)
  listeners.mention('task:log', {})
  expect(heard).toEqual(['task:queued', 'task:queued', 'task:log'])
  expect(failures).toHaveLength(3)
})

describe('a reader with a cursor', () => {
  test('gets what came after it, and then what happens', () => {
    const listeners = started()
    const first: NodeEvent[] = []
    listeners.add(event => first.push(event))
    emit(listeners, 3)
    const seen: NodeEvent[] = []
    listeners.add(event => seen.push(event), first[0]?.cursor)
    emit(listeners, 1)
    expect(seen.map(({ i }) => i)).toEqual([1, 2, 0])
    expect(seen.slice(0, 2)).toEqual(first.slice(1, 3))
  })

  test('older than what is kept is told how much it missed, to the event', () => {
    const listeners = started()
    emit(listeners, kept + 10)
    const [lost, ...rest] = since(listeners, 'a:4')
    expect(lost).toMatchObject({ event: 'events:lost', count: 6, reason: 'CursorTooOld' })
    expect(rest).toHaveLength(kept)
    expect(rest[0]).toMatchObject({ i: 10, cursor: 'a:11' })
    expect(since(listeners, 'a:10')).toEqual(rest)
    expect(since(listeners, lost!.cursor)).toEqual(rest)
  })

  test('of another boot gets all there is, and is told that nobody knows what it missed', () => {
    const listeners = started('b')
    expect(since(listeners, 'a:7')).toMatchObject([{ count: null, reason: 'CursorOfAnotherBoot' }])
    emit(listeners, 2)
    const [lost, ...rest] = since(listeners, 'a:7')
    expect(lost).toMatchObject({ event: 'events:lost', cursor: 'b:0' })
    expect(rest.map(({ i }) => i)).toEqual([0, 1])
    expect(since(listeners, 'b:0')).toEqual(rest)
  })

  test.each(['', 'a', 'a:', 'a:x', 'a:-1', 'a:3', ':', 'a:9999999999999999'])(
    '"%s" is refused',
    cursor => {
      const listeners = started()
      emit(listeners, 2)
      expect(() => since(listeners, cursor)).toThrow(/is no cursor of an event/)
    }
  )
})
