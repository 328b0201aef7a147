/** What others have written: text in the page, text in a shell, never more. */
import fc from 'fast-check'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { quoted } from '../../../src/dashboard/page/task/command.ts'
import { piecesOf } from '../../../src/dashboard/page/task/ansi.ts'

const OBEYED =
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\u001b',
      '[',
      '31',
      'm',
      ';',
      ']0;',
      '\u0007',
      '\u202e',
      '\u200f',
      '<',
      "'",
      '\\',
      '$',
      '\n'
    ),
    fc.string({ unit: 'binary', maxLength: 2 })
  ),
  maxLength: 40
})

describe('output of programs', () => {
  test('colours and bold are styles, and other sequences nothing', () => {
    const { pieces } = piecesOf(
      '\u001b[1;31mbad\u001b[0m and \u001b[2J\u001b[Hgood\u001b]0;title\u0007!'
    )
    expect(pieces.map(({ text }) => text).join('')).toBe('bad and good!')
    expect(pieces[0]).toMatchObject({ text: 'bad', style: { colour: 1, bold: true } })
    expect(pieces[1]).toMatchObject({ style: { colour: null, bold: false } })
  })

  test('a style goes on in the next entry until it is ended', () => {
    const { end } = piecesOf('\u001b[32mgreen')
    expect(piecesOf('still', end).pieces).toMatchObject([{ style: { colour: 2 } }])
  })

  test.each([
    ['\u001b[38;5;9mx', 9],
    ['\u001b[38;5;200mx', null],
    ['\u001b[38;2;1;31;3mx', null],
    ['\u001b[97mx', 15]
  ])('%j has the colour %s', (text, colour) => {
    expect(piecesOf(text).pieces).toMatchObject([{ text: 'x', style: { colour } }])
  })

  test('nothing is left that a terminal or a bidirectional text would obey', () => {
    fc.assert(
      fc.property(hostile, text => {
        for (const piece of piecesOf(text).pieces) expect(piece.text).not.toMatch(OBEYED)
      })
    )
  })
})

describe('a command to be copied', () => {
  test('has nothing that a terminal would obey when it is pasted', () => {
    fc.assert(
      fc.property(hostile, text => {
        expect(quoted(text)).not.toMatch(OBEYED)
      })
    )
  })

  test.skipIf(!existsSync('/bin/bash'))('is one word for a shell, and the text again', () => {
    const words = ["it's", 'a b', '$(id)', '`id`', 'a\\b', '\u001b[2J', "\u202e'\\", '*', 'é', '']
    for (const word of words) {
      const script = `printf %s ${quoted(word)}`
      const said = execFileSync('/bin/bash', ['-c', script], {
        encoding: 'utf8',
        env: { LC_ALL: 'C.UTF-8' }
      })
      expect(said).toBe(word)
    }
  })
})
