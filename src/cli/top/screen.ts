/**
 * The terminal while `hearsay top` has it: the other screen, keys one at a time, no cursor, no wrapping; and given back
 * as it was, whatever ends the program. Plain escape sequences that every terminal since the VT100 or xterm knows.
 */
import { writeSync } from 'node:fs'
import type { ReadStream, WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import type { FrameLine, Size } from './frame.ts'

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const LINE_END = '\u001b[K'
const STDOUT = 1
/** What a terminal tells by its size when it has none. */
const SIZE_DEFAULT: Size = { columns: 80, rows: 24 }

export class Screen {
  readonly #input: ReadStream
  readonly #output: WriteStream
  readonly #colour: boolean
  #isOn = false

  constructor(input: ReadStream, output: WriteStream, noColour: boolean) {
    this.#input = input
    this.#output = output
    this.#colour = !noColour
  }

  get size(): Size {
    const { columns, rows } = this.#output
    return columns > 0 && rows > 0 ? { columns, rows } : SIZE_DEFAULT
  }

  /**
   * @param onKey is told each key: a character, or a name such as `up`
   * @param onResize the picture has to be drawn anew
   */
  enter(onKey: (key: string) => void, onResize: () => void): void {
    this.#isOn = true
    process.on('exit', this.leave)
    // Its words would be written to a screen that is about to vanish.
    process.on('uncaughtExceptionMonitor', this.leave)
    this.#input.setRawMode(true)
    this.#input.setEncoding('utf8').on('data', (text: unknown) => {
      for (const key of keysOf(String(text))) onKey(key)
    })
    this.#output.on('resize', onResize)
    this.#output.write(ENTER)
  }

  draw(lines: readonly FrameLine[]): void {
    const text = lines.map(line => this.#styled(line) + LINE_END).join('\r\n')
    if (this.#isOn) this.#output.write(HOME + text)
  }

  /** Written at once and past all queues: the process may have no later. */
  readonly leave = (): void => {
    if (!this.#isOn) return
    this.#isOn = false
    process.off('exit', this.leave)
    process.off('uncaughtExceptionMonitor', this.leave)
    try {
      writeSync(STDOUT, LEAVE)
      this.#input.setRawMode(false)
      this.#input.pause()
    } catch {
      // The terminal is gone, and with it what was to be restored.
    }
  }

  #styled({ text, look }: FrameLine): string {
    if (look === 'selected') return styleText('inverse', text, { validateStream: false })
    if (look === 'title') return styleText('bold', text, { validateStream: false })
    return look === 'bad' && this.#colour ? styleText('red', text, { validateStream: false }) : text
  }
}

const NAMED: Readonly<Record<string, string>> = {
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\t': 'tab',
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u001b': 'escape',
  '\u0003': 'interrupt'
}

/** What came from the keyboard in one piece. Unknown sequences are no keys. */
function keysOf(text: string): string[] {
  // oxlint-disable-next-line no-control-regex -- keys that have no character begin with escape
  const parts = text.match(/\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])?|[^]/gu) ?? []
  return parts.flatMap(part => NAMED[part] ?? (part >= ' ' ? part : []))
}
