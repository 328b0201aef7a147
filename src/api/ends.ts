/**
 * How the tasks of one request ended, as lines that wait to be read.
 *
 * A reader that is too slow is not waited for, and does not fill the memory: what finds no room is left out, and the
 * reader, who misses it at the end of the stream, asks for it by itself.
 */
import type { EndListener, TaskView } from '../node/api/node-api.ts'

/** In UTF-16 units of text. Guess: thousands of tasks with results of a few KiB. */
const TEXT_MAX = 16_777_216

export class Ends {
  readonly #textMax: number
  #texts: string[] = []
  #length = 0
  #open = 0
  /** Nobody reads any more. */
  readonly #gone = new AbortController()
  #wake: (value: null) => void = () => {}
  #taken: () => void = () => {}

  constructor(textMax: number = TEXT_MAX) {
    this.#textMax = textMax
  }

  /** Whether more will come. */
  get isOpen(): boolean {
    return this.#open > 0 || this.#texts.length > 0
  }

  /**
   * Resolves when there is something to take, or nothing will come any more. For the one who called last: others wait
   * on.
   */
  news(): Promise<null> {
    if (this.#texts.length > 0) return Promise.resolve(null)
    return new Promise(resolve => (this.#wake = resolve))
  }

  /** What has come, as text to be sent; '' for nothing. */
  take(): string {
    const text = this.#texts.join('')
    this.#texts = []
    this.#length = 0
    this.#taken()
    return text
  }

  /** What comes, as it comes, until nothing is expected any more. @throws the signal's reason */
  async *rest(gone: AbortSignal): AsyncGenerator<string> {
    const wake = (): void => this.#wake(null)
    gone.addEventListener('abort', wake)
    try {
      while (this.isOpen) {
        gone.throwIfAborted()
        await this.news()
        yield this.take()
      }
    } finally {
      gone.removeEventListener('abort', wake)
    }
  }

  /** Resolves when the reader has not much left to take, so that what comes at once finds room. */
  async room(): Promise<void> {
    while (this.#length > this.#textMax / 2) {
      await new Promise<void>(resolve => (this.#taken = resolve))
    }
  }

  /** Nobody reads any more. */
  close(): void {
    this.#gone.abort()
    this.take()
  }

  /** One more will come. Returns what is to be called with it, or with '' for nothing. */
  expect(): (text: string) => void {
    this.#open++
    return text => this.#put(text, true)
  }

  /**
   * For one submission: what the node is to call, and what is to be called when its answer, with an id, has been sent.
   * The end comes after that.
   */
  follow(
    lineOf: (task: TaskView) => unknown
  ): Readonly<{ listener: EndListener; answered: () => void }> {
    let isAnswered = false
    let ended: string | null = null
    return {
      listener: {
        gone: this.#gone.signal,
        onEnd: end => {
          if (this.#gone.signal.aborted) return
          ended = end instanceof Error ? '' : `${JSON.stringify(lineOf(end()))}\n`
          if (isAnswered) this.#put(ended, true)
        }
      },
      answered: () => {
        isAnswered = true
        if (ended === null) this.#open++
        else this.#put(ended, false)
      }
    }
  }

  #put(text: string, wasOpen: boolean): void {
    if (wasOpen) this.#open--
    const isWanted = text !== '' && !this.#gone.signal.aborted
    if (isWanted && this.#length + text.length <= this.#textMax) {
      this.#texts.push(text)
      this.#length += text.length
    }
    this.#wake(null)
  }
}
