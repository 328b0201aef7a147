/**
 * `wait --each`: a task a line, from a file or from a program that is still at work. What is wrong with a line is said
 * with its number, and keeps no other from being waited for.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { main } from '../../../src/cli/main.ts'
import { Terminal } from '../../../src/cli/terminal.ts'
import { until } from '../../support/until.ts'
import { serveFakeNode } from '../../api/served.ts'
import { headOf, into, run, type Said } from '../run.ts'

const UNKNOWN_ID = '0007a31c-94e2-8000-8000-00017cdaf76b'

const at = serveFakeNode()

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')
const idsOf = (text: string): string[] => lines(text).map(line => line.split(' ')[0]!)
const submit = async (type: string): Promise<string> => (await at.node.submit(type, null)).id

async function each(text: string, ...argv: string[]): Promise<Said> {
  const file = join(at.folder, 'ids')
  await writeFile(file, text)
  return run(['wait', '--each', file, ...argv])
}

describe('wait --each', () => {
  test('takes ids, parts of them, and objects as submit --each --json prints them', async () => {
    const ids = [await submit('quick'), await submit('quick'), await submit('quick')] as const
    const json = JSON.stringify({ v: 1, id: ids[2], acks: 1, warnings: [], line: 3, ref: null })
    const said = await each(`${ids[0]}\r\n\n  ${ids[1].slice(9)}\n${json}`)
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(idsOf(said.stdout).toSorted()).toEqual([...ids])
    expect(said.stdout).toMatch(/ {2}completed {2}quick {2}12 ms {2}null$/m)
  })

  test('with --json prints a task a line', async () => {
    const id = await submit('quick')
    const said = await each(`${id}\n`, '--json')
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(lines(said.stdout).map(line => JSON.parse(line) as unknown)).toEqual([at.node.task(id)])
  })

  test('what submit --each prints is what it reads', async () => {
    const submitted = await run(['submit', 'quick', '--each', '-', '--json'], '{"payload":1}\n{}\n')
    const said = await run(['wait', '--each', '-'], submitted.stdout)
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(lines(said.stdout)).toHaveLength(2)
  })

  test('prints what settles while more ids are still to come', async () => {
    const [first, second] = [await submit('a'), await submit('b')]
    const said: Said = { code: null, stdout: '', stderr: '' }
    const stdin = new Readable({ read() {} })
    const stdout = into(text => (said.stdout += text))
    const stderr = into(text => (said.stderr += text))
    const ended = main(['wait', '--each', '-'], new Terminal({ stdin, stdout, stderr }))
    stdin.push(`${second}\n`)
    await until(() => at.node.waiting === 1, 'the first id to be waited for')
    at.node.settle(second, { state: 'failed' })
    await until(() => said.stdout !== '', 'the first line')
    stdin.push(first)
    stdin.push(null)
    await until(() => at.node.waiting === 2, 'the last id to be waited for')
    at.node.settle(first, { state: 'completed' })
    expect(await ended).toBe(1)
    expect(idsOf(said.stdout)).toEqual([second, first])
  })

  test.each([
    ['failed', 1],
    ['cancelled', 5]
  ] as const)('ends with the code that tells most: one of them is %s', async (state, code) => {
    const [good, bad] = [await submit('quick'), await submit('slow')]
    at.node.settle(bad, { state })
    expect((await each(`${bad}\n${good}\n`)).code).toBe(code)
  })

  test('names the line of each id that nobody knows, and waits for the others', async () => {
    const id = await submit('quick')
    const said = await each(`${UNKNOWN_ID}\n${id}\nffff\n`)
    expect(said.code).toBe(4)
    expect(idsOf(said.stdout)).toEqual([id])
    expect(lines(said.stderr).toSorted()).toEqual([
      expect.stringMatching(/^hearsay: line 1: no task/),
      expect.stringMatching(/^hearsay: line 3: no task/)
    ])
  })

  test.each([
    ['text', 'hello world', /line 2 has no id of a task: hello world$/m],
    ['a task', '{"type":"a","payload":1}', /line 2 has no id of a task: \{"type":"a"/],
    ['broken JSON', '{"id":', /line 2 has no id of a task: \{"id":$/m],
    ['an id that is no text', '{"id":7}', /line 2 has no id of a task: \{"id":7\}$/m],
    ['a text without end', 'f'.repeat(200), /line 2 has no id of a task: f{80}\.\.\.$/m],
    ['a line without end', 'f'.repeat(2_000_000), /line 2 is too long/]
  ])('%s is no id: its line is named, and the others are waited for', async (_, text, words) => {
    const [first, last] = [await submit('quick'), await submit('quick')]
    const said = await each(`${first}\n${text}\n${last}\n`)
    expect(said.code).toBe(2)
    expect(idsOf(said.stdout).toSorted()).toEqual([first, last])
    expect(said.stderr).toMatch(words)
    expect(lines(said.stderr)).toHaveLength(1)
  })

  test('names the first twenty lines without an id, and how many more there are', async () => {
    const id = await submit('quick')
    const said = await each(`${'?\n'.repeat(30)}${id}\n`)
    expect(said.code).toBe(2)
    expect(idsOf(said.stdout)).toEqual([id])
    expect(lines(said.stderr)).toHaveLength(21)
    expect(said.stderr).toMatch(/line 20 has no id[^]*and 10 more lines have no id\n$/)
  })

  test.each(['', '\n\n'])('a file without a line, %j, is wrong usage', async text => {
    const said = await each(text)
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(/no line of .*ids has an id/)
  })

  test.each([
    [['wait', '--each', '/nowhere/x'], /nowhere\/x cannot be read: ENOENT/],
    [['wait', '--each', '/'], /cannot be read: EISDIR/],
    [['wait', UNKNOWN_ID, '--each', 'x'], /with --each, ids are in the file/]
  ])('%j is wrong usage', async (argv, words) => {
    const said = await run(argv)
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(words)
  })

  test('--timeout: what has settled is printed, the rest named, and it ends with 124', async () => {
    const [slow, quick] = [await submit('slow'), await submit('quick')]
    const said = await each(`${slow}\n${quick}\n`, '--timeout', '50ms')
    expect(said.code).toBe(124)
    expect(idsOf(said.stdout)).toEqual([quick])
    expect(said.stderr).toBe(`hearsay: line 1: ${slow} has not settled within 50 ms: it goes on\n`)
  })

  test('--timeout also ends the reading, and says that there may be more', async () => {
    const stdin = new Readable({ read() {} })
    let stderr = ''
    const words = into(text => (stderr += text))
    const terminal = new Terminal({ stdin, stdout: into(() => {}), stderr: words })
    expect(await main(['wait', '--each', '-', '--timeout', '50ms'], terminal)).toBe(124)
    expect(stderr).toMatch(/stdin has not ended within 50 ms: its other ids are not read/)
    expect(stdin.destroyed).toBe(true)
  })

  test('ends with 3 and one line if the node stops meanwhile', async () => {
    const ids = [await submit('a'), await submit('b')]
    const said = each(ids.join('\n'))
    await until(() => at.node.waiting === 2, 'both waits to arrive')
    await at.api.close()
    const { code, stderr } = await said
    expect(code).toBe(3)
    expect(lines(stderr)).toHaveLength(1)
  })

  test('a reader that has seen enough ends it, and all waits at the node', async () => {
    const ids = [await submit('quick'), await submit('slow'), await submit('slow')]
    const file = join(at.folder, 'ids')
    await writeFile(file, ids.join('\n'))
    const ended = headOf(['wait', '--each', file])
    await until(() => at.node.waiting === 2, 'all waits to arrive')
    at.node.settle(ids[1]!, { state: 'completed' })
    expect((await ended).code).toBe(0)
    await until(() => at.node.waitsGivenUp >= 1, 'the last wait to end')
  })

  test('twenty thousand lines are told, each once', async () => {
    const ids: string[] = []
    for (let i = 0; i < 20_000; i++) ids.push(await submit('quick'))
    const said = await each(ids.join('\n'))
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(idsOf(said.stdout)).toHaveLength(ids.length)
    expect(new Set(idsOf(said.stdout))).toEqual(new Set(ids))
  })
})
