/**
 * The terminal while `hearsay top` has it: the other screen, keys one at a time, no cursor, no wrapping; and given back
 * as it was, whatever ends the program. Plain escape sequences that every terminal since the VT100 or xterm knows.
 */
import { writeSync } from 'node:fs'
import type { ReadStream, WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import type { FrameLine, Size } from './frame.ts'
import { Keyboard } from './keyboard.ts'

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l'
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l'
const CLEAR = '\u001b[2J'
const STDOUT = 1
/** What a terminal tells by its size when it has none. */
const SIZE_DEFAULT: Size = { columns: 80, rows: 24 }

export class Screen {
  readonly #input: ReadStream
  readonly #output: WriteStream
  readonly #colour: boolean
  #keyboard: Keyboard | null = null
  /** The lines that are on the screen, as they were sent. */
  #shown: readonly string[] = []
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
   * @param onKeys is told keys that came together: characters, or names such as `up`
   * @param onResize the picture has to be drawn anew
   */
  enter(onKeys: (keys: readonly string[]) => void, onResize: () => void): void {
    this.#isOn = true
    process.on('exit', this.leave)
    // Its words would be written to a screen that is about to vanish.
    process.on('uncaughtExceptionMonitor', this.leave)
    this.#input.setRawMode(true)
    this.#keyboard = new Keyboard(this.#input, onKeys)
    this.#output.on('resize', () => {
      this.forget()
      onResize()
    })
    this.#output.write(ENTER)
  }

  /** Sends the lines that differ from those on the screen: over a slow line a whole picture takes seconds. */
  draw(lines: readonly FrameLine[]): void {
    if (!this.#isOn) return
    const styled = lines.map(line => this.#styled(line))
    const text = changes(this.#shown, styled)
    this.#shown = styled
    if (text !== '') this.#output.write(text)
  }

  /** Whatever is on the screen now, the next picture is sent as a whole. */
  forget(): void {
    this.#shown = []
  }

  /** Written at once and past all queues: the process may have no later. */
  readonly leave = (): void => {
    if (!this.#isOn) return
    this.#isOn = false
    this.#keyboard?.stop()
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

/** What makes one picture of another, or one where nothing is known to be. */
export function changes(before: readonly string[], after: readonly string[]): string {
  const isKnown = before.length === after.length
  // Emptied first: behind a line as wide as the terminal, its last character would be taken for what is to be emptied.
  const lines = after.flatMap((line, i) =>
    isKnown && line === before[i] ? [] : `\u001b[${i + 1}H\u001b[K${line}`
  )
  return (isKnown ? '' : CLEAR) + lines.join('')
}
