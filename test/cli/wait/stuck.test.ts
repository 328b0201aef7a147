/** A wait for a task that nothing can run says so, once, and a wait of `submit` can be bounded. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { serveFakeNode } from '../../api/served.ts'
import { until } from '../../support/until.ts'
import { run, type Said } from '../run.ts'

const at = serveFakeNode()

const file = async (text: string): Promise<string> => {
  const path = join(at.folder, 'file')
  await writeFile(path, text)
  return path
}

const LARGE = JSON.stringify('x'.repeat(10_000))

/** The first tasks of the node, oldest first. */
const ids = (): string[] => [...at.node.tasks()].map(({ id }) => id).toReversed()

/** A wait that has gone on for as long as two looks take, and whose tasks then complete. */
async function waited(argv: readonly string[], tasks: number, spoil: () => void): Promise<Said> {
  const said: Said = { code: null, stdout: '', stderr: '' }
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const why = vi.spyOn(at.node, 'why')
    const ended = run(argv, '', said)
    await until(() => at.node.waiting === tasks, 'the waits to arrive')
    spoil()
    const isLooked = (): boolean => {
      vi.advanceTimersByTime(1000)
      return said.stderr !== '' || why.mock.calls.length > tasks
    }
    await until(isLooked, 'the first looks')
    vi.advanceTimersByTime(20_000)
    for (const id of ids()) at.node.settle(id, { state: 'completed', reason: null })
    await ended
    return said
  } finally {
    vi.useRealTimers()
    vi.restoreAllMocks()
  }
}

describe('a task that nothing can run is told once, as why does', () => {
  const spoil = (): void => void at.node.change(ids()[0]!, { state: 'queued', reason: 'NoHandler' })

  test.each([
    ['submit --wait', () => ['submit', 'slow', '--wait'], 1],
    ['submit --wait of a large payload', () => ['submit', 'slow', LARGE, '--wait'], 1],
    ['submit --each --wait', async () => ['submit', '--wait', '--each', await file(TWO)], 2],
    ['wait', async () => ['wait', await one(), await one()], 2],
    ['wait --each', async () => ['wait', '--each', await file(`${await one()}\n`)], 1]
  ])('%s', async (_, argv, tasks) => {
    const { code, stderr } = await waited(await argv(), tasks, spoil)
    expect(code).toBe(0)
    const text = `hearsay: ${ids()[0]} is queued, NoHandler: all are busy; "hearsay why ${ids()[0]}" says more`
    expect(stderr).toBe(`${text}\n`)
  })

  test('also one that others wait for', async () => {
    const [first, second] = [await one(), await one()]
    const depends = (): void => {
      spoil()
      at.node.change(second, { state: 'waiting', reason: 'DependencyOpen', dependsOn: [first] })
    }
    const { stderr } = await waited(['wait', second], 1, depends)
    expect(stderr).toContain(`${second} waits for another task: ${first} is queued, NoHandler`)
  })

  test('not one whose nodes are busy', async () => {
    const busy = (): void => void at.node.change(ids()[0]!, { reason: 'SlotsBusy' })
    expect((await waited(['submit', 'slow', '--wait'], 1, busy)).stderr).toBe('')
  })
})

const TWO = '{"type":"slow"}\n{"type":"slow"}\n'
const one = async (): Promise<string> => (await at.node.submit('slow', null)).id

describe('--wait-timeout', () => {
  test('gives up the wait, and says which task goes on', async () => {
    for (const payload of ['1', LARGE]) {
      const said = await run(['submit', 'slow', payload, '--wait-timeout', '20ms'])
      expect(said).toMatchObject({ code: 124, stdout: '' })
      const id = ids().at(-1)!
      expect(said.stderr).toContain(`not settled within 20 ms: ${id} goes on; "hearsay wait ${id}"`)
    }
    await until(() => at.node.waitsGivenUp === 2, 'both waits to end')
  })

  test('of a file counts from when all are submitted, and prints those that have settled', async () => {
    const tasks = await file('{"type":"quick"}\n{"type":"slow"}\n{"type":"slow"}\n')
    const said = await run(['submit', '--each', tasks, '--wait-timeout', '50ms'])
    expect(said.code).toBe(124)
    expect(said.stdout).toMatch(/^\S{36} {2}completed {2}quick.*\n$/)
    expect(said.stderr).toBe('hearsay: 2 tasks have not settled within 50 ms: they go on\n')
  })

  test('that is long enough changes nothing', async () => {
    const said = await run(['submit', 'quick', '1', '--wait-timeout', '30s'])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout).toContain('completed')
  })
})
