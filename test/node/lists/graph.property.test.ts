/** The neighbourhood of a task is what a look at all dependencies, step by step, says that it is. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TaskId } from '../../../src/core/base/ids.ts'
import type { TaskRow } from '../../../src/node/api/lists-api.ts'
import { Graph } from '../../../src/node/lists/graph.ts'
import { Scans } from '../../../src/node/lists/scans.ts'
import { Replica } from './replica.ts'

function graphOf(replica: Replica): Graph {
  const { core, clock } = replica
  const row = ({ spec }: { spec: { id: TaskId } }): TaskRow => ({ id: spec.id }) as TaskRow
  return new Graph({ core, scans: new Scans(core, clock), row })
}

/** For each task: which of those before it it depends on. */
const dependencies = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 30 })

function build(shape: readonly (readonly number[])[]): { replica: Replica; ids: TaskId[] } {
  const replica = new Replica()
  const ids: TaskId[] = []
  for (const [at, picks] of shape.entries()) {
    const dependsOn = at === 0 ? [] : [...new Set(picks.map(pick => ids[pick % at]!))]
    ids.push(replica.add({ atMs: at, dependsOn }))
  }
  return { replica, ids }
}

/** How far away each is, by going from task to task. */
function dumb(replica: Replica, root: TaskId, depth: number): Map<TaskId, number> {
  const found = new Map([[root, 0]])
  const go = (sign: 1 | -1, next: (id: TaskId) => TaskId[]): void => {
    let edge = [root]
    for (let step = 1; step <= depth; step++) {
      edge = [...new Set(edge.flatMap(next))].filter(id => !found.has(id))
      for (const id of edge) found.set(id, sign * step)
    }
  }
  const { records } = replica
  go(-1, id => [...(records.find(({ spec }) => spec.id === id)?.spec.dependsOn ?? [])])
  go(1, id => records.filter(({ spec }) => spec.dependsOn.includes(id)).map(({ spec }) => spec.id))
  return found
}

test('it has what is as near as was asked for, with all dependencies between', async () => {
  await fc.assert(
    fc.asyncProperty(
      dependencies,
      fc.nat(),
      fc.integer({ min: 0, max: 4 }),
      async (shape, pick, depth) => {
        const { replica, ids } = build(shape)
        const root = replica.core.record(ids[pick % ids.length]!)!
        const view = await graphOf(replica).around(root, { depth })
        const wanted = dumb(replica, root.spec.id, depth)
        expect(new Map(view.nodes.map(node => [node.id, node.depth]))).toEqual(wanted)
        const edges = replica.records.flatMap(({ spec }) =>
          spec.dependsOn.map(from => ({ from, to: spec.id }))
        )
        const inside = edges.filter(({ from, to }) => wanted.has(from) && wanted.has(to))
        const text = (all: typeof edges): string[] =>
          all.map(({ from, to }) => `${from} ${to}`).sort()
        expect(text(view.edges)).toEqual(text(inside))
        expect(view.more).toBe(0)
      }
    ),
    { numRuns: 60 }
  )
})

test('of more than there is room for the nearest are told, and how many are not', async () => {
  const replica = new Replica()
  const root = replica.add()
  for (let n = 0; n < 20; n++) replica.add({ atMs: 1 + n, dependsOn: [root] })
  const view = await graphOf(replica).around(replica.core.record(root)!, { max: 5 })
  expect(view.nodes).toHaveLength(5)
  expect(view.nodes[0]).toEqual({ id: root, depth: 0 })
  expect(view.more).toBe(16)
})

test('what is not known here is named, and an edge leads to it', async () => {
  const replica = new Replica()
  const pruned = replica.add()
  const root = replica.add({ atMs: 1, dependsOn: [pruned] })
  replica.remove(pruned)
  const view = await graphOf(replica).around(replica.core.record(root)!, {})
  expect(view).toMatchObject({ unknown: [pruned], edges: [{ from: pruned, to: root }] })
})
