/**
 * Files of tasks: all lines are looked at first, refs are tied in any order, and the first refusal ends the sending.
 */
import { execFile } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { Client } from '../../../src/api/client.ts'
import { submitEach } from '../../../src/cli/submit/each.ts'
import { LineFile } from '../../../src/cli/submit/lines.ts'
import { until } from '../../support/until.ts'
import { serveFakeNode } from '../../api/served.ts'
import { headOf, run, type Said } from '../run.ts'

const at = serveFakeNode()

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')
const each = async (tasks: readonly unknown[], ...argv: string[]): Promise<Said> => {
  const file = join(at.folder, 'tasks.ndjson')
  const text = tasks.map(task => (typeof task === 'string' ? task : JSON.stringify(task)))
  await writeFile(file, text.join('\n'))
  return run(['submit', ...argv, '--each', file])
}

describe('submit --each', () => {
  test('submits a task a line, with flags for what lines do not say, and prints ids in their order', async () => {
    const said = await each(
      [{ payload: 1 }, '', { type: 'b', payload: { n: 2 }, priority: 9, tags: ['x'] }],
      'a',
      '--priority',
      '3'
    )
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(at.node.submissions).toEqual([
      { type: 'a', payload: 1, options: { priority: 3 } },
      { type: 'b', payload: { n: 2 }, options: { priority: 9, tags: ['x'] } }
    ])
    const types = lines(said.stdout).map(id => at.node.task(id).type)
    expect(types).toEqual(['a', 'b'])
  })

  test('submits all of them for whoever reads only the first ids', async () => {
    const file = join(at.folder, 'tasks.ndjson')
    await writeFile(file, '{"type":"a"}\n'.repeat(50))
    const said = await headOf(['submit', '--each', file])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(at.node.submissions).toHaveLength(50)
  })

  test('says once that the node holds it back, and goes on when that is over', async () => {
    const saying = each([{ payload: 1 }, { payload: 2 }], 'held', '--id-only')
    await until(() => at.node.held === 2, 'the node to be asked')
    // Longer than it takes to be said twice.
    await until(() => at.node.statusAsked >= 2, 'the node to be asked why')
    at.node.letIn()
    const said = await saying
    expect(said.code).toBe(0)
    expect(said.stderr.match(/held back/g)).toHaveLength(1)
    expect(said.stderr).toMatch(/0 of 2 submitted; held back until other nodes have copies/)
    expect(lines(said.stdout)).toHaveLength(2)
  })

  test('an empty file is said to be one, and a folder is no file', async () => {
    const none = await each([])
    expect(none).toMatchObject({ code: 0, stdout: '' })
    expect(none.stderr).toMatch(/no task in the file/)
    const said = await run(['submit', '--each', at.folder])
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(/cannot be read: EISDIR/)
  })

  test('a file that has lost a line since it was looked at ends the sending', async () => {
    const file = join(at.folder, 'tasks.ndjson')
    await writeFile(file, '{"type":"a"}\n{"type":"b","dependsOn":["ref:gone"]}\n')
    const opened = await LineFile.open(file, 1000)
    const sent: number[] = []
    const client = {
      async *submitMany(all: AsyncIterable<{ line: number }>) {
        for await (const { line } of all) {
          sent.push(line)
          yield { line, id: `id-${line}`, acks: 1, warnings: [] }
        }
      }
    }
    const defaults = { type: undefined, options: {}, idempotencyPrefix: undefined }
    const ids: string[] = []
    const sending = async (): Promise<void> => {
      const accepted = submitEach(client as unknown as Client, opened, defaults, false)
      for await (const news of accepted) if ('id' in news) ids.push(news.id)
    }
    await expect(sending()).rejects.toThrow(/has changed since it was looked at/)
    expect({ sent, ids }).toEqual({ sent: [1], ids: ['id-1'] })
    await opened.close()
  })

  test('reads stdin, and leaves nothing of it behind', async () => {
    const before = await readdir(tmpdir())
    const said = await run(['submit', 'a', '--each', '-', '--json'], '{"payload":1}\n{"ref":"r"}\n')
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(lines(said.stdout).map(line => JSON.parse(line) as unknown)).toMatchObject([
      { v: 1, line: 1, ref: null, acks: 1, warnings: [] },
      { v: 1, line: 2, ref: 'r' }
    ])
    const left = (await readdir(tmpdir())).filter(name => /^hearsay-each-\w{6}$/.test(name))
    expect(left.filter(name => !before.includes(name))).toEqual([])
  })

  test('reads a pipe, which is a file by name only', async () => {
    const fifo = join(at.folder, 'fifo')
    await promisify(execFile)('mkfifo', [fifo])
    const writing = writeFile(fifo, '{"payload":1}\n{"payload":2}\n')
    const said = await run(['submit', 'a', '--each', fifo])
    await writing
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(at.node.submissions.map(({ payload }) => payload)).toEqual([1, 2])
  })

  test('sends no refs to a node of an older version, which would refuse them', async () => {
    const older = vi.spyOn(Client.prototype, 'takesRefs').mockResolvedValue(false)
    const said = await each([
      { type: 'a', ref: 'x' },
      { type: 'b', dependsOn: ['ref:x'] }
    ])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    const [first] = lines(said.stdout)
    expect(at.node.submissions.map(({ options }) => options)).toEqual([{}, { dependsOn: [first] }])
    older.mockRestore()
  })

  test('waits for each id where the node ties no refs', async () => {
    const older = vi.spyOn(Client.prototype, 'tiesRefs').mockResolvedValue(false)
    const asked = vi.spyOn(Client.prototype, 'submitMany')
    const said = await each([
      { type: 'b', dependsOn: ['ref:x'] },
      { type: 'a', ref: 'x' }
    ])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    const [first] = lines(said.stdout)
    expect(at.node.submissions.at(-1)!.options).toEqual({ dependsOn: [first] })
    expect(asked.mock.calls.map(([, options]) => options)).toEqual([{ refs: false }])
    older.mockRestore()
    asked.mockRestore()
  })

  test('a line that depends on a refused one is not submitted, and the refused one is named', async () => {
    const said = await each([
      { type: 'large', ref: 'x' },
      { type: 'a', dependsOn: ['ref:x'] }
    ])
    expect(said.code).toBe(6)
    expect(said.stderr).toMatch(/line 1 is refused: 8193 bytes are too many/)
    expect(at.node.submissions.map(({ type }) => type)).toEqual(['large'])
  })

  test('ties refs to ids, wherever in the file they are', async () => {
    const said = await each(
      [
        { ref: 'last', dependsOn: ['ref:first', 'ref:middle'] },
        { ref: 'middle', dependsOn: ['ref:first'] },
        { ref: 'first' },
        { dependsOn: ['ref:last'] }
      ],
      'a',
      '--json'
    )
    expect(said).toMatchObject({ code: 0, stderr: '' })
    const answers = lines(said.stdout).map(
      line => JSON.parse(line) as { line: number; ref: string; id: string }
    )
    const id = new Map(answers.map(answer => [answer.ref, answer.id]))
    expect(answers.map(({ line }) => line)).toEqual([3, 2, 1, 4])
    expect(at.node.submissions.map(({ options }) => options)).toEqual([
      { ref: 'first' },
      { ref: 'middle', dependsOn: [id.get('first')] },
      { ref: 'last', dependsOn: [id.get('first'), id.get('middle')] },
      { dependsOn: [id.get('last')] }
    ])
  })

  test('a byte order mark is no part of the first line', async () => {
    expect((await each(['\ufeff{"type":"a"}'])).code).toBe(0)
    expect(at.node.submissions).toHaveLength(1)
  })

  test('a time without an offset is in the zone of the caller, and sent as an instant', async () => {
    vi.stubEnv('TZ', 'Asia/Kolkata')
    try {
      expect((await each([{ type: 'a', runAt: '2999-01-31T12:00:00' }])).code).toBe(0)
    } finally {
      vi.unstubAllEnvs()
    }
    expect(at.node.submissions[0]?.options).toEqual({ runAt: '2999-01-31T06:30:00.000Z' })
  })

  test('a line that is no UTF-8 is refused with its number, before anything is sent', async () => {
    const file = join(at.folder, 'latin1.ndjson')
    await writeFile(file, Buffer.from('{"type":"a"}\n{"type":"caf\xe9"}\n', 'latin1'))
    const said = await run(['submit', '--each', file])
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(/line 2 is not UTF-8/)
    expect(at.node.submissions).toEqual([])
  })

  test.each([
    ['text', ['hello'], /line 1 is not JSON/],
    [
      'a number that would be another one',
      ['{"type":"a"}', '{"type":"a","payload":[9007199254740993]}'],
      /line 2 has the number 9007199254740993 at column 24, which would arrive as 90071992547/
    ],
    [
      'a time that is none',
      [{ type: 'a', runAt: 'tomorrow 9' }],
      /line 1 is refused: runAt must be/
    ],
    ['a duration without a unit', [{ type: 'a', timeout: '3' }], /line 1 is refused: timeout must/],
    ['a list', ['[]'], /line 1 is no object/],
    ['no type', [{ payload: 1 }], /line 1 has no type/],
    [
      'an option misspelt',
      [{ type: 'a', prio: 1 }],
      /line 1 is refused: there is no task option prio: did you mean priority\?/
    ],
    [
      'a priority out of range',
      [{ type: 'a' }, { type: 'a', priority: 11 }],
      /line 2 is refused: priority must be/
    ],
    ['a ref that is no text', [{ type: 'a', ref: 7 }], /line 1 has a ref that is no text/],
    [
      'a ref twice',
      [
        { type: 'a', ref: 'r' },
        { type: 'b', ref: 'r' }
      ],
      /line 2 has the ref "r" of line 1/
    ],
    [
      'a ref that nobody has',
      [{ type: 'a', dependsOn: ['ref:x'] }],
      /line 1 depends on ref:x, which no line has/
    ],
    [
      'a ref without its mark',
      [
        { type: 'a', dependsOn: ['doc4'] },
        { type: 'a', ref: 'doc4' }
      ],
      /line 1 depends on "doc4", the ref of line 2: write "ref:doc4"/
    ],
    [
      'what looks like a part of an id, and is a ref',
      [
        { type: 'a', ref: 'cafe' },
        { type: 'a', dependsOn: ['cafe'] }
      ],
      /line 2 depends on "cafe", the ref of line 1: write "ref:cafe"/
    ],
    [
      'what is neither an id nor a ref',
      [{ type: 'a', dependsOn: ['doc5'] }],
      /line 1 depends on "doc5", which is no id of a task, and no line has that ref/
    ],
    ['itself', [{ type: 'a', ref: 'x', dependsOn: ['ref:x'] }], /line 1 depends on itself: x -> x/],
    [
      'a cycle',
      [
        { type: 'a', ref: 'out', dependsOn: ['ref:x'] },
        { type: 'a', ref: 'x', dependsOn: ['ref:y'] },
        { type: 'a', ref: 'y', dependsOn: ['ref:z'] },
        { type: 'a', ref: 'z', dependsOn: ['ref:x'] }
      ],
      /line 2 depends on itself: x -> y -> z -> x/
    ],
    [
      'a line of more than a request',
      [{ type: 'a', payload: 'x'.repeat(1_048_576) }],
      /line 1 is too long/
    ]
  ])('%s: nothing is submitted', async (_, tasks, words) => {
    const said = await each([...tasks, { type: 'fine' }])
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(words)
    expect(said.stderr).toMatch(new RegExp(`nothing was submitted: 1 of ${tasks.length + 1} lines`))
    expect(at.node.submissions).toEqual([])
  })

  test('names every bad line, up to twenty', async () => {
    const said = await each(Array.from({ length: 30 }, () => '{'))
    expect(said.code).toBe(2)
    expect(lines(said.stderr)).toHaveLength(22)
    expect(said.stderr).toMatch(/and 10 more\nhearsay: nothing was submitted: 30 of 30/)
  })

  test('a refusal by the node ends the sending, and what was submitted is said', async () => {
    const tasks = Array.from({ length: 5000 }, (_, i) => ({ type: i === 3 ? 'large' : 'a' }))
    const said = await each(tasks)
    expect(said.code).toBe(6)
    expect(said.stderr).toMatch(/line 4 is refused: 8193 bytes are too many/)
    const submitted = lines(said.stdout).length
    expect(said.stderr).toContain(`${submitted} of 5000 tasks were submitted`)
    expect(submitted).toBeLessThan(5000)
  })

  test('tasks on fewer nodes than asked for stand: their ids are printed, and it ends with 7', async () => {
    const said = await each([{ type: 'alone' }, { type: 'a' }])
    expect(said.code).toBe(7)
    expect(lines(said.stdout).map(id => at.node.task(id).type)).toEqual(['alone', 'a'])
    expect(said.stderr).toMatch(/1 of 2 are on fewer nodes than asked for/)
  })

  test('with a prefix, each task has a key by its ref or its line, so that it is submitted once', async () => {
    const tasks = [{ type: 'a', ref: 'first' }, '', { type: 'b' }]
    expect((await each(tasks, '--idempotency-prefix', 'nightly-')).code).toBe(0)
    expect(at.node.submissions.map(({ options }) => options)).toEqual([
      { idempotencyKey: 'nightly-first', ref: 'first' },
      { idempotencyKey: 'nightly-3' }
    ])
    const long = await each(tasks, '--idempotency-prefix', 'x'.repeat(200))
    expect(long).toMatchObject({ code: 2, stdout: '' })
    expect(at.node.submissions).toHaveLength(2)
  })

  test('says a warning once, and --wait prints how each ended', async () => {
    const tasks = [{ type: 'strange' }, { type: 'strange' }, { type: 'quick', payload: 7 }]
    const warned = await each(tasks)
    expect(lines(warned.stderr)).toHaveLength(1)
    const said = await each([{ type: 'quick', payload: 7 }, { type: 'quick' }], '--wait')
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(lines(said.stdout)).toHaveLength(2)
    expect(said.stdout).toMatch(/completed {2}quick {2}12 ms {2}7$/m)
  })

  test.each([
    [['submit', 'a', '1', '--each', 'x'], /payloads are in the file/],
    [['submit', '--each', '/nowhere/x'], /nowhere.*ENOENT/],
    [['submit'], /needs a type, or --each FILE/],
    [['submit', 'a', '--idempotency-prefix', 'p'], /is for --each/]
  ])('%j is wrong usage', async (argv, words) => {
    const said = await run(argv)
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(words)
  })

  test('twenty thousand lines pass, each once', async () => {
    const count = 20_000
    const said = await each(
      Array.from({ length: count }, (_, i) => ({ type: 'a', payload: i })),
      '--id-only'
    )
    expect(said.code).toBe(0)
    expect(at.node.submissions).toHaveLength(count)
    expect(new Set(lines(said.stdout)).size).toBe(count)
  })
})

