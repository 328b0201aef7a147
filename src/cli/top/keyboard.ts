/**
 * Keys out of what a terminal sends, in the words of `hearsay top`. Node takes apart what is sent: a key that has no
 * character arrives as several, the first of which is escape, and over a slow line they may come in pieces.
 */
import { emitKeypressEvents, type Interface, type Key } from 'node:readline'
import type { Readable } from 'node:stream'

/** As long as vim waits: nobody presses two keys within it, and few lines are slower. Node's own is half a second. */
const PAUSE_MS = 100

/** Names of Node's whose keys `top` has a use for. */
const NAMED: Readonly<Record<string, string>> = {
  up: 'up',
  down: 'down',
  tab: 'tab',
  return: 'enter',
  enter: 'enter',
  backspace: 'backspace',
  escape: 'escape'
}
const WITH_CONTROL: Readonly<Record<string, string>> = { c: 'interrupt', l: 'redraw' }

// oxlint-disable-next-line no-control-regex -- the escape key
const ESCAPE_AND_CHARACTER = /^\u001b[^\u0000-\u001f\u007f]$/u

export class Keyboard {
  readonly #input: Readable
  readonly #onKeys: (keys: readonly string[]) => void
  /** Pressed and not told yet. */
  #pressed: string[] = []

  /** @param onKeys is told keys that came together: characters, or names such as `up`; unknown ones are left out */
  constructor(input: Readable, onKeys: (keys: readonly string[]) => void) {
    this.#input = input
    this.#onKeys = onKeys
    // It reads nothing else of the interface.
    emitKeypressEvents(input, { escapeCodeTimeout: PAUSE_MS } as unknown as Interface)
    input.on('keypress', this.#press)
  }

  /** Nothing more is told. */
  stop(): void {
    this.#input.off('keypress', this.#press)
    this.#pressed = []
  }

  readonly #press = (character: string | undefined, key: Key): void => {
    const names = namesOf(character, key)
    if (this.#pressed.length === 0 && names.length > 0) queueMicrotask(() => this.#tell())
    this.#pressed.push(...names)
  }

  #tell(): void {
    const keys = this.#pressed
    this.#pressed = []
    if (keys.length > 0) this.#onKeys(keys)
  }
}

function namesOf(character: string | undefined, { sequence = '', name = '', ctrl }: Key): string[] {
  // Typed ahead of a slow screen; Node takes the two for one key with Alt.
  if (ESCAPE_AND_CHARACTER.test(sequence)) return ['escape', sequence.slice(1)]
  const known = ctrl ? WITH_CONTROL[name] : NAMED[name]
  if (known !== undefined) return [known]
  return character !== undefined && character >= ' ' ? [character] : []
}
