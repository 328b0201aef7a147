/**
 * `hearsay top`: the picture is as large as the terminal whatever is in it, keys do what they say, and a real terminal
 * is given back as it was.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import stringWidth from 'string-width'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startApi, type Api } from '../../../src/api/server.ts'
import { fit } from '../../../src/cli/top/cells.ts'
import { firstView, frame, shares, shownNodes, type View } from '../../../src/cli/top/frame.ts'
import { Keyboard } from '../../../src/cli/top/keyboard.ts'
import { Keys, type Deed } from '../../../src/cli/top/keys.ts'
import { Model } from '../../../src/cli/top/model.ts'
import { changes } from '../../../src/cli/top/screen.ts'
import type { NodeEvent, NodeView } from '../../../src/node/api/node-api.ts'
import { FakeNode } from '../../api/fake-node.ts'
import { until } from '../../support/until.ts'
import { run } from '../run.ts'

const AT = Date.UTC(2026, 0, 2, 3, 4, 5)

function event(name: string, fields: Record<string, string> = {}): NodeEvent {
  return { v: 1, at: new Date(AT).toISOString(), event: name, cursor: 'b:1', ...fields }
}

/** A cluster of three computers with two nodes each, tasks, and failures with long messages. */
async function busyModel(): Promise<Model> {
  const node = new FakeNode()
  for (let i = 0; i < 40; i++) await node.submit(`type-${i % 7}-重い仕事-\u001b[2J`, i)
  const model = new Model()
  const [self] = node.nodes()
  const nodes = ['c/6', 'a/1', 'b/3', 'a/2', 'c/5', 'b/4'].map((name, i): NodeView => {
    const [computer = '', instance = ''] = name.split('/')
    return {
      ...self!,
      name,
      computer,
      instance,
      self: name === 'a/1',
      queued: i,
      loopLagMs: 40 + i
    }
  })
  const { tasks } = node.getSystemStatus()
  const types = Object.fromEntries(['x'.repeat(300), 'ß', '任務'].map(type => [type, tasks]))
  Object.assign(model, {
    nodes,
    status: { ...node.getSystemStatus(), types },
    tasks: [...node.tasks()]
  })
  for (let i = 0; i < 200; i++) {
    const message = `${i} ${'went wrong '.repeat(30)}\n\u001b]0;owned\u0007`
    const fields = { taskId: `id-${i}`, type: 't', node: 'a/1', reason: 'HandlerError', message }
    model.heard(event('task:failed', fields), AT)
  }
  return model
}

describe('the picture', () => {
  test.each([
    [80, 24],
    [200, 50],
    [40, 10],
    [20, 3],
    [80, 1]
  ])('of %i columns and %i rows is exactly as large', async (columns, rows) => {
    const model = await busyModel()
    for (const help of [false, true]) {
      const lines = frame(model, { ...firstView(), help }, { columns, rows }, AT)
      expect(lines).toHaveLength(rows)
      for (const { text } of lines) {
        expect(stringWidth(text)).toBe(columns)
        // oxlint-disable-next-line no-control-regex -- none may reach the terminal
        expect(text).not.toMatch(/[\u0000-\u001f]/)
      }
    }
  })

  test('at 80 by 24 there is something of everything', async () => {
    const lines = frame(await busyModel(), firstView(), { columns: 80, rows: 24 }, AT)
    const text = lines.map(line => line.text.trimEnd()).join('\n')
    for (const words of [
      /^hearsay test/,
      /COMPUTER .*RATE/,
      /^TYPE .*FAILED$/m,
      /^TASK .*TYPE REF TAGS KEY/m
    ]) {
      expect(text).toMatch(words)
    }
    expect(text).toMatch(/^FAILED .*MESSAGE$/m)
    expect(text).toMatch(/^a +1\* +alive .* 41 ms$/m)
    expect(text).toMatch(/^03:04:05 id-199 .*HandlerError 199 went wrong/m)
    expect(lines.filter(({ text: line }) => line.trim() === '').length).toBeLessThan(4)
  })

  test('begins with tasks and failures, and shows what a task is called and the chosen node, however small it is', async () => {
    const model = await busyModel()
    const [first] = model.tasks
    Object.assign(first!, { type: 'sum', ref: 'doc4', tags: ['a'], idempotencyKey: 'k' })
    const view = { ...firstView(), selected: 5 }
    const lines = frame(model, view, { columns: 80, rows: 24 }, AT)
    const text = lines.map(line => line.text.trimEnd()).join('\n')
    expect(text).toMatch(/^TASK [^]*^FAILED [^]*^COMPUTER [^]*^TYPE /m)
    expect(text).toMatch(/ queued +sum doc4 a k +comp/)
    expect(lines.find(({ look }) => look === 'selected')?.text).toMatch(/^ +6 +alive/)
  })

  test.each([
    [[1, 1, 1, 1], 20, [0, 0, 0, 0]],
    [[3, 1, 2, 1], 20, [3, 0, 2, 0]],
    [[100, 100, 100, 100], 20, [5, 5, 5, 5]],
    [[100, 2, 100, 100], 20, [6, 2, 6, 6]],
    [[100, 100, 100, 100], 9, [5, 4, 0, 0]],
    [[100, 100, 100, 100], 0, [0, 0, 0, 0]],
    [[5, 100, 4, 3], 50, [5, 38, 4, 3]]
  ])('panels of %j lines share %i lines as %j', (lengths, room, counts) => {
    const panels = lengths.map(length => Array.from({ length }, () => 0))
    expect(shares(panels, room)).toEqual(counts)
  })

  test('nodes of a computer stand together, in the order that was asked for', async () => {
    const model = await busyModel()
    const names = (order: View['order']): (string | null)[] =>
      shownNodes(model, { ...firstView(), order }, AT).map(({ name }) => name)
    expect(names('name')).toEqual(['a/1', 'a/2', 'b/3', 'b/4', 'c/5', 'c/6'])
    expect(names('queued')).toEqual(['b/4', 'b/3', 'a/2', 'a/1', 'c/5', 'c/6'])
  })
})

