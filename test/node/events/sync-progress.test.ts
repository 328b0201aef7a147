/** What a node that catches up says: enough to see that it moves, and nothing when there is nothing to see. */
import { expect, test } from 'vitest'
import { SyncProgress } from '../../../src/node/events/sync-progress.ts'

function linesOf(steps: readonly { missing: number; taskCount: number }[]): string[] {
  const core = { missing: 0, taskCount: 0 }
  const lines: string[] = []
  const progress = new SyncProgress(core, line => lines.push(line))
  for (const step of steps) {
    Object.assign(core, step)
    progress.look()
  }
  return lines
}

test('a new node says how far it is, and when it is there', () => {
  const lines = linesOf([
    { missing: 0, taskCount: 0 },
    { missing: 300_000, taskCount: 0 },
    { missing: 200_000, taskCount: 34_000 },
    { missing: 100_000, taskCount: 67_000 },
    { missing: 0, taskCount: 100_000 },
    { missing: 0, taskCount: 100_000 }
  ])
  expect(lines).toEqual([
    'syncing: 0 of about 300,000 tasks',
    'syncing: 34,000 of about 102,000 tasks',
    'syncing: 67,000 of about 100,500 tasks',
    'in sync: 100,000 tasks'
  ])
})

test('what gossip is late with is no news', () => {
  expect(linesOf([100, 2000, 0].map(missing => ({ missing, taskCount: 50_000 })))).toEqual([])
})

test('a node that lacks only what has been forgotten since says nothing that is not so', () => {
  const lines = linesOf([
    { missing: 60_000, taskCount: 500 },
    { missing: 30_000, taskCount: 20 },
    { missing: 0, taskCount: 20 }
  ])
  expect(lines.slice(1)).toEqual(['syncing: 20 of about 20 tasks', 'in sync: 20 tasks'])
})
