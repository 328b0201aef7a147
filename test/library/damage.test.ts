/** A node whose journal was damaged while it was away: it takes part again, and has what its peers have. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Node } from '../../src/index.ts'
import { until } from '../support/until.ts'
import { endAll, forget, privateOptions, startNode } from './nodes.ts'

const TASKS = 400
const ROUND = 25

afterEach(endAll)

function views(node: Node): string[] {
  return Array.from(
    node.tasks(),
    ({ id, state, result }) => `${id} ${state} ${JSON.stringify(result)}`
  ).sort()
}

/** In rounds: what is submitted together is one record of the log, and so are the outcomes. */
async function fill(node: Node, from = 0): Promise<string[]> {
  const ids: string[] = []
  for (let start = from; start < from + TASKS; start += ROUND) {
    const numbers = Array.from({ length: ROUND }, (_, n) => start + n)
    const round = await Promise.all(numbers.map(n => node.createTask('double', n)))
    await Promise.all(round.map(id => node.waitForTask(id)))
    ids.push(...round)
  }
  return ids
}

async function startWorker(data: string, computer: string): Promise<Node> {
  const node = await startNode({ data, computer })
  node.registerTaskHandler('double', (n: number) => 2 * n)
  await node.startWorker()
  return node
}

async function end(node: Node): Promise<void> {
  await node.leave(0)
  forget(node)
}

/** Damages the middle half of the log, and so all that was written of the tasks of some rounds, and nothing of others. */
function damage(data: string): void {
  const folder = join(data, 'journal')
  const path = join(
    folder,
    readdirSync(folder).find(name => name.endsWith('.log'))!
  )
  const content = readFileSync(path)
  content.fill(0xff, Math.floor(content.length / 4), Math.floor((content.length * 3) / 4))
  writeFileSync(path, content)
}

test.each([
  ['has a damaged journal', damage],
  ['has no journal any more', (data: string) => rmSync(join(data, 'journal'), { recursive: true })]
])('a node that %s fetches from its peers what it has lost', async (_, spoil) => {
  const data = (await privateOptions()).data!
  const other = await startNode()
  const node = await startWorker(data, 'spoilt')
  const ids = await fill(node)
  await until(() => views(other).length === TASKS, 'the other to have heard of all')
  await end(node)
  spoil(data)
  const again = await startWorker(data, 'spoilt')
  await until(() => views(again).join() === views(other).join(), 'both to have the same')
  expect(views(again)).toHaveLength(TASKS)
  // What it writes from here on is heard, and told from what it wrote before.
  const later = await fill(again, TASKS)
  expect(new Set([...ids, ...later]).size).toBe(2 * TASKS)
  await until(() => views(other).join() === views(again).join(), 'both to have the same again')
})

test('a node alone with a damaged journal has what can be read of it, and goes on', async () => {
  const data = (await privateOptions()).data!
  const node = await startWorker(data, 'alone')
  const ids = await fill(node)
  await end(node)
  damage(data)
  const again = await startWorker(data, 'alone')
  const kept = Array.from(again.tasks(), ({ id }) => id)
  expect(kept.length).toBeGreaterThan(0)
  expect(kept.length).toBeLessThan(TASKS)
  const later = await fill(again, TASKS)
  expect(new Set([...ids, ...later]).size).toBe(2 * TASKS)
})