test.each([
  ['重い仕事', '重い ', ' 重い'],
  ['e\u0301a', 'e\u0301a   ', '   e\u0301a'],
  ['👩‍👩‍👧x', '👩‍👩‍👧x  ', '  👩‍👩‍👧x'],
  ['яяяяяя', 'яяяяя', 'яяяяя'],
  ['a\u001bb', 'a\\u00', 'a\\u00']
])('%j in five cells is as wide, and no character is cut in two', (text, left, right) => {
  expect(fit(text, 5)).toBe(left)
  expect(fit(text, 5, 'right')).toBe(right)
})

test('a character with marks without end shows no more of them than a line has room for', () => {
  expect(fit(`a${'\u0301'.repeat(100_000)}`, 5).length).toBeLessThan(100)
})

test('what had failed before is there from the start, and nothing twice', async () => {
  const node = new FakeNode()
  const ids = []
  for (let i = 0; i < 3; i++) ids.push((await node.submit('a', i)).id)
  for (const id of ids) {
    const error = { name: 'Error', message: `of ${id}` }
    node.settle(id, { state: 'failed', reason: 'HandlerError', error })
  }
  const model = new Model()
  model.heard(event('task:failed', { taskId: ids[2]!, reason: 'Timeout' }), AT)
  model.recall([...node.tasks({ state: 'failed' })])
  expect(model.failures.map(({ taskId }) => taskId).toSorted()).toEqual(ids.toSorted())
  expect(model.failures[0]).toMatchObject({ taskId: ids[2], reason: 'Timeout' })
  expect(model.failures[1]!.message).toMatch(/^of /)
})

test('a rate is what settled lately, and falls to nothing', () => {
  const model = new Model()
  for (let i = 0; i < 20; i++) model.heard(event('task:completed', { node: 'a/1' }), AT + i * 100)
  expect(model.rate(AT + 2000)).toBe(2)
  expect(model.rate(AT + 2000, 'a/1')).toBe(2)
  expect(model.rate(AT + 2000, 'b/2')).toBe(0)
  expect(model.rate(AT + 30_000)).toBe(0)
})

