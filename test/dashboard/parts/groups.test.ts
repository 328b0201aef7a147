/** Graphs that are too large to be looked at. */
import { expect, test } from 'vitest'
import { BOXES_MAX, grouped, type GraphTask } from '../../../src/dashboard/page/graph/groups.ts'

function tasks(count: number, type: string): GraphTask[] {
  return Array.from({ length: count }, (_, n) => ({ id: `${type}${n}`, type, state: 'queued' }))
}

test('up to 500 tasks each is a box', () => {
  const all = tasks(BOXES_MAX, 'a')
  expect(grouped(all, [], 'a0').groups).toHaveLength(BOXES_MAX)
})

test('of more, those of one type and equally far along the way are one box, but for the one that is looked at', () => {
  const [parts, join] = [tasks(600, 'part'), tasks(1, 'join')]
  const edges = parts.map(({ id }) => ({ from: id, to: 'join0' }))
  const { groups, edges: merged } = grouped([...parts, ...join], edges, 'part7')
  expect(groups.map(({ tasks: own }) => own.length).toSorted((x, y) => x - y)).toEqual([1, 1, 599])
  expect(merged).toHaveLength(2)
  expect(merged.every(({ to }) => groups.find(({ id }) => id === to)?.type === 'join')).toBe(true)
})

test('a circle, which no node makes, does not hang it', () => {
  const all = tasks(501, 'a')
  const edges = all.map(({ id }, n) => ({ from: id, to: all[(n + 1) % all.length]!.id }))
  expect(grouped(all, edges, 'a0').groups.length).toBeGreaterThan(0)
})
