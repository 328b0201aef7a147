/**
 * What handlers print is output of their runs, byte for byte, in whichever way they print it; nothing of it reaches the
 * node's own stdout.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { OutputStream } from '../../../src/core/message.ts'
import { PIECE_BYTES_MAX, RunOutput } from '../../../src/run/printing/run-output.ts'
import { createRunner } from '../../../src/run/runner.ts'
import { Heard } from '../../contract/runner.ts'

const file = fileURLToPath(new URL('../fixtures/prints.ts', import.meta.url))

let heard: Heard

beforeEach(async () => {
  heard = new Heard(await createRunner({ files: [file], concurrency: 1 }))
})
afterEach(() => heard.runner.stop())

const value = (type: string, payload?: unknown): Promise<unknown> =>
  heard.value(heard.start(type, payload))

test('a burst of lines is kept', async () => {
  await value('burst', 5000)
  expect(heard.output.stdout).toBe(Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join(''))
})

test('a line that is written in pieces is one, and so is a character', async () => {
  await value('pieces')
  const bytes = Buffer.concat(heard.said)
  expect(bytes).toEqual(Buffer.concat([Buffer.from('ab\n😀\n'), Buffer.from([0xff, 0])]))
  // A reader of one piece sees no half of it.
  expect(heard.output.stdout).toContain('😀')
})

test('a handler that computes without a pause is heard meanwhile', async () => {
  const run = heard.start('computes', 60_000)
  await heard.line('begun')
  expect(heard.ends).toEqual([])
  await heard.runner.abort(run.taskId, run.epoch)
})

test('what is written to the descriptors of the node is what the handler prints', async () => {
  expect(await value('descriptors')).toEqual([6, 6, 9])
  expect(heard.output.stdout).toBe('named bytes file stream\n')
  expect(heard.output.stderr).toBe('vector promised ')
})

test('so is what its processes print that would have the descriptors of the node', async () => {
  expect(await value('children')).toBe(3)
  expect(heard.output.stdout).toBe('exec sync spawned')
  expect(heard.output.stderr).toBe('error  too')
})

test('a stream of the process cannot be closed', async () => {
  await value('endsStream')
  expect(heard.output.stdout).toBe('end\nafter\n')
})

test('nothing of it reaches stdout of the process that runs them', async () => {
  const child = spawn(process.execPath, [
    fileURLToPath(new URL('../children/prints.ts', import.meta.url)),
    file
  ])
  const said: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => said.push(bytes))
  const code = await new Promise(resolve => child.once('close', resolve))
  expect([code, Buffer.concat(said).toString()]).toEqual([0, 'only this\n'])
})

test('output comes as it was written: every byte in order, and no character in two pieces', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\n'), maxLength: 20 })
  const write = fc.record({
    stream: fc.constantFrom<OutputStream>('stdout', 'stderr'),
    text,
    cut: fc.nat(20)
  })
  fc.assert(
    fc.property(fc.array(write, { maxLength: 300 }), writes => {
      const pieces: { stream: OutputStream; bytes: Uint8Array }[] = []
      const output = new RunOutput({
        room: () => true,
        output: (stream, bytes) => pieces.push({ stream, bytes })
      })
      for (const { stream, text: whole, cut } of writes) {
        const bytes = Buffer.from(whole)
        output.write(stream, bytes.subarray(0, cut))
        output.write(stream, bytes.subarray(cut))
      }
      output.flush()
      for (const stream of ['stdout', 'stderr'] as const) {
        const of = pieces.filter(piece => piece.stream === stream).map(({ bytes }) => bytes)
        for (const bytes of of) expect(Buffer.from(bytes).toString()).not.toContain('\ufffd')
        const said = writes.filter(each => each.stream === stream).map(each => each.text)
        expect(Buffer.concat(of).toString()).toBe(said.join(''))
      }
      for (const { bytes } of pieces) expect(bytes.length).toBeLessThanOrEqual(PIECE_BYTES_MAX)
    })
  )
})
