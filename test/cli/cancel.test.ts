/** `cancel`, `retry` and `why`: what they print, and the codes that they end with. */
import { expect, test } from 'vitest'
import { serveFakeNode } from '../api/served.ts'
import { run } from './run.ts'

const at = serveFakeNode()

test('what is cancelled is printed, with code 0, also if only asked for', async () => {
  const { id } = await at.node.submit('work', 1)
  expect(await run(['cancel', id])).toMatchObject({ code: 0, stdout: `${id}  cancelled\n` })
  const stuck = await at.node.submit('stuck', 1)
  const said = await run(['cancel', stuck.id, '--json'])
  expect(said).toMatchObject({ code: 0, stderr: expect.stringContaining('as soon as') as string })
  expect(JSON.parse(said.stdout)).toEqual({ v: 1, id: stuck.id, status: 'requested' })
})

test('what has completed cannot be cancelled: code 6; what nobody knows: code 4', async () => {
  const { id } = await at.node.submit('quick', 1)
  expect(await run(['cancel', id])).toMatchObject({ code: 6, stdout: `${id}  completed\n` })
  expect(await run(['cancel', 'ffff'])).toMatchObject({ code: 4, stdout: '' })
})

test('retry prints the id of the copy; what has not failed is refused with code 6', async () => {
  const { id } = await at.node.submit('work', 1)
  expect(await run(['retry', id])).toMatchObject({ code: 6, stdout: '' })
  at.node.settle(id, { state: 'failed', reason: 'HandlerError' })
  const { code, stdout } = await run(['retry', id])
  expect(code).toBe(0)
  expect(at.node.task(stdout.trim())).toMatchObject({ state: 'queued', type: 'work' })
})

test('why says the reason, and that of each node', async () => {
  const { id } = await at.node.submit('work', 1)
  const { code, stdout } = await run(['why', id])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^queued, SlotsBusy: all are busy\nNODE +REASON\n.+ NoHandler +it has no/)
  expect(JSON.parse((await run(['why', id, '--json'])).stdout)).toMatchObject({ v: 1, id })
})