describe('keys', () => {
  const pressed = (model: Model, view: View, ...keys: string[]): (Deed | null)[] => {
    const all = new Keys(model, view)
    return keys.map(key => all.press(key, AT))
  }

  test('choose a node and drain it, but only after a yes', async () => {
    const [model, view] = [await busyModel(), firstView()]
    expect(pressed(model, view, 'down', 'd', 'n')).toEqual([null, null, null])
    expect(view.prompt).toBe('')
    expect(pressed(model, view, 'up', 'up', 'd', 'y').at(-1)).toEqual({
      kind: 'drain',
      node: 'a/1'
    })
  })

  test('choose a task and cancel it, but only after a yes', async () => {
    const [model, view] = [await busyModel(), firstView()]
    expect(pressed(model, view, 'c', 'y')).toEqual([null, null])
    expect(pressed(model, view, 'tab', 'down', 'c').at(-1)).toBe(null)
    expect(view.prompt).toMatch(/^cancel .*y or n\?$/)
    expect(pressed(model, view, 'c', 'y').at(-1)).toEqual({
      kind: 'cancel',
      task: model.tasks[1]?.id
    })
  })

  test('filter while it is typed, with letters that are commands elsewhere', async () => {
    const [model, view] = [await busyModel(), firstView()]
    expect(pressed(model, view, '/', 'q', 'backspace', 'b', '/', 'enter')).toEqual([
      null,
      null,
      null,
      null,
      null,
      null
    ])
    expect(view.filter).toBe('b/')
    expect(shownNodes(model, view, AT)).toHaveLength(2)
    expect(pressed(model, view, '/', 'escape', 'q').at(-1)).toEqual({ kind: 'quit' })
    expect(view.filter).toBe('')
  })

  test('do nothing any more after that which ends it, though they came with it', async () => {
    const [model, view] = [await busyModel(), firstView()]
    const rest = ['d', 'y', 'interrupt']
    expect(pressed(model, view, 'q', ...rest)).toEqual([{ kind: 'quit' }, null, null, null])
    expect(pressed(model, view, 'interrupt', ...rest)).toEqual([{ kind: 'quit' }, null, null, null])
  })

  test('order nodes, show help, and never leave the list', async () => {
    const [model, view] = [await busyModel(), firstView()]
    pressed(model, view, 's', '?', ...Array.from({ length: 20 }, () => 'down'))
    expect(view).toMatchObject({ order: 'queued', help: true, selected: 5 })
    expect(pressed(new Model(), firstView(), 'down', 'd', 'y', 'tab', 'c', 'y')).toEqual(
      Array.from({ length: 6 }, () => null)
    )
  })
})

describe('over a slow line', () => {
  const terminal = (): { input: PassThrough; keys: string[][]; keyboard: Keyboard } => {
    const [input, keys]: [PassThrough, string[][]] = [new PassThrough(), []]
    return { input, keys, keyboard: new Keyboard(input, all => keys.push([...all])) }
  }
  const typed = async (...pieces: (string | Buffer)[]): Promise<string[]> => {
    const { input, keys, keyboard } = terminal()
    for (const piece of pieces) input.write(piece)
    await finished(input.end())
    keyboard.stop()
    return keys.flat()
  }

  test('a key is the same one in however many pieces it comes', async () => {
    const whole = '\u001b[A\u001bOBq\u001b[200~/\t\r\u001b[B'
    const keys = ['up', 'down', 'q', '/', 'tab', 'enter', 'down']
    expect(await typed(whole)).toEqual(keys)
    expect(await typed(...whole.split(''))).toEqual(keys)
    expect(await typed('\u001b', '[', 'B')).toEqual(['down'])
    const letters = [...Buffer.from('é重😀')].map(byte => Buffer.from([byte]))
    expect(await typed(...letters)).toEqual(['é', '重', '😀'])
  })

  test('each key has its name, and what has none and no character is left out', async () => {
    expect(await typed('\n\b\u007f\f\u0003\u0001\u001b[5~ Q')).toEqual(
      'enter backspace backspace redraw interrupt'.split(' ').concat(' ', 'Q')
    )
  })

  test('keys that come together are told together', async () => {
    const { input, keys } = terminal()
    input.write('dy')
    await until(() => keys.length > 0, 'the keys')
    expect(keys).toEqual([['d', 'y']])
  })

  test('an escape with a character right behind it is two keys', async () => {
    expect(await typed('/x\u001bq')).toEqual(['/', 'x', 'escape', 'q'])
  })

  test('after the end nothing is told', async () => {
    const { input, keys, keyboard } = terminal()
    keyboard.stop()
    input.resume().end('q')
    await finished(input)
    expect(keys).toEqual([])
  })

  test('an escape after which nothing comes is the key itself', async () => {
    const { input, keys } = terminal()
    input.write('\u001b')
    await until(() => keys.length > 0, 'the escape key')
    input.write('[')
    await until(() => keys.length > 1, 'the bracket')
    expect(keys).toEqual([['escape'], ['[']])
  })

  test('only lines that have changed are sent, and a picture of another size as a whole', () => {
    expect(changes(['a', 'b', 'c'], ['a', 'B', 'c'])).toBe('\u001b[2H\u001b[KB')
    expect(changes(['a', 'b'], ['a', 'b'])).toBe('')
    const whole = '\u001b[2J\u001b[1H\u001b[Ka\u001b[2H\u001b[Kb'
    expect(changes([], ['a', 'b'])).toBe(whole)
    expect(changes(['a'], ['a', 'b'])).toBe(whole)
  })
})