describe('submit --each --wait', () => {
  test('prints each end as it comes, a refusal before those that come later, and ends with what tells most', async () => {
    const said: Said = { code: null, stdout: '', stderr: '' }
    const file = join(at.folder, 'tasks.ndjson')
    const tasks = [{ type: 'slow' }, { type: 'quick' }, { type: 'rejected' }, { type: 'quick' }]
    await writeFile(file, tasks.map(task => JSON.stringify(task)).join('\n'))
    const running = run(['submit', '--each', file, '--wait'], '', said)
    await until(() => /completed {2}quick/.test(said.stdout), 'the quick one to be told')
    await until(() => said.stderr.includes('line 3 is refused'), 'the refusal to be told')
    expect(said.code).toBeNull()
    const slow = [...at.node.tasks({})].find(({ type }) => type === 'slow')!
    at.node.settle(slow.id, { state: 'failed', reason: 'HandlerError' })
    expect((await running).code).toBe(6)
    expect(said.stdout).toMatch(/failed {2}slow/)
  })

  test('ends when the node does, and says so', async () => {
    const said: Said = { code: null, stdout: '', stderr: '' }
    const file = join(at.folder, 'tasks.ndjson')
    await writeFile(file, '{"type":"quick"}\n{"type":"slow"}\n')
    const running = run(['submit', '--each', file, '--wait'], '', said)
    await until(() => said.stdout.includes('completed'), 'the first end')
    await at.api.close()
    expect((await running).code).toBe(3)
    expect(said.stderr).toMatch(/the node stops: .* the task goes on/)
  })

  test('asks a node of an older version, which tells no end, for each', async () => {
    const submitMany = vi.spyOn(Client.prototype, 'submitMany')
    vi.spyOn(Client.prototype, 'submitAndWait').mockImplementation(function (this: Client, tasks) {
      return this.submitMany(tasks)
    })
    const said = await each([{ type: 'quick' }, { type: 'quick' }], '--wait')
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout.match(/completed/g)).toHaveLength(2)
    expect(submitMany).toHaveBeenCalledOnce()
    vi.restoreAllMocks()
  })

  test('submits all of them for whoever reads only the first end', async () => {
    const file = join(at.folder, 'tasks.ndjson')
    await writeFile(file, '{"type":"quick"}\n'.repeat(2000))
    await headOf(['submit', '--each', file, '--wait'])
    expect(at.node.submissions).toHaveLength(2000)
  })

  test('with --id-only prints nothing but the ids, and ends as they do', async () => {
    const file = join(at.folder, 'tasks.ndjson')
    await writeFile(file, '{"type":"quick"}\n{"type":"quick"}\n')
    const said = await run(['submit', '--each', file, '--wait', '--id-only'])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(lines(said.stdout)).toEqual([...at.node.tasks()].map(({ id }) => id).toReversed())
  })

  test('waits for nothing any more when nobody reads how the tasks end', async () => {
    const file = join(at.folder, 'tasks.ndjson')
    await writeFile(file, '{"type":"quick"}\n{"type":"slow"}\n{"type":"slow"}\n')
    const ended = headOf(['submit', '--each', file, '--wait'])
    await until(() => at.node.submissions.length === 3, 'all submissions')
    const [, second] = [...at.node.tasks()]
    await until(() => at.node.waiting === 3, 'all waits')
    at.node.settle(second!.id, { state: 'completed' })
    await ended
    await until(() => at.node.waitsGivenUp > 0, 'the last wait to end')
  })
})
