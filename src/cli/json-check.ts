/**
 * Finds out whether a text is JSON while it passes by, however long it is, and keeps none of it.
 *
 * A reader of JSON needs to remember no more than what it is inside of, as with brackets in a formula: one character for
 * each bracket that is still open.
 */
import { PayloadRejectedError } from '../errors.ts'

/** What may come next. */
type Next = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing'

const WORD = /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)$/
/** As much of one as is there. */
const WORD_PART = /[-+.\w]+/y
/** A number of more digits means nothing to anybody. */
const WORD_LENGTH_MAX = 4096
/** As deep as any reader of JSON goes. */
const DEPTH_MAX = 10_000
const SPACES = /[ \t\r]+/y
/** What ends the plain part of a text. */
// oxlint-disable-next-line no-control-regex -- JSON does not allow them
const SPECIAL = /["\\\u0000-\u001f]/g

export class JsonCheck {
  readonly #source: string
  #next: Next = 'value'
  /** The brackets that are open. */
  readonly #open: string[] = []
  #word = ''
  #inText = false
  /** Of an escape: what is still to come. */
  #escape: '' | 'letter' | 'hex' = ''
  #hexLeft = 0
  #line = 1

  /** @param source what it is, for the message */
  constructor(source: string) {
    this.#source = source
  }

  /** @throws PayloadRejectedError if it cannot be the continuation of JSON */
  push(text: string): void {
    for (let at = 0; at < text.length;) {
      at = this.#inText ? this.#text(text, at) : this.#outside(text, at)
    }
  }

  /** @throws PayloadRejectedError if more would have to come */
  end(): void {
    if (this.#word !== '') this.#endWord()
    if (this.#next !== 'nothing' || this.#inText) this.#refuse('it ends too early')
  }

  /** @returns where to go on */
  #text(text: string, start: number): number {
    if (this.#escape !== '') {
      this.#escaped(text[start]!)
      return start + 1
    }
    SPECIAL.lastIndex = start
    const found = SPECIAL.exec(text)
    if (found === null) return text.length
    if (found[0] === '"') this.#inText = false
    else if (found[0] === '\\') this.#escape = 'letter'
    else this.#refuse('a text has a control character in it')
    return found.index + 1
  }

  #escaped(character: string): void {
    if (this.#escape === 'hex') {
      if (!/[0-9a-fA-F]/.test(character)) this.#refuse(`\\u needs four digits`)
      this.#hexLeft--
      if (this.#hexLeft === 0) this.#escape = ''
    } else if (character === 'u') {
      this.#escape = 'hex'
      this.#hexLeft = 4
    } else if (/["\\/bfnrt]/.test(character)) this.#escape = ''
    else this.#refuse(`\\${character} stands for nothing`)
  }

  /** @returns where to go on */
  #outside(text: string, start: number): number {
    WORD_PART.lastIndex = start
    const part = WORD_PART.exec(text)?.[0]
    if (part !== undefined) {
      this.#word += part
      if (this.#word.length > WORD_LENGTH_MAX) this.#refuse('a number is too long')
      return start + part.length
    }
    if (this.#word !== '') this.#endWord()
    SPACES.lastIndex = start
    if (SPACES.test(text)) return SPACES.lastIndex
    this.#mark(text[start]!)
    return start + 1
  }

  #mark(character: string): void {
    if (character === '\n') this.#line++
    else if (character === '"') this.#beginText()
    else if (character === '{' || character === '[') this.#beginList(character)
    else if (character === '}' || character === ']') this.#endList(character)
    else if (character === ':' && this.#next === 'colon') this.#next = 'value'
    else if (character === ',' && this.#next === 'comma or end') {
      this.#next = this.#open.at(-1) === '{' ? 'key' : 'value'
    } else this.#unexpected(character)
  }

  #endWord(): void {
    if (!WORD.test(this.#word) || !this.#next.startsWith('value')) this.#unexpected(this.#word)
    this.#word = ''
    this.#endValue()
  }

  #beginText(): void {
    this.#inText = true
    if (this.#next.startsWith('key')) this.#next = 'colon'
    else if (this.#next.startsWith('value')) this.#endValue()
    else this.#unexpected('"')
  }

  #beginList(bracket: '{' | '['): void {
    if (!this.#next.startsWith('value')) this.#unexpected(bracket)
    if (this.#open.push(bracket) > DEPTH_MAX) this.#refuse('it is nested too deeply')
    this.#next = bracket === '{' ? 'key or end' : 'value or end'
  }

  #endList(bracket: '}' | ']'): void {
    const isOurs = this.#open.pop() === (bracket === '}' ? '{' : '[')
    if (!isOurs || !this.#next.endsWith('or end')) this.#unexpected(bracket)
    this.#endValue()
  }

  #endValue(): void {
    this.#next = this.#open.length === 0 ? 'nothing' : 'comma or end'
  }

  #unexpected(found: string): never {
    return this.#refuse(`${JSON.stringify(found.slice(0, 20))} cannot stand there`)
  }

  #refuse(why: string): never {
    throw new PayloadRejectedError(
      `${this.#source} is not JSON (line ${this.#line}: ${why}): text needs quotes of its own, such as '"text"'`
    )
  }
}
