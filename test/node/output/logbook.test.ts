/**
 * The notebook of a node: what it keeps of what runs say, what it drops, and what its readers are told.
 */
import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Run } from '../../../src/core/effect.ts'
import { TASK_LIMITS } from '../../../src/core/options.ts'
import type { OutputAnswer, OutputStream, Piece } from '../../../src/core/message.ts'
import { AttemptLog } from '../../../src/node/output/attempt-log.ts'
import { Logbook } from '../../../src/node/output/logbook.ts'
import { piecesOf, tailOf } from '../../../src/node/output/tail.ts'

const utf8 = (text: string): Uint8Array => Buffer.from(text)
const all = (pieces: readonly Piece[]): Buffer => Buffer.concat(pieces.map(({ bytes }) => bytes))

function logOf(...said: readonly Uint8Array[]): AttemptLog {
  const log = new AttemptLog({ taskId: 'a', epoch: 0, attempt: 1 })
  for (const [at, bytes] of said.entries()) log.say('stdout', bytes, at)
  return log
}

function piecesFrom(log: AttemptLog, start: number): Piece[] {
  const pieces: Piece[] = []
  for (let position = start; ;) {
    const piece = log.after(position)
    if (piece === undefined) return pieces
    pieces.push(piece)
    position = piece.position + piece.bytes.length
  }
}

const runOf = (taskId: string, epoch = 0): Run => ({
  taskId,
  epoch,
  attempt: 1,
  type: 'any',
  payload: 'null',
  timeoutMs: null,
  traceparent: null,
  dependencies: new Map(),
  pool: 'default',
  slot: 0
})

const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 3000 }).map(utf8), {
  maxLength: 40
})
const binaries = fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 10 })

test('whatever is said in whatever pieces is read back, from the start and from the end of any piece', () => {
  fc.assert(
    fc.property(fc.oneof(texts, binaries), said => {
      const whole = Buffer.concat(said)
      const pieces = piecesFrom(logOf(...said), 0)
      expect(all(pieces).equals(whole)).toBe(true)
      for (const { position } of pieces) {
        expect(all(piecesFrom(logOf(...said), position)).equals(whole.subarray(position))).toBe(
          true
        )
      }
    }),
    { numRuns: 50 }
  )
})

test('text is cut between characters, however long it is', () => {
  const text = utf8(`x${'😀'.repeat(10_000)}`)
  const pieces = piecesFrom(logOf(text), 0)
  expect(pieces.length).toBeGreaterThan(2)
  for (const { bytes } of pieces) expect(isUtf8(bytes)).toBe(true)
})

test('a reader in the middle of a piece that grew gets the rest of it, once', () => {
  const log = logOf(utf8('one '))
  log.say('stdout', utf8('two'), 1)
  expect(piecesFrom(log, 4)).toMatchObject([{ position: 4 }])
  expect(all(piecesFrom(log, 4)).toString()).toBe('two')
})

test('streams are kept apart, in the order in which they spoke', () => {
  const log = logOf()
  const streams: OutputStream[] = ['stdout', 'stderr', 'stdout', 'log']
  for (const stream of streams) log.say(stream, utf8(`${stream}\n`), 1)
  expect(piecesFrom(log, 0).map(({ stream }) => stream)).toEqual(streams)
})

test('of much the first 64 KiB and the last MiB are kept, and a position tells how much is between', () => {
  const line = utf8(`${'é'.repeat(500)}\n`)
  const count = 5000
  const log = logOf(...Array.from({ length: count }, () => line))
  const pieces = piecesFrom(log, 0)
  const jump = pieces.findIndex(({ position }, index) => {
    const before = pieces[index - 1]
    return before !== undefined && before.position + before.bytes.length !== position
  })
  expect(all(pieces.slice(0, jump)).length).toBeGreaterThanOrEqual(65_536)
  const end = all(pieces.slice(jump)).length
  expect(end).toBeGreaterThan(1_048_576 - 8192)
  expect(end).toBeLessThanOrEqual(1_048_576)
  expect(pieces[jump]!.position + end).toBe(count * line.length)
  expect(log.cost).toBeLessThan(1.5 * 2 ** 20)
})

test('what is kept keeps nothing else in memory, whatever it was a part of', () => {
  const log = logOf(Buffer.alloc(100_000, 'x').subarray(50_000), utf8('y').subarray(0, 1))
  for (const { bytes } of log.last(2 ** 20)) {
    expect(bytes.buffer.byteLength).toBe(bytes.length)
  }
})

