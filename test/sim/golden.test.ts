/**
 * Whole histories of tiny clusters, as text files: what happens to a task is there to be read. If one of these fails,
 * look at the difference. If it is what was wanted, `npx vitest run -u` with this file's path writes the new history.
 */
import { expect, test } from 'vitest'
import '../core/forbid.ts'
import type { Scenario } from '../../src/sim/scenario.ts'
import { simulate } from '../../src/sim/simulator.ts'

const quiet: Partial<Scenario> = {
  nodes: 2,
  tasks: 2,
  dependent: 0,
  failing: 0,
  types: ['work'],
  late: 0,
  leaving: 0,
  crashes: 0,
  busyMs: 500,
  network: {
    gossipLoss: 0,
    gossipRepeat: 0,
    linkBreak: 0,
    syncBreak: 0,
    delayMsMin: 1,
    delayMsMax: 3,
    cutNoticedMsMax: 0,
    foundByOne: false,
    linkDelayMsMax: 0,
    overtaking: false
  }
}

const histories: readonly [string, number, Partial<Scenario>][] = [
  ['two-tasks', 1, quiet],
  ['steal', 2, { ...quiet, busyMs: 50, tasks: 4 }],
  ['dependencies', 3, { ...quiet, nodes: 3, tasks: 4, dependent: 1, failing: 0.3 }],
  ['leave', 4, { ...quiet, nodes: 3, tasks: 4, leaving: 1 }]
]

test.each(histories)('the history of %s', async (name, seed, scenario) => {
  const { violation, transcript, settled } = simulate(seed, scenario)
  expect(violation).toBeNull()
  expect(settled).toBe(scenario.tasks)
  await expect(`${transcript.join('\n')}\n`).toMatchFileSnapshot(`transcripts/${name}.txt`)
})
