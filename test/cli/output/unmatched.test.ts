/** A value of a filter that nobody has is told, so that a name which is misspelt is not taken for work that is done. */
import { expect, test, vi } from 'vitest'
import { serveFakeNode } from '../../api/served.ts'
import { until } from '../../support/until.ts'
import { run, type Said } from '../run.ts'

const at = serveFakeNode()

const NODE = 'no node is called "nope/1" (there are: computer-a/1, computer-b/2)'
const TYPE = 'no task has the type "nope", and no node a handler for it (there are: quick)'

test.each([
  [['ls', '--node', 'nope/1'], [NODE]],
  [['ls', '--node', 'nope/1', '--json'], [NODE]],
  [['ls', '--type', 'nope', '--state', 'failed'], [TYPE]],
  [['ls', '--tag', 'nope'], ['no task has the tag "nope"']],
  [['ls', '--ref', 'nope'], ['no task has the ref "nope"']],
  [
    ['ls', '--node', 'nope/1', '--type', 'nope'],
    [NODE, TYPE]
  ],
  [
    ['cancel', '--all', '--node', 'nope/1'],
    [NODE, 'no such tasks that could be cancelled']
  ],
  [['retry', '--all', '--type', 'nope', '--json'], [TYPE]]
])('%j says so on stderr, and ends with 0', async (argv, words) => {
  await at.node.submit('a', null)
  const { code, stderr } = await run(argv)
  expect(code).toBe(0)
  expect(stderr).toBe(words.map(text => `hearsay: ${text}\n`).join(''))
})

test.each([
  [['ls', '--node', 'computer-a/1', '--state', 'failed'], 'no such tasks'],
  [['ls', '--type', 'a', '--state', 'failed'], 'no such tasks'],
  // A node handles it, and nobody has submitted one.
  [['ls', '--type', 'quick'], 'no such tasks']
])('%j names what somebody has, and fits no task', async (argv, words) => {
  await at.node.submit('a', null)
  expect((await run(argv)).stderr).toBe(`hearsay: ${words}\n`)
})

test.each([
  [['--type', 'nope'], TYPE],
  [['--event', 'task:fialed'], 'no event is called "task:fialed": did you mean task:failed?'],
  [['--event', 'nodes'], 'no event is called "nodes": did you mean node?']
])('events %j says so, and goes on', async (argv, words) => {
  const said: Said = { code: null, stdout: '', stderr: '' }
  const following = vi.spyOn(at.node, 'onEvent')
  const ended = run(['events', ...argv], '', said)
  await until(() => following.mock.calls.length > 0, 'events to be followed')
  expect(said.stderr).toBe(`hearsay: ${words}\n`)
  await at.api.close()
  await ended
})