test('of very many very small pieces a bounded number is kept, and none is told in a wrong place', () => {
  const log = logOf()
  const count = 100_000
  const streams: OutputStream[] = ['stdout', 'stderr']
  for (let i = 0; i < count; i++) log.say(streams[i % 2]!, utf8(String(i % 10)), i)
  const pieces = piecesFrom(log, 0)
  expect(pieces.length).toBeLessThanOrEqual(5000)
  expect(pieces[0]!.position).toBe(0)
  for (const { position, stream, bytes } of pieces) {
    expect([stream, all([{ bytes } as Piece]).toString()]).toEqual([
      streams[position % 2],
      String(position % 10)
    ])
  }
  expect(pieces.at(-1)!.position).toBe(count - 1)
  expect(log.cost).toBeLessThan(2 ** 20)
})

test('attempts that say nothing count, too: the oldest of very many are forgotten', () => {
  const logbook = new Logbook(() => 0)
  const count = 100_000
  for (let epoch = 0; epoch < count; epoch++) {
    logbook.begin(runOf('a', epoch))
    logbook.progress('a', epoch, 0.5, null)
    logbook.end('a', epoch)
  }
  expect(logbook.progressOf('a', 0)).toBeNull()
  expect(logbook.progressOf('a', count - 1)).not.toBeNull()
})

test('the tail has the last lines within its bound, however much longer JSON makes them', () => {
  const ugly = fc.array(fc.string({ unit: 'binary', maxLength: 9000 }).map(utf8))
  fc.assert(
    fc.property(fc.oneof(ugly, binaries), said => {
      const tail = tailOf(logOf(...said))
      expect(Buffer.byteLength(tail ?? '')).toBeLessThanOrEqual(TASK_LIMITS.tailBytesMax)
      const told = all(piecesOf(tail))
      const whole = Buffer.concat(said)
      expect(whole.subarray(whole.length - told.length).equals(told)).toBe(true)
      if (whole.length > 0) expect(told.length).toBeGreaterThan(0)
    }),
    { numRuns: 100 }
  )
  expect(tailOf(logOf())).toBeNull()
})

test.each(['', 'nonsense', '{}', '[1]', '[[0,1,9,"x"]]', '[["0",1,0,"x"]]', '[[0,1,0,null]]'])(
  'a tail of %j, which only a peer can have made, says nothing',
  tail => expect(piecesOf(tail)).toEqual([])
)

async function read(book: Logbook, taskId: string, follow = false): Promise<string[]> {
  const read: string[] = []
  const request = { kind: 'read', taskId, epoch: 0, position: 0, follow } as const
  for await (const answer of book.answer(request)) {
    read.push(answer.kind === 'piece' ? all([answer.piece]).toString() : answer.kind)
  }
  return read
}

test('a reader who follows gets what is said until the end, one who does not gets what there is', async () => {
  const book = new Logbook(() => 1)
  book.begin(runOf('a'))
  book.say('a', 0, 'log', utf8('first\n'))
  const following = read(book, 'a', true)
  expect(await read(book, 'a')).toEqual(['first\n', 'end'])
  book.say('a', 0, 'stdout', utf8('second\n'))
  book.end('a', 0)
  book.say('a', 0, 'stdout', utf8('too late\n'))
  expect(await following).toEqual(['first\n', 'second\n', 'end'])
})

test('runs that go on, and attempts of a task, are listed with their progress', async () => {
  const book = new Logbook(() => 1)
  book.begin(runOf('a'))
  book.begin(runOf('a', 3))
  book.end('a', 0)
  book.progress('a', 3, 0.5, 'half')
  const list = async (
    request: { kind: 'running' } | { kind: 'attempts'; taskId: string }
  ): Promise<OutputAnswer[]> => {
    const answers: OutputAnswer[] = []
    for await (const answer of book.answer(request)) answers.push(answer)
    return answers
  }
  const info = { taskId: 'a', epoch: 3, attempt: 1, ended: false }
  const running = { ...info, progress: { fraction: 0.5, message: 'half' } }
  expect(await list({ kind: 'running' })).toEqual([
    { kind: 'attempt', info: running },
    { kind: 'end' }
  ])
  expect(await list({ kind: 'attempts', taskId: 'a' })).toHaveLength(3)
  book.forget('a')
  expect(await list({ kind: 'attempts', taskId: 'a' })).toEqual([{ kind: 'end' }])
})

test('when the book is full, the oldest attempt that has ended goes', async () => {
  const book = new Logbook(() => 1)
  const page = utf8('x'.repeat(1_000_000))
  for (let task = 0; task < 70; task++) {
    book.begin(runOf(String(task)))
    book.say(String(task), 0, 'stdout', page)
    if (task > 0) book.end(String(task), 0)
  }
  expect(await read(book, '1')).toEqual(['end'])
  expect((await read(book, '69')).join('')).toHaveLength(1_000_003)
  expect((await read(book, '0')).join('')).toHaveLength(1_000_003)
})
