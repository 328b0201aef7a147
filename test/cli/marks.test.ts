/** A task is told by what its submitter called it: `ls`, `get`, `why`, and its plain result. */
import { beforeEach, expect, test } from 'vitest'
import { serveFakeNode } from '../api/served.ts'
import { run } from './run.ts'

const at = serveFakeNode()
let marked: string

beforeEach(async () => {
  marked = (await at.node.submit('work', 1)).id
  at.node.change(marked, { ref: 'doc4', tags: ['a', 'b'], idempotencyKey: 'nightly-doc4' })
})

test('ls has a column for each mark that a listed task has, and finds by them', async () => {
  const plain = (await at.node.submit('work', 1)).id
  const { stdout } = await run(['ls'])
  expect(stdout).toMatch(/^ID +STATE +TYPE +REF +TAGS +PRIO .* KEY +REASON$/m)
  expect(stdout).toMatch(
    new RegExp(`^${marked} +queued +work +doc4 +a b +.* nightly-doc4 +Slots`, 'm')
  )
  expect(stdout).toMatch(new RegExp(`^${plain} +queued +work +- +- +.* - +SlotsBusy$`, 'm'))
  at.node.change(marked, { ref: null, tags: [], idempotencyKey: null })
  expect((await run(['ls'])).stdout).toMatch(
    /^ID +STATE +TYPE +PRIO +ATTEMPT .* SUBMITTED +REASON$/m
  )
})

test('get and why say them', async () => {
  const { stdout } = await run(['get', marked])
  expect(stdout).toMatch(/^ref +doc4$/m)
  expect(stdout).toMatch(/^tags +a b$/m)
  expect(stdout).toMatch(/^key +nightly-doc4$/m)
  const why = await run(['why', marked])
  expect(why.stdout).toMatch(/^ref doc4, tags a b, key nightly-doc4$/m)
})

test('a verb that waits says what a task is called, beside its type', async () => {
  at.node.settle(marked, { state: 'completed', result: 1 })
  const { stdout } = await run(['wait', marked])
  expect(stdout).toBe(`${marked}  completed  work doc4  12 ms  1\n`)
})

test('why of a task that waits has a line for each dependency that is open', async () => {
  const { id } = await at.node.submit('sum', 1)
  const unknown = '01a20906-f693-8000-8000-00017cdaf76b'
  at.node.change(id, { state: 'waiting', reason: 'DependencyOpen', dependsOn: [marked, unknown] })
  const { stdout } = await run(['why', id])
  expect(stdout).toMatch(/^WAITS FOR +STATE +TYPE +REF +REASON$/m)
  expect(stdout).toMatch(new RegExp(`^${marked} +queued +work +doc4 +SlotsBusy$`, 'm'))
  expect(stdout).toMatch(new RegExp(`^${unknown} +not known here +- +-$`, 'm'))
})

test.each([
  ['a text as it is', 'two\nlines', 'two\nlines\n'],
  ['no second end of its last line', 'a line\n', 'a line\n'],
  ['anything else as JSON', { n: [1, null] }, '{"n":[1,null]}\n'],
  ['null as null', null, 'null\n']
])('get --result prints %s', async (_, result, stdout) => {
  at.node.settle(marked, { state: 'completed', result })
  expect(await run(['get', marked, '--result'])).toEqual({ code: 0, stdout, stderr: '' })
})

test('get --result of a task without one says why, and ends as the task did', async () => {
  const open = await run(['get', marked, '--result'])
  expect(open).toMatchObject({ code: 6, stdout: '' })
  expect(open.stderr).toMatch(/has no result yet, it is queued: see hearsay wait/)
  const error = { name: 'Error', message: 'no such luck' }
  at.node.settle(marked, { state: 'failed', reason: 'HandlerError', error })
  const failed = await run(['get', marked, '--result'])
  expect(failed).toMatchObject({ code: 1, stdout: '' })
  expect(failed.stderr).toMatch(/has no result, it has failed: no such luck/)
  at.node.settle(marked, { state: 'cancelled', reason: 'CancelledByUser', error: null })
  expect(await run(['get', marked, '--result'])).toMatchObject({ code: 5, stdout: '' })
})