describe('without a terminal', () => {
  let folder: string
  let api: Api

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hearsay-top-'))
    api = await startApi(new FakeNode(), folder)
    vi.stubEnv('HEARSAY_DATA', folder)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await api.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('it is refused, and says what to use instead', async () => {
    const said = await run(['top'])
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).toMatch(/needs a terminal: use --json/)
    expect((await run(['top', '--interval', '1ms', '--json'])).code).toBe(2)
  })
})

const hasTmux = spawnSync('tmux', ['-V']).status === 0

describe.skipIf(!hasTmux)('in a real terminal (tmux)', () => {
  let folder: string
  let api: Api
  const socket = `hearsay-test-${process.pid}`
  const tmux = async (...argv: string[]): Promise<string> =>
    (await promisify(execFile)('tmux', ['-L', socket, '-f', '/dev/null', ...argv])).stdout
  const shown = (): Promise<string> => tmux('capture-pane', '-p', '-t', 'top')
  const alternate = async (): Promise<string> =>
    (await tmux('display-message', '-p', '-t', 'top', '#{alternate_on}')).trim()
  const untilShown = async (words: RegExp): Promise<string> => {
    let text = ''
    await until(async () => words.test((text = await shown())), `${words} on the screen`)
    return text
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hearsay-top-'))
    const node = new FakeNode()
    for (let i = 0; i < 100; i++) await node.submit(`type-${i % 20}`, null)
    api = await startApi(node, folder)
    // Without any session the server would end between two tests.
    await tmux('new-session', '-d', '-s', 'keep', 'sleep 600')
  })
  afterAll(async () => {
    await tmux('kill-server').catch(() => {})
    await api.close()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach(() => tmux('kill-session', '-t', 'top').catch(() => {}))

  async function begin(child: string, ...argv: string[]): Promise<void> {
    const file = new URL(`../children/${child}`, import.meta.url).pathname
    // Its id is that of the shell that becomes it.
    const command = `sh -c 'echo $$ > ${folder}/pid; exec ${[process.execPath, file, ...argv].join(' ')}'`
    const around = `echo before; ${command}; code=$?; stty -a; echo ended $code; sleep 60`
    await tmux('new-session', '-d', '-s', 'top', '-x', '80', '-y', '24', around)
  }

  test('it fills 80 by 24, follows a change of size, and leaves the screen as it was', async () => {
    await begin('cli.ts', 'top', '--data', folder)
    const small = await untilShown(/^hearsay test[^]*q quit/m)
    expect(await alternate()).toBe('1')
    const rows = small.split('\n')
    expect(rows[0]).toMatch(/^hearsay test, as computer-a\/1/)
    expect(rows[3]).toMatch(/^TASK .* AGE$/)
    expect(small).toMatch(/^COMPUTER .* LAG$/m)
    expect(rows[23]).toMatch(/q quit/)
    await tmux('resize-window', '-t', 'top', '-x', '200', '-y', '50')
    await until(async () => /q quit/.test((await shown()).split('\n')[49] ?? ''), 'the new size')
    const large = (await shown()).split('\n')
    expect(large[0]).toMatch(/^hearsay test/)
    expect(large[3]).toMatch(/^TASK .* AGE$/)
    expect(large.join('\n')).toMatch(/^COMPUTER +INST +STATUS {1,25}RUN/m)
    await tmux('resize-window', '-t', 'top', '-x', '80', '-y', '24')
    await until(async () => /q quit/.test((await shown()).split('\n')[23] ?? ''), 'the old size')
    await tmux('send-keys', '-t', 'top', '?')
    await untilShown(/drain the chosen node/)
    await tmux('send-keys', '-t', 'top', 'q')
    const after = await untilShown(/^ended 0$/m)
    expect(await alternate()).toBe('0')
    expect(after).toMatch(/^before$/m)
    expect(after).toMatch(/(?<!-)icanon/)
    expect(after).not.toMatch(/COMPUTER/)
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129]
  ] as const)('%s ends it in good order with %i', async (signal, code) => {
    await begin('cli.ts', 'top', '--data', folder)
    await untilShown(/^computer-a /m)
    process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')), signal)
    await untilShown(new RegExp(`^ended ${code}$`, 'm'))
    expect(await alternate()).toBe('0')
  })

  test('a crash gives the terminal back, and what it died of is to be read', async () => {
    await begin('screen-crash.ts')
    const after = await untilShown(/^ended [17]$/m)
    expect(after).toMatch(/Error: on purpose/)
    expect(after).toMatch(/(?<!-)icanon/)
    expect(await alternate()).toBe('0')
  })
})
