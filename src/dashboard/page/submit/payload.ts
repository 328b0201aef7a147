/**
 * A payload as somebody types it: whether it is JSON that arrives as it was given, and where it is not. Browsers say of a
 * fault what they like, and some of them not where it is.
 */
import { JSON_DEPTH_MAX, JsonScan } from '../../../shared/json/json-scan.ts'

type Fault = Readonly<{
  words: string
  /** Place in the text; null where the words alone name it. */
  at: number | null
}>

const SPACE = /[ \t\n\r]*/y
/** Never tries a character twice, however it ends. */
const STRING = /"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\uffff]*)*"/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y
/** Of what stands where something else should: enough to find it. */
const SHOWN = 12

/** What is wrong first; null: nothing is. */
export function faultOf(text: string): Fault | null {
  try {
    new Reader(text).read()
  } catch (error) {
    if (error instanceof Misplaced) return faultAt(text, error)
    throw error
  }
  try {
    const scan = new JsonScan()
    scan.push(text)
    scan.end()
    return null
  } catch (error) {
    return { words: `it ${(error as Error).message}`, at: null }
  }
}

class Misplaced extends Error {
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

function faultAt(text: string, { at, message }: Misplaced): Fault {
  const lines = text.slice(0, at).split('\n')
  return { words: `line ${lines.length}, column ${lines.at(-1)!.length + 1}: ${message}`, at }
}

/** Goes through JSON by its grammar (RFC 8259), and keeps nothing of it. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** @throws Misplaced */
  read(): void {
    this.#value(0)
    this.#skip(SPACE)
    if (this.#at < this.#text.length) this.#fail('the value has ended before this')
  }

  #value(depth: number): void {
    if (depth > JSON_DEPTH_MAX) {
      this.#fail(`more than ${JSON_DEPTH_MAX} lists and objects are within each other`)
    }
    this.#skip(SPACE)
    if (this.#take('{')) this.#members('}', () => this.#property(depth + 1))
    else if (this.#take('[')) this.#members(']', () => this.#value(depth + 1))
    else if (this.#text[this.#at] === '"') this.#string()
    else if (!this.#skip(NUMBER) && !this.#skip(WORD)) this.#fail('a value belongs here')
  }

  #members(end: string, member: () => void): void {
    this.#skip(SPACE)
    if (this.#take(end)) return
    for (;;) {
      member()
      this.#skip(SPACE)
      if (this.#take(end)) return
      if (!this.#take(',')) this.#fail(`a comma or ${end} belongs here`)
    }
  }

  #property(depth: number): void {
    this.#skip(SPACE)
    if (this.#text[this.#at] !== '"') this.#fail('a name in double quotes belongs here')
    this.#string()
    this.#skip(SPACE)
    if (!this.#take(':')) this.#fail('a colon belongs here')
    this.#value(depth)
  }

  #string(): void {
    if (!this.#skip(STRING)) {
      this.#fail('a text begins here that does not end in its line, or has a wrong \\')
    }
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  /** Whether there was any of it. */
  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const [found = ''] = pattern.exec(this.#text) ?? []
    this.#at += found.length
    return found !== ''
  }

  #fail(expected: string): never {
    const rest = this.#text.slice(this.#at, this.#at + SHOWN).split('\n')[0]!
    const here =
      this.#at >= this.#text.length ? 'the text ends' : `there is ${rest || 'a line end'}`
    throw new Misplaced(this.#at, `${expected}, and ${here}`)
  }
}
