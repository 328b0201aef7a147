/**
 * What a person at a terminal gets that a program does not: colours, and a log to read.
 */
import type { Writable } from 'node:stream'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { durationText, parseDurationMs } from '../../src/cli/output/duration.ts'
import { mostTelling } from '../../src/cli/exit-code.ts'
import { createLog, logEvent } from '../../src/cli/output/log.ts'
import { linesOf, pass } from '../../src/cli/output/output.ts'
import { table } from '../../src/cli/output/print.ts'
import { printable } from '../../src/shared/printable.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import type { LogEntry } from '../../src/node/api/node-api.ts'
import { into } from './run.ts'

afterEach(() => vi.unstubAllEnvs())

const asTerminal = (stream: Writable): Writable => Object.assign(stream, { isTTY: true })
const event = { v: 1, at: '2026-01-02T03:04:05.000Z', event: 'node:joined', cursor: 'b:1' } as const

describe('colours', () => {
  const colouredBy = (stdout: Writable): string =>
    new Terminal({ stdin: Readable.from([]), stdout, stderr: into(() => {}) }).coloured('red', 'x')

  test('only in a terminal, and not under NO_COLOR', () => {
    vi.stubEnv('NO_COLOR', undefined)
    vi.stubEnv('FORCE_COLOR', undefined)
    expect(colouredBy(asTerminal(into(() => {})))).toBe('\u001b[31mx\u001b[39m')
    expect(colouredBy(into(() => {}))).toBe('x')
    vi.stubEnv('NO_COLOR', '1')
    expect(colouredBy(asTerminal(into(() => {})))).toBe('x')
  })
})

test.each([
  ['a terminal shows what it would obey', true, 'a\\u001b[2J\tb\n\\u009b1m\\rc\r\n'],
  ['a pipe gets every byte', false, 'a\u001b[2J\tb\n\u009b1m\u000dc\r\n']
])('output of tasks: %s', async (_, isTerminal, shown) => {
  let said = ''
  const stdout = into(text => (said += text))
  const terminal = new Terminal({
    stdin: Readable.from([]),
    stdout: isTerminal ? asTerminal(stdout) : stdout,
    stderr: into(() => {})
  })
  const entry = { v: 1, at: event.at, attempt: 1, node: 'a/1', stream: 'stdout' } as const
  const text = 'a\u001b[2J\tb\n\u009b1m\u000dc\r\n'
  await pass({ ...entry, text }, terminal)
  expect(said).toBe(shown)
  said = ''
  await pass({ ...entry, text }, terminal, 'exact')
  expect(said).toBe(text)
  said = ''
  await terminal.json({ a: '\u009b\u2028' })
  expect(said).toBe(isTerminal ? '{"a":"\\u009b\\u2028"}\n' : '{"a":"\u009b\u2028"}\n')
  expect(JSON.parse(said)).toEqual({ a: '\u009b\u2028' })
})

test('a line that is too long for one is marked where it is cut', async () => {
  const about = { v: 1, at: event.at, attempt: 1, node: 'a/1', stream: 'stdout' } as const
  // oxlint-disable-next-line typescript/require-await -- entries come from elsewhere
  async function* entries(): AsyncGenerator<LogEntry> {
    for (const text of ['x'.repeat(40_000), 'x'.repeat(40_000), 'end\nnext\n'])
      yield { ...about, text }
  }
  const lines: (number | undefined | true)[][] = []
  for await (const { line, cut } of linesOf(entries())) lines.push([line.length, cut])
  expect(lines).toEqual([
    [80_000, true],
    [3, undefined],
    [4, undefined]
  ])
})

test('words are one line, and those that quote others cannot make the terminal obey', () => {
  let said = ''
  const stderr = into(text => (said += text))
  new Terminal({ stdin: Readable.from([]), stdout: into(() => {}), stderr }).words(
    'a\u001b[2J \n  b'
  )
  expect(said).toBe('hearsay: a\\u001b[2J b\n')
})

describe('the log', () => {
  const logged = async (level: 'debug' | 'info' | 'silent', terminal: boolean): Promise<string> => {
    let text = ''
    const stderr = into(piece => (text += piece))
    const log = createLog(level, terminal ? asTerminal(stderr) : stderr)
    logEvent(log, { ...event, nodeName: 'b/2\u001b[2J' })
    logEvent(log, { ...event, event: 'task:started', taskId: 'one' })
    // Streams hand on what waits in them within this turn of the event loop.
    await new Promise(resolve => setImmediate(resolve))
    return text
  }

  test('is one line to read in a terminal, which it cannot be made to obey', async () => {
    const text = await logged('info', true)
    expect(text).toMatch(/^\d\d:\d\d:\d\d info {2}node:joined nodeName=b\/2\\u001b\[2J\n$/)
  })

  test('explains an event whose name does not tell what it means', async () => {
    let text = ''
    const log = createLog(
      'info',
      into(piece => (text += piece))
    )
    logEvent(log, { ...event, event: 'node:refuted' })
    await new Promise(resolve => setImmediate(resolve))
    expect(JSON.parse(text)).toMatchObject({
      msg: 'node:refuted',
      meaning: expect.stringMatching(/^heard again/) as string
    })
  })

  test('is JSON elsewhere', async () => {
    expect(JSON.parse(await logged('info', false))).toMatchObject({
      level: 'info',
      msg: 'node:joined'
    })
  })

  test('tells of tasks only to whoever debugs, and of nothing if it is silent', async () => {
    expect(await logged('debug', true)).toMatch(/debug task:started taskId=one\n$/)
    expect(await logged('silent', true)).toBe('')
  })
})

describe('durations', () => {
  test.each([
    ['0', 0],
    ['250ms', 250],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000]
  ])('%s is %i ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms)
  })

  test.each(['', 's', '250', '-1s', '1 s', '1w', '1e3', '0x10', '1.s'])('"%s" is none', text => {
    expect(() => parseDurationMs(text)).toThrow(/A duration is/)
  })

  test.each(['25d', `${'9'.repeat(400)}s`])('%s is more than a timer can wait for', text => {
    expect(() => parseDurationMs(text)).toThrow(/24 days at most/)
  })

  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1000, '1.0 s'],
    [59_999, '59 s'],
    [90_000, '1.5 m'],
    [172_800_000, '2.0 d']
  ])('%i ms is shown as %s', (ms, text) => {
    expect(durationText(ms)).toBe(text)
  })
})

test('of several exit codes the most telling one counts', () => {
  expect(mostTelling([0, 0])).toBe(0)
  expect(mostTelling([0, 5, 1])).toBe(1)
  expect(mostTelling([1, 124, 5])).toBe(124)
  expect(mostTelling([124, 4])).toBe(4)
})

test('columns are as wide as what is shown in them', async () => {
  expect(
    await table(
      ['A', 'B'],
      [
        ['\n', 'x'],
        ['yy', '']
      ]
    )
  ).toEqual(['A   B', '\\n  x', 'yy'])
  expect(printable('grüße 世界')).toBe('grüße 世界')
})
