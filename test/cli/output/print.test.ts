/** What is shown of one task, to people: in a list, alone, and while they wait for it. */
import { Readable } from 'node:stream'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { main } from '../../../src/cli/main.ts'
import { eventLine, table, taskLines, taskTable } from '../../../src/cli/output/print.ts'
import { Terminal } from '../../../src/cli/terminal.ts'
import type { TaskView } from '../../../src/node/api/node-api.ts'
import { serveFakeNode } from '../../api/served.ts'
import { until } from '../../support/until.ts'
import { into, run } from '../run.ts'

const at = serveFakeNode()
const progress = { fraction: 0.25, message: 'a quarter' }

/** A task as the node tells of it, with these differences. */
async function viewed(differences: Partial<TaskView>): Promise<TaskView> {
  const { id } = await at.node.submit('work', null)
  return at.node.change(id, differences)
}

async function shown(differences: Partial<TaskView>): Promise<string> {
  const streams = { stdin: Readable.from([]), stdout: into(() => {}), stderr: into(() => {}) }
  return taskLines(await viewed(differences), new Terminal(streams)).join('\n')
}

test('an event whose name does not tell what it means is explained', () => {
  const event = { v: 1, at: '2026-01-02T03:04:05.000Z', cursor: 'x', node: 'b/2' } as const
  const line = (name: string): string => eventLine({ ...event, event: name })
  expect(line('node:refuted')).toMatch(/node:refuted {4}node=b\/2 {2}\(heard again: .*not ended\)$/)
  expect(line('node:joined')).toMatch(/node=b\/2$/)
})

test('an event is one line, and shows what a terminal would obey as logs does', () => {
  const text = 'a\tb\r\nc \u001b[31md\n'
  const about = { v: 1, at: '2026-01-02T03:04:05.000Z', cursor: 'x', event: 'task:log' } as const
  expect(eventLine({ ...about, text })).toMatch(/ {2}text=a\\tb\\r\\nc \\u001b\[31md$/)
})

describe('a task is shown', () => {
  test('with its attempt, of as many as it may have', async () => {
    const task = await viewed({ attempt: 2, maxRetries: 3, epoch: 7 })
    expect((await taskTable([task], 0))[1]).toMatch(/ 2\/4 /)
    expect((await run(['get', task.id])).stdout).toMatch(/^attempt +2\/4, epoch 7$/m)
    expect((await run(['ls'])).stdout).toMatch(/ 2\/4 /)
  })

  test('with what it asks of nodes, whom it took along, and what it is a copy of', async () => {
    const labels = { require: { gpu: '1', zone: ['a', 'b'] }, prefer: { memory: '>=16' } }
    const text = await shown({ labels, lost: ['a/1', 'b/2'], retryOf: 'the-first' })
    expect(text).toMatch(/^labels +gpu=1 zone=a,b, rather memory>=16$/m)
    expect(text).toMatch(/^lost with +a\/1 b\/2$/m)
    expect(text).toMatch(/^retry of +the-first$/m)
    expect(await shown({})).not.toMatch(/^(labels|lost with|retry of)/m)
  })

  test('with its progress, while it runs', async () => {
    const { id } = await viewed({ state: 'running', progress })
    expect((await run(['get', id])).stdout).toMatch(/^progress +25 %, a quarter$/m)
    expect((await run(['ls'])).stdout).toMatch(/ running 25 % /)
  })
})

test.each([
  ['ASCII', ['a', 'bc']],
  ['wide characters', ['重い', 'b']],
  ['marks', ['e\u0301', 'b']],
  ['pictures', ['👩‍👩‍👧', 'bcd']]
])('columns of %s stand one below the other', async (_, cells) => {
  const lines = await table(
    ['T', 'N'],
    cells.map(cell => [cell, '|'])
  )
  const ends = lines.slice(1).map(line => stringWidth(line))
  expect(new Set(ends).size).toBe(1)
})

test('whoever watches a wait sees the progress of the task, and then how it ended', async () => {
  const { id } = await viewed({ state: 'running', progress })
  let said = ''
  let out = ''
  const stderr = Object.assign(
    into(text => (said += text)),
    { isTTY: true }
  )
  const stdout = into(text => (out += text))
  const ended = main(['wait', id], new Terminal({ stdin: Readable.from([]), stdout, stderr }))
  await until(() => said.includes(`${id.slice(-12)} 25 %, a quarter`), 'the progress')
  at.node.settle(id, { state: 'completed' })
  expect(await ended).toBe(0)
  expect(out).toContain(`${id}  completed`)
  expect(said.endsWith('\r\u001b[K')).toBe(true)
})
