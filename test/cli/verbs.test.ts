/**
 * Every client verb with good and bad input: what it prints where, and the code it ends with. The node behind the
 * local API has no network; everything between the command line and it is real.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { nodeTable, taskTable } from '../../src/cli/output/print.ts'
import type { NodeEvent, NodeView } from '../../src/node/api/node-api.ts'
import { serveFakeNode } from '../api/served.ts'
import { until } from '../support/until.ts'
import { run, type Said } from './run.ts'

const at = serveFakeNode()

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '')

describe('usage', () => {
  test.each([
    ['no verb', [], /Usage: hearsay/],
    [
      'an unknown verb',
      ['statuss'],
      /^hearsay: unknown command 'statuss' \(Did you mean status\?\)$/m
    ],
    [
      'an unknown option',
      ['ls', '--jsno'],
      /^hearsay: unknown option '--jsno' \(Did you mean --json\?\)$/m
    ],
    ['a missing argument', ['get'], /^hearsay: missing required argument 'id'$/m],
    ['one argument too many', ['get', 'a', 'b'], /^hearsay: too many arguments/m],
    ['no task to wait for', ['wait'], /^hearsay: wait needs an id, or --each FILE/m],
    [
      'a state that is none',
      ['ls', '--state', 'sleeping'],
      /Allowed choices are waiting, delayed, queued/
    ],
    ['a limit of nothing', ['ls', '--limit', '0'], /at least 1/],
    ['an unknown order', ['ls', '--sort', 'age'], /one of submittedAt, .*node/],
    ['a time that is none', ['ls', '--since', 'soon'], /A time is such as 2h \(ago\)/],
    ['a time without a unit', ['ls', '--until', '12'], /A time is such as/],
    ['a limit that is no number', ['ls', '--limit', 'many'], /whole number/],
    ['a duration without sense', ['wait', 'a', '--timeout', 'soon'], /such as 500ms, 30s, 5m/],
    ['a duration without a unit', ['wait', 'a', '--timeout', '3'], /such as 500ms, 30s, 5m/],
    ['a duration beyond all timers', ['wait', 'a', '--timeout', '30d'], /24 days at most/],
    ['a priority that is no number', ['submit', 'a', '--priority', 'high'], /whole number/],
    ['a priority out of range', ['submit', 'a', '--priority', '11'], /priority cannot be 11/],
    ['half a key command', ['key'], /Usage: hearsay key/],
    ['a cluster that cannot be', ['key', 'new', '--cluster', '../etc'], /--cluster cannot be/],
    ['a log level that is none', ['start', '--log-level', 'loud'], /Allowed choices are debug/],
    ['a label without a value', ['start', '--label', 'gpu'], /label cannot be "gpu"/],
    ['a name with a slash', ['start', '--computer', 'a/b'], /computer cannot be "a\/b"/],
    ['an address that is none', ['start', '--peer', '10.0.0.1'], /peers cannot be/]
  ])('%s ends with 2, words on stderr and nothing on stdout', async (_, argv, words) => {
    const said = await run(argv)
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(words)
    expect(said.stderr).not.toMatch(/\n +at /)
  })

  test('a word that is no verb is refused also where help is asked for', async () => {
    const said = await run(['bogus', '--help'])
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(/unknown command 'bogus'/)
    expect(await run(['--help'])).toMatchObject({ code: 0, stderr: '' })
    expect(await run(['help', 'ls'])).toMatchObject({ code: 0, stderr: '' })
  })

  test.each(['start', 'submit', 'wait', 'get', 'ls', 'nodes', 'status', 'events', 'key', 'demo'])(
    'the help of %s goes to stdout, ends with 0 and shows an example',
    async verb => {
      const said = await run([verb, '--help'])
      expect(said).toMatchObject({ code: 0, stderr: '' })
      expect(said.stdout).toMatch(/Examples?:\n {2}\$ /)
    }
  )

  test('without a node every client verb ends with 3 and says how to start one', async () => {
    vi.stubEnv('HEARSAY_DATA', undefined)
    for (const argv of [
      ['ls'],
      ['nodes'],
      ['status'],
      ['get', 'a'],
      ['wait', 'a'],
      ['submit', 'a']
    ]) {
      const said = await run(argv)
      expect(said).toMatchObject({ code: 3, stdout: '' })
      expect(said.stderr).toMatch(/^hearsay: no node runs .*start one with "hearsay start"/)
    }
  })
})

describe('submit', () => {
  test.each([
    ['nothing', [], '', null],
    ['JSON', ['{"a":[1,"ü"]}'], '', { a: [1, 'ü'] }],
    ['a number below zero', ['--', '-1.5'], '', -1.5],
    ['stdin', ['-'], '[true]', [true]]
  ])('takes a payload from %s', async (_, argv, stdin, payload) => {
    const said = await run(['submit', 'resize', ...argv], stdin)
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(at.node.submissions).toEqual([{ type: 'resize', payload, options: {} }])
    expect(said.stdout).toBe(`${await at.node.resolveId('')}\n`)
  })

  test('takes a payload from a file, with a byte order mark or without', async () => {
    const file = join(at.folder, 'payload.json')
    for (const mark of ['', '\ufeff']) {
      await writeFile(file, `${mark}{"from":"file"}`)
      expect((await run(['submit', 'resize', `@${file}`])).code).toBe(0)
      expect(at.node.submissions.at(-1)?.payload).toEqual({ from: 'file' })
    }
  })

  test('a file that is no UTF-8 is refused, not mended', async () => {
    const file = join(at.folder, 'payload.json')
    await writeFile(file, Buffer.from('{"name":"caf\xe9"}', 'latin1'))
    const said = await run(['submit', 'resize', `@${file}`])
    expect(said).toMatchObject({ code: 6, stdout: '' })
    expect(said.stderr).toContain('payload.json is not UTF-8')
    expect(at.node.submissions).toEqual([])
  })

  test('passes all task options on, in the words of the library', async () => {
    const argv = ['--priority', '8', '--timeout', '1.5s', '--tag', 'a', '--tag', 'b', '--acks', '2']
    expect((await run(['submit', ...argv, 'resize', '{}'])).code).toBe(0)
    expect(at.node.submissions[0]?.options).toEqual({
      priority: 8,
      timeout: 1500,
      tags: ['a', 'b'],
      acks: 2
    })
  })

  test('--depends-on takes shortened ids', async () => {
    const { id } = await at.node.submit('first', null)
    expect((await run(['submit', 'second', '--depends-on', id.slice(5, 20)])).code).toBe(0)
    expect(at.node.submissions[1]?.options).toEqual({ dependsOn: [id] })
    const unknown = await run(['submit', 'second', '--depends-on', 'ffff'])
    expect(unknown).toMatchObject({ code: 4, stdout: '' })
  })

  test.each([
    ['text without quotes', ['resize', 'hello'], 6, /not JSON.*quotes of its own/],
    ['a cut-off object', ['resize', '{"a":'], 6, /not JSON/],
    ['an empty payload', ['resize', ''], 6, /not JSON/],
    ['a file that is empty', ['resize', '@/dev/null'], 6, /null is not JSON \([^)]*\)$/m],
    [
      'a number that would be another one',
      ['resize', '{"id":12345678901234567890}'],
      6,
      /the payload has the number 12345678901234567890 at column 7, which would arrive as/
    ],
    [
      'what is nested deeper than stated',
      ['resize', `${'['.repeat(60_000)}${']'.repeat(60_000)}`],
      6,
      /the payload has more than 512 lists and objects within each other/
    ],
    ['a file that is not there', ['resize', '@/nowhere/x.json'], 2, /nowhere.*ENOENT/],
    ['a payload that the node rejects', ['rejected'], 6, /no JSON/],
    ['a payload too large for the node', ['large'], 6, /too many/],
    ['a mistake in hearsay', ['broken'], 125, /should not have happened.*a mistake in hearsay/]
  ])('%s is refused', async (_, argv, code, words) => {
    const said = await run(['submit', ...argv])
    expect(said).toMatchObject({ code, stdout: '' })
    expect(said.stderr).toMatch(words)
    expect(lines(said.stderr)).toHaveLength(1)
  })

  test('a payload without end is refused before it fills the memory', async () => {
    const said = await run(['submit', 'resize', '@/dev/zero'])
    expect(said).toMatchObject({ code: 6, stdout: '' })
    expect(said.stderr).toMatch(/is not JSON/)
  })

  test('not replicated as asked: 7, and the id on stdout, because the task stands', async () => {
    for (const flags of [[], ['--id-only'], ['--wait']]) {
      const said = await run(['submit', 'alone', ...flags])
      expect(said.code).toBe(7)
      expect(at.node.task(said.stdout.trim()).type).toBe('alone')
      expect(said.stderr).toMatch(/0 of 1/)
    }
    const said = await run(['submit', 'alone', '--json'])
    expect(JSON.parse(said.stdout)).toEqual({ v: 1, id: expect.any(String) as string })
  })

  test('a warning goes to stderr, and into the JSON', async () => {
    const said = await run(['submit', 'strange', '--json'])
    expect(said.stderr).toMatch(/no node has a handler/)
    expect(JSON.parse(said.stdout)).toMatchObject({
      v: 1,
      acks: 1,
      warnings: ['no node has a handler for "strange"']
    })
  })

  test('--wait prints how it ended instead of the id', async () => {
    const said = await run(['submit', 'quick', '[1,2]', '--wait'])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout).toMatch(/^\S{36} {2}completed {2}quick {2}12 ms {2}\[1,2\]\n$/)
    const json = await run(['submit', 'quick', '[1,2]', '--wait', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ v: 1, state: 'completed', result: [1, 2] })
    const id = await run(['submit', 'quick', '--wait', '--id-only'])
    expect(id.stdout).toMatch(/^\S{36}\n$/)
  })
})

describe('wait', () => {
  test.each([
    ['completed', 0],
    ['failed', 1],
    ['cancelled', 5]
  ] as const)('for a task that is %s ends with %i', async (state, code) => {
    const { id } = await at.node.submit('slow', null)
    at.node.settle(id, { state, error: { name: 'Oops', message: 'no' }, reason: 'HandlerError' })
    const said = await run(['wait', id.slice(0, 30)])
    expect(said).toMatchObject({ code, stderr: '' })
    expect(said.stdout).toMatch(new RegExp(`^${id} {2}${state} `))
  })

  test('prints each task when it settles, not in the order of the arguments', async () => {
    const [first, second] = [await at.node.submit('a', null), await at.node.submit('b', null)]
    const said: Said = { code: null, stdout: '', stderr: '' }
    const ended = run(['wait', first.id, second.id, '--json'], '', said)
    await until(() => at.node.waiting === 2, 'both waits to arrive')
    at.node.settle(second.id, { state: 'completed' })
    await until(() => said.stdout !== '', 'the first line')
    at.node.settle(first.id, { state: 'failed' })
    const { code, stdout } = await ended
    const ids = lines(stdout).map(line => (JSON.parse(line) as { id: string }).id)
    expect(ids).toEqual([second.id, first.id])
    expect(code).toBe(1)
  })

  test('ends with 124 if the time is over first, and with 4 for a task nobody knows', async () => {
    const { id } = await at.node.submit('slow', null)
    const late = await run(['wait', id, '--timeout', '10ms'])
    expect(late).toMatchObject({ code: 124, stdout: '' })
    expect(late.stderr).toMatch(/it goes on/)
    expect(await run(['wait', 'ffffffff'])).toMatchObject({ code: 4, stdout: '' })
  })

  test('a task that nobody knows does not keep the others from being printed', async () => {
    const { id } = await at.node.submit('quick', null)
    const said = await run(['wait', 'ffffffff', id])
    expect(said.code).toBe(4)
    expect(lines(said.stdout)).toHaveLength(1)
    expect(lines(said.stderr)).toHaveLength(1)
  })

  test('ends with 3 and one line if the node stops meanwhile', async () => {
    const ids = [(await at.node.submit('a', null)).id, (await at.node.submit('b', null)).id]
    const said = run(['wait', ...ids])
    await until(() => at.node.waiting === 2, 'both waits to arrive')
    await at.api.close()
    const { code, stderr } = await said
    expect(code).toBe(3)
    expect(lines(stderr)).toHaveLength(1)
  })
})

describe('lists and views', () => {
  test('get prints one task; --json exactly what the node says', async () => {
    const { id } = await at.node.submit('quick', { a: 1 })
    const said = await run(['get', id.slice(2, 30)])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout).toMatch(/^state +completed \(SlotsBusy\)$/m)
    expect(said.stdout).toMatch(/^payload +\{"a":1\}$/m)
    expect(JSON.parse((await run(['get', id, '--json'])).stdout)).toEqual(at.node.task(id))
    expect((await run(['get', 'ffff'])).code).toBe(4)
  })

  test('get --history says what happened to the task, and if the beginning is not known any more', async () => {
    const { id } = await at.node.submit('quick', { a: 1 })
    const early = await run(['get', id, '--history'])
    expect(early).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/not remember/) as string
    })
    at.node.emit('task:submitted', { taskId: id, type: 'quick', node: 'computer-a/1' })
    at.node.emit('task:started', { taskId: 'other', node: 'computer-a/1' })
    at.node.emit('task:started', { taskId: id, type: 'quick', node: 'computer-b/2' })
    const said = await run(['get', id, '--history'])
    expect(said.stderr).toBe('')
    expect(said.stdout.split('\n').filter(line => line.includes('task:'))).toEqual([
      expect.stringMatching(/^\S+Z  task:submitted  node=computer-a\/1$/),
      expect.stringMatching(/^\S+Z  task:started    node=computer-b\/2$/)
    ])
    const { history, ...task } = JSON.parse(
      (await run(['get', id, '--history', '--json'])).stdout
    ) as Record<string, unknown>
    expect(task).toEqual(at.node.task(id))
    expect(history).toEqual(at.node.history(id))
  })

  test.each(['get', 'wait', 'cancel', 'retry', 'why', 'logs'])(
    '%s of a variable that is empty is wrong usage, and asks nothing else',
    async verb => {
      const said = await run([verb, ''])
      expect(said).toMatchObject({ code: 2, stdout: '' })
      expect(said.stderr).toMatch(/^hearsay: a task's id cannot be ""/)
    }
  )

  test('a part that fits several tasks is a usage error', async () => {
    const { id } = await at.node.submit('a', null)
    await at.node.submit('b', null)
    expect(await run(['get', id.slice(0, 8)])).toMatchObject({ code: 2, stdout: '' })
  })

  test('ls asks for what its flags say, in times that a node understands', async () => {
    const before = Date.now()
    const { id } = await at.node.submit('a', null)
    at.node.change(id, { ref: 'one', state: 'failed' })
    const flags = '--q,a b,--ref,one,--sort,-priority,--state,failed,--until,2026-01-02'
    expect(await run(['ls', ...flags.split(','), '--since', '2h'])).toMatchObject({ code: 0 })
    const { since, until, ...others } = at.node.listed
    expect(others).toEqual({ q: 'a b', ref: 'one', sort: '-priority', state: ['failed'] })
    expect(Date.parse(since!)).toBeGreaterThanOrEqual(before - 7_200_000)
    expect(Date.parse(since!)).toBeLessThanOrEqual(Date.now() - 7_200_000)
    expect(until).toBe(new Date(2026, 0, 2).toISOString())
  })

  test('ls prints an aligned table, or an object a line, filtered', async () => {
    for (const type of ['a', 'long-type', 'a']) await at.node.submit(type, null)
    const said = await run(['ls'])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    const [header = '', ...rows] = lines(said.stdout)
    expect(rows).toHaveLength(3)
    for (const row of rows) expect(row.indexOf('computer-a/1')).toBe(header.indexOf('NODE'))
    const json = await run(['ls', '--json', '--type', 'a', '--limit', '1'])
    expect(lines(json.stdout).map(line => JSON.parse(line) as unknown)).toEqual([
      ...at.node.tasks({ type: 'a', limit: 1 })
    ])
    const other = await run(['ls', '--state', 'failed'])
    expect(other).toMatchObject({ code: 0, stdout: '', stderr: 'hearsay: no such tasks\n' })
    expect(await run(['ls', '--state', 'failed', '--json'])).toMatchObject({
      stdout: '',
      stderr: ''
    })
  })

  test('what a terminal would obey is shown, not sent', async () => {
    await at.node.submit('\u001b]0;owned\u0007', null)
    const said = await run(['ls'])
    expect(said.stdout).toContain('\\u001b]0;owned\\u0007')
    expect(said.stdout).not.toContain('\u001b')
  })

  test('nodes shows members that were never seen too', async () => {
    const said = await run(['nodes'])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout).toMatch(/^computer-a\/1 \* +alive +self +1\/2 /m)
    expect(said.stdout).toMatch(/^computer-b\/2 +never seen +- /m)
    const json = lines((await run(['nodes', '--json'])).stdout)
    expect(json.map(line => JSON.parse(line) as unknown)).toEqual(at.node.nodes())
  })

  test('a node of which only the id is known takes no more room than a name', async () => {
    const id = '12D3KooWMFUWxF6Yz63kRbsFf8D3r6UZLXWkCh7LRrzRtFRaENYL'
    const [self] = at.node.nodes()
    const stranger: NodeView = { ...self!, name: null, id, self: false, status: null }
    expect((await nodeTable([stranger]))[1]).toMatch(/^12D3\.\.\.tFRaENYL {2}not met/)
    const task = at.node.task((await at.node.submit('a', null)).id)
    expect((await taskTable([{ ...task, holder: id }], Date.now()))[1]).toContain('12D3...tFRaENYL')
  })

  test('of a node that has crashed it is not said what it runs', async () => {
    const [self] = at.node.nodes()
    const crashed: NodeView = { ...self!, self: false, connected: false, status: 'crashed' }
    expect((await nodeTable([crashed]))[1]).toMatch(/ crashed +found +- +- /)
  })

  test('status is a few lines, or one object', async () => {
    await at.node.submit('a', null)
    const said = await run(['status'])
    expect(said).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout).toMatch(/^tasks +0 waiting, 0 delayed, 1 queued/m)
    expect(said.stdout).toMatch(/^members .* expected$/m)
    expect(JSON.parse((await run(['status', '--json'])).stdout)).toEqual(at.node.getSystemStatus())
    const lonely = { ...at.node.getSystemStatus(), quorum: false }
    vi.spyOn(at.node, 'getSystemStatus').mockReturnValue(lonely)
    expect((await run(['status'])).stdout).toMatch(/^members .* expected; too few to take over/m)
  })
})

describe('events', () => {
  const follow = (argv: string[], said: Said): Promise<Said> => run(['events', ...argv], '', said)
  const nothing = (): Said => ({ code: null, stdout: '', stderr: '' })

  test('are printed as they happen, filtered, until the node stops: 3', async () => {
    const { id } = await at.node.submit('a', null)
    const [all, failures, one] = [nothing(), nothing(), nothing()]
    const ended = Promise.all([
      follow(['--json'], all),
      follow(['--event', 'task:failed', '--type', 'a'], failures),
      follow(['--event', 'task', '--task', id.slice(3)], one)
    ])
    await until(() => at.node.listening === 3, 'three readers')
    at.node.emit('node:joined', { node: 'b/2' })
    at.node.emit('task:queued', { taskId: id, type: 'a' })
    at.node.emit('task:failed', { taskId: 'other', type: 'a', reason: '\u001b[2J' })
    await until(() => lines(all.stdout).length === 3 && one.stdout !== '', 'all events')
    await at.api.close()
    expect((await ended).map(({ code }) => code)).toEqual([3, 3, 3])
    expect(lines(all.stdout).map(line => (JSON.parse(line) as NodeEvent).event)).toEqual([
      'node:joined',
      'task:queued',
      'task:failed'
    ])
    expect(failures.stdout).toMatch(/^\S+Z {2}task:failed .* reason=\\u001b\[2J\n$/)
    expect(one.stdout).toMatch(new RegExp(`^\\S+ {2}task:queued .*taskId=${id}.*\\n$`))
    expect(one.stderr).toBe('hearsay: the node has stopped: ask another one, or start it again\n')
  })

  test('go on after a cursor, and say what is missing', async () => {
    at.node.emit('node:joined', { node: 'b/2' })
    at.node.emit('node:left', { node: 'b/2' })
    const [after, foreign] = [nothing(), nothing()]
    void follow(['--since', 'boot-of-fake:1', '--json'], after)
    const ended = follow(['--since', 'another:7'], foreign)
    await until(() => after.stdout !== '' && lines(foreign.stdout).length === 2, 'what was kept')
    await at.api.close()
    await ended
    expect(JSON.parse(after.stdout)).toMatchObject({
      v: 1,
      event: 'node:left',
      cursor: 'boot-of-fake:2'
    })
    expect(foreign.stderr).toMatch(/^hearsay: the node has been started since/)
  })

  test('a cursor that is none, or a task that nobody knows, is refused at once', async () => {
    const wrong = await run(['events', '--since', 'yesterday'])
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(wrong.stderr).toMatch(/is no cursor of an event/)
    expect((await run(['events', '--task', 'ffff'])).code).toBe(4)
  })
})

test('nodes says where each can be reached, as --peer takes it', async () => {
  expect((await run(['nodes'])).stdout).toMatch(/LABELS +ADDRESSES\n.* 127\.0\.0\.1:4001$/m)
})

describe('drain', () => {
  test('has the node take nothing more, and --undo has it take tasks again', async () => {
    const drained = await run(['drain'])
    expect(drained).toEqual({
      code: 0,
      stdout: 'computer-a/1 drains: 1 running, 0 queued\n',
      stderr: ''
    })
    expect(at.node.isDraining).toBe(true)
    const undone = await run(['drain', '--undo'])
    expect(undone.stdout).toBe('computer-a/1 takes tasks again: 1 running, 0 queued\n')
    expect(at.node.isDraining).toBe(false)
  })
})

describe('label', () => {
  test('shows labels, gives some in place of those of their names, and takes others away', async () => {
    at.node.labels = { gpu: '1', zone: 'a' }
    expect((await run(['label'])).stdout).toBe('computer-a/1 gpu=1 zone=a\n')
    const said = await run(['label', 'zone=b', 'disk=ssd', '--remove', 'gpu'])
    expect(said).toEqual({ code: 0, stdout: 'computer-a/1 zone=b disk=ssd\n', stderr: '' })
    expect(at.node.labels).toEqual({ zone: 'b', disk: 'ssd' })
    expect((await run(['label', '--remove', 'zone,disk'])).stdout).toContain('has no labels')
  })

  test('what is no label is wrong usage, and changes nothing', async () => {
    at.node.labels = { gpu: '1' }
    for (const argv of [['gpu'], ['=1'], ['--remove', 'gpu=1', 'zone=b']]) {
      expect(await run(['label', ...argv])).toMatchObject({ code: 2, stdout: '' })
    }
    expect(at.node.labels).toEqual({ gpu: '1' })
  })
})

describe('state', () => {
  test('save writes what the node exports, and load hands back what is in the file', async () => {
    at.node.state = ['{"tasks":[\n', '{"record":"é"},\n{"record":2}\n', ']}\n']
    const file = join(at.folder, 'state.json')
    const saved = await run(['state', 'save', file])
    expect(saved).toMatchObject({ code: 0, stdout: `2 tasks saved to ${file}\n` })
    expect(saved.stderr).toMatch(
      /a cluster called "test" with the same key, which is not in it: keep/
    )
    const text = at.node.state.join('')
    at.node.state = []
    const { code, stdout } = await run(['state', 'load', file, '--json'])
    expect(code).toBe(0)
    expect(at.node.importedWith).toEqual({ rekey: false })
    expect((await run(['state', 'load', file, '--rekey'])).code).toBe(0)
    expect(at.node.importedWith).toEqual({ rekey: true })
    expect(JSON.parse(stdout)).toEqual({ v: 1, loaded: text.length, known: 0, skipped: 0 })
    expect(at.node.state.join('')).toBe(text)
  })

  test('a file larger than any buffer passes both ways', async () => {
    at.node.state = Array.from({ length: 200 }, (_, i) => `${String(i).repeat(30_000)}\n`)
    const file = join(at.folder, 'state.json')
    expect((await run(['state', 'save', file])).code).toBe(0)
    const text = at.node.state.join('')
    expect((await run(['state', 'load', file])).code).toBe(0)
    expect(at.node.state.join('') === text).toBe(true)
  })

  test('a foreign file is refused with 6, also if most of it is still to come', async () => {
    const file = join(at.folder, 'state.json')
    await writeFile(file, `foreign${'x'.repeat(20_000_000)}`)
    const { code, stdout, stderr } = await run(['state', 'load', file])
    expect([code, stdout, stderr]).toEqual([6, '', 'hearsay: another cluster\n'])
  })

  test('a file that cannot be read or written is wrong usage', async () => {
    const load = await run(['state', 'load', join(at.folder, 'none.json')])
    expect(load.code).toBe(2)
    expect(load.stderr).toMatch(/none.json cannot be read \(ENOENT\)/)
    const save = await run(['state', 'save', join(at.folder, 'no', 'folder.json')])
    expect(save.code).toBe(2)
    expect(save.stderr).toMatch(/folder.json cannot be written \(ENOENT\)/)
  })
})
