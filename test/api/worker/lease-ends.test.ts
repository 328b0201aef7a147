/** Ends of leases over one request: a client that does not read what it is answered is not heard further. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { answerEnds } from '../../../src/api/worker/lease-ends.ts'
import type { WorkersApi } from '../../../src/node/api/node-api.ts'

const LINES = 20_000
/** Answers that may wait, and those in one piece that is being written. */
const UNREAD_MAX = 4096

test('answers that nobody reads are bounded, and come in order when somebody does', async () => {
  let ended = 0
  const workers = { release: () => void ended++ } as unknown as WorkersApi
  const lines = Array.from({ length: LINES }, (_, n) => `{"lease":"l${n}","release":{}}\n`)
  const incoming = Readable.from(lines.map(line => Buffer.from(line))) as IncomingMessage
  let text = ''
  let isRead = false
  let goOn = (): void => {}
  const outgoing = Object.assign(
    new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString()
        goOn = done
        if (isRead) setImmediate(done)
      }
    }),
    { writeHead: () => {} }
  )
  const response = outgoing as unknown as ServerResponse
  const answered = answerEnds(
    workers,
    { incoming, outgoing: response },
    new AbortController().signal
  )
  for (let turn = 0; turn < 2 * LINES; turn++) await new Promise(setImmediate)
  expect(ended).toBeGreaterThan(0)
  expect(ended).toBeLessThan(UNREAD_MAX)
  isRead = true
  goOn()
  await answered
  await new Promise(resolve => outgoing.once('finish', resolve))
  const answers = text.split('\n').filter(Boolean)
  expect(answers.map(line => (JSON.parse(line) as { lease: string }).lease)).toEqual(
    lines.map((_, n) => `l${n}`)
  )
})
