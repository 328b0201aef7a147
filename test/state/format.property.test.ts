/** A state file holds what was saved, or is refused: as a whole, cut anywhere, changed anywhere. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoredTask } from '../../src/core/effect.ts'
import type { Replica } from '../../src/core/log/replica.ts'
import { readState, stateText } from '../../src/state/format.ts'
import { BOOTS, stored } from '../support/arbitraries.ts'

const OWN = { cluster: 'test', fingerprint: 'abcd' }
const HEADER = { ...OWN, savedAt: '2026-01-31T12:00:00.000Z', node: 'computer-a/1' }
/** Of pieces of a text, in characters. */
const PIECE = 1000

type File = Replica & Readonly<{ tasks: readonly StoredTask[] }>

/** Tasks of which each has writes that no other has, and a vector that covers them. */
const file: fc.Arbitrary<File> = fc.array(stored, { maxLength: 8 }).map(tasks => {
  const vector = new Map<string, number>()
  const written = tasks.map(({ record }, n) => {
    const writes = Array.from({ length: 1 + (n % 3) }, (_, i) => {
      const origin = BOOTS[(n + i) % BOOTS.length]!
      const seq = (vector.get(origin) ?? 0) + 1 + (n % 2)
      vector.set(origin, seq)
      return { origin, seq }
    })
    return { record, writes }
  })
  return { vector, tasks: written, forgotten: [] }
})

function textOf(replica: Replica): string {
  return [...stateText(HEADER, replica)].join('')
}

function* piecesOf(text: string, first: number): Generator<string> {
  yield text.slice(0, first)
  for (let at = first; at < text.length; at += PIECE) yield text.slice(at, at + PIECE)
}

const refused = { name: 'ForeignStateFileError' }

describe('a state file', () => {
  test('gives back what was saved, in whatever pieces it comes', async () => {
    const property = fc.asyncProperty(file, fc.nat(PIECE), async (saved, first) => {
      const { vector, tasks } = await readState(piecesOf(textOf(saved), first), OWN)
      expect([new Map(vector), tasks]).toEqual([saved.vector, saved.tasks])
    })
    await fc.assert(property)
  })

  test('that is cut off anywhere is refused', async () => {
    const property = fc.asyncProperty(file, fc.nat(), async (saved, at) => {
      const text = textOf(saved)
      // Without the end of its last line it is whole all the same.
      const cut = text.slice(0, at % (text.length - 1))
      await expect(readState([cut], OWN)).rejects.toMatchObject(refused)
    })
    await fc.assert(property)
  })

  test('in which a character was changed is refused', async () => {
    const property = fc.asyncProperty(file, fc.nat(), async (saved, n) => {
      const text = textOf(saved)
      const at = n % (text.length - 1)
      const other = text[at] === '7' ? '8' : '7'
      const changed = text.slice(0, at) + other + text.slice(at + 1)
      await expect(readState([changed], OWN)).rejects.toMatchObject(refused)
    })
    await fc.assert(property)
  })

  test('that lacks a line, or has one twice, is refused', async () => {
    const property = fc.asyncProperty(file, fc.nat(), fc.boolean(), async (saved, n, twice) => {
      fc.pre(saved.tasks.length > 1)
      const lines = textOf(saved).split('\n')
      // Neither the first line, nor the last ones.
      const place = 1 + (n % (saved.tasks.length - 1))
      lines.splice(place, 1, ...(twice ? [lines[place]!, lines[place]!] : []))
      await expect(readState([lines.join('\n')], OWN)).rejects.toMatchObject(refused)
    })
    await fc.assert(property)
  })
})
