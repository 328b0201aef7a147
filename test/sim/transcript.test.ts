/** What the transcript of a run that went wrong says of those who still wait for something. */
import { expect, test } from 'vitest'
import '../core/forbid.ts'
import { pumpOf, type PumpNode } from '../support/pump.ts'
import { bootOf } from '../support/tasks.ts'
import { Transcript } from '../../src/sim/transcript.ts'
import { EventQueue } from '../../src/sim/world/event-queue.ts'

function linesOf({ id: seat, core }: PumpNode): readonly string[] {
  const transcript = new Transcript(new EventQueue())
  transcript.waits({ seat, core })
  return transcript.lines.map(line => line.trim())
}

test('a node says what it waits for, and for what that waits; one that waits for nothing says nothing', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  for (let i = 0; i < 5; i++) pump.pass(1000)
  expect(linesOf(a)).toEqual([])
  b.holdDisk = true
  a.submit()
  pump.settle()
  expect(linesOf(a)).toEqual([
    expect.stringMatching(/^0 a waits: accept \w+:\d+ for copies of a 1$/)
  ])
})

test('of one that waits for much, as much is said as still lets what led to it be seen', () => {
  const pump = pumpOf([bootOf('a'), bootOf('b')])
  const [a, b] = pump.nodes as [PumpNode, PumpNode]
  for (let i = 0; i < 5; i++) pump.pass(1000)
  b.holdDisk = true
  for (let i = 0; i < 40; i++) a.submit()
  pump.settle()
  const [line] = linesOf(a)
  expect(line).toMatch(/, and 28 more$/)
})
