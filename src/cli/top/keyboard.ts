/**
 * Keys out of what a terminal sends. A key that has no character arrives as several, the first of which is escape; over
 * a slow line they may come in pieces. So what has begun like such a key is kept for a moment: if nothing follows that
 * could belong to it, it was the escape key, and what comes next is a key of its own.
 */

/** As long as vim waits: nobody presses two keys within it, and few lines are slower. */
const PAUSE_MS = 100

// oxlint-disable-next-line no-control-regex -- keys that have no character begin with escape
const KEY = /\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[^]/gu
/** The beginning of such a key, up to where the text ends. */
// oxlint-disable-next-line no-control-regex -- as above
const UNFINISHED = /\u001b(?:\[[0-9;]{0,16}|O)?$/u

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
  '\f': 'redraw',
  '\u001b': 'escape',
  '\u0003': 'interrupt'
}

export class Keyboard {
  readonly #onKeys: (keys: readonly string[]) => void
  #unfinished = ''
  #timer: NodeJS.Timeout | undefined

  /** @param onKeys is told keys that came together: characters, or names such as `up`; unknown ones are left out */
  constructor(onKeys: (keys: readonly string[]) => void) {
    this.#onKeys = onKeys
  }

  /** What has come from the terminal, in whatever pieces. */
  read(piece: string): void {
    clearTimeout(this.#timer)
    const text = this.#unfinished + piece
    this.#unfinished = UNFINISHED.exec(text)?.[0] ?? ''
    this.#tell(text.slice(0, text.length - this.#unfinished.length))
    if (this.#unfinished !== '') this.#timer = setTimeout(() => this.#end(), PAUSE_MS)
  }

  /** Nothing more comes: forgets what has only begun. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#unfinished = ''
  }

  #end(): void {
    const keys = this.#unfinished
    this.#unfinished = ''
    this.#tell(keys)
  }

  #tell(text: string): void {
    const parts = text.match(KEY) ?? []
    const keys = parts.flatMap(part => NAMED[part] ?? (part >= ' ' ? part : []))
    if (keys.length > 0) this.#onKeys(keys)
  }
}
