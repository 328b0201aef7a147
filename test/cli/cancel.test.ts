/** `cancel`, `retry` and `why`: what they print, and the codes that they end with. */
import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import { serveFakeNode } from '../api/served.ts'
import { into, run, type Said } from './run.ts'

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

describe('--all', () => {
  test('needs --yes where nobody can be asked, and says how many there are', async () => {
    for (const type of ['a', 'a', 'b']) await at.node.submit(type, null)
    const said = await run(['cancel', '--all', '--type', 'a'])
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(/2 tasks to be cancelled, such as [0-9a-f-]{36} \(a\)/)
    expect(said.stderr).toMatch(/cancel 2 tasks\? Nobody can be asked here: say it with --yes/)
    expect([...at.node.tasks({ state: 'cancelled' })]).toEqual([])
    const done = await run(['cancel', '--all', '--type', 'a', '--yes'])
    expect(done).toMatchObject({ code: 0, stdout: '2 tasks cancelled\n' })
    expect([...at.node.tasks({ state: 'cancelled' })]).toHaveLength(2)
    expect(at.node.asked).toMatchObject({ action: 'cancel', filter: { type: 'a' }, expect: 2 })
  })

  test.each([
    ['y\n', 1],
    ['Yes\n', 1],
    ['\n', 0],
    ['no\n', 0],
    ['', 0]
  ])('asks in a terminal: %j changes %i', async (answer, changed) => {
    const { id } = await at.node.submit('a', null)
    at.node.settle(id, { state: 'failed', reason: 'HandlerError' })
    const said = await runInTerminal(['retry', '--all'], answer)
    expect(said.stderr).toContain('retry 1 task? [y/N] ')
    expect(said.stdout).toBe(changed === 1 ? '1 task tried once more\n' : '')
    expect(said.code).toBe(0)
    expect([...at.node.tasks()]).toHaveLength(1 + changed)
  })

  test('with nothing that fits there is nothing to ask', async () => {
    const said = await run(['retry', '--all'])
    expect(said).toMatchObject({ code: 0, stdout: '' })
    expect(said.stderr).toMatch(/no such tasks/)
  })

  test('of retry is refused with --with-dependents, which it would not do', async () => {
    const { id } = await at.node.submit('a', null)
    at.node.settle(id, { state: 'failed', reason: 'HandlerError' })
    const said = await run(['retry', '--all', '--yes', '--with-dependents'])
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(/--with-dependents goes with ids, not with --all/)
    expect([...at.node.tasks()]).toHaveLength(1)
  })

  test('without it --node names the node to ask', async () => {
    const { id } = await at.node.submit('a', null)
    vi.stubEnv('HEARSAY_DATA', '')
    const argv = ['cancel', id, '--data', at.folder]
    expect(await run(argv)).toMatchObject({ code: 0, stdout: `${id}  cancelled\n` })
    expect(await run([...argv, '--node', at.node.name])).toMatchObject({ code: 0 })
  })

  test('--node is a filter, and HEARSAY_NODE is not', async () => {
    await at.node.submit('a', null)
    expect((await run(['cancel', '--all', '--node', 'computer-z/9'])).stderr).toMatch(
      /no such tasks/
    )
    vi.stubEnv('HEARSAY_NODE', at.node.name)
    vi.stubEnv('HEARSAY_DATA', '')
    expect(await run(['cancel', '--all', '--yes', '--data', at.folder])).toMatchObject({ code: 0 })
    expect(at.node.asked).toMatchObject({ filter: {} })
  })
})

async function runInTerminal(argv: readonly string[], typed: string): Promise<Said> {
  const said: Said = { code: null, stdout: '', stderr: '' }
  const isTTY = { isTTY: true }
  const stdin = Object.assign(Readable.from([typed]), isTTY)
  const stderr = Object.assign(
    into(text => (said.stderr += text)),
    isTTY
  )
  const stdout = into(text => (said.stdout += text))
  said.code = await main(argv, new Terminal({ stdin, stdout, stderr }))
  return said
}
