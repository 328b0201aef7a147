/**
 * What readers of JSON quietly change, found before it happens: by programs, and by a page while somebody types.
 *
 * A whole number of more than some 16 digits becomes another one, and 1e400 becomes infinite: both are refused. A fraction
 * is rounded to the nearest number of 64 bits, as everywhere. Nesting has a bound, because programs in other languages
 * have one too, and of their own.
 */

/** Lists and objects within each other. Readers of other languages give up between 128 (Rust) and 1000 (Python). */
export const JSON_DEPTH_MAX = 512
/** Length of a number. Guess: longer ones are an attack. */
const NUMBER_LENGTH_MAX = 1000

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LINE_END = 0x0a

/** What is JSON and would not arrive as it is. The message goes on where the name of the text ends: `has the number ...`. */
export class JsonRefusedError extends Error {
  override readonly name = 'JsonRefusedError'
}

/** Looks at JSON that comes in pieces, for what a reader would change. Whether it is JSON is for others to say. */
export class JsonScan {
  readonly #looksAtNumbers: boolean
  #inString = false
  #isEscaped = false
  #depth = 0
  /** The number that is being read, and where it began. */
  #number = ''
  #numberPlace = ''
  #line = 1
  /** Characters before the piece at hand, less those before the line. */
  #column = 1

  /** @param what `depth`: numbers were written by a program that had them. @default numbers and depth */
  constructor(what?: 'depth') {
    this.#looksAtNumbers = what !== 'depth'
  }

  /** @throws JsonRefusedError */
  push(text: string): void {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (this.#inString) this.#inText(code)
      else if (this.#number !== '' || (this.#looksAtNumbers && isNumberStart(code)))
        this.#inNumber(text[at]!, code, at)
      else this.#structure(code, at)
      if (code === LINE_END) {
        this.#line++
        this.#column = -at
      }
    }
    this.#column += text.length
  }

  /** @throws JsonRefusedError */
  end(): void {
    this.#endNumber()
  }

  #inText(code: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (code === BACKSLASH) this.#isEscaped = true
    else if (code === QUOTE) this.#inString = false
  }

  #inNumber(character: string, code: number, at: number): void {
    if (this.#number === '') this.#numberPlace = this.#place(at)
    if (isInNumber(code)) {
      this.#number += character
      if (this.#number.length <= NUMBER_LENGTH_MAX) return
      throw new JsonRefusedError(
        `has a number of more than ${NUMBER_LENGTH_MAX} characters at ${this.#numberPlace}`
      )
    }
    this.#endNumber()
    this.#structure(code, at)
  }

  #structure(code: number, at: number): void {
    if (code === QUOTE) this.#inString = true
    else if (code === 0x5b || code === 0x7b) {
      if (++this.#depth <= JSON_DEPTH_MAX) return
      throw new JsonRefusedError(
        `has more than ${JSON_DEPTH_MAX} lists and objects within each other at ${this.#place(at)}`
      )
    } else if (code === 0x5d || code === 0x7d) this.#depth--
  }

  #endNumber(): void {
    const number = this.#number
    this.#number = ''
    if (isKept(number)) return
    throw new JsonRefusedError(
      `has the number ${shown(number)} at ${this.#numberPlace}, which would arrive as ${Number(number)}: write it as text, in quotes`
    )
  }

  #place(at: number): string {
    const column = this.#column + at
    return this.#line === 1 ? `column ${column}` : `line ${this.#line}, column ${column}`
  }
}

function isNumberStart(code: number): boolean {
  return code === 0x2d || isDigit(code)
}

function isInNumber(code: number): boolean {
  // Digits, signs, the point and both letters of an exponent.
  return isDigit(code) || [0x2b, 0x2d, 0x2e, 0x45, 0x65].includes(code)
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

function shown(number: string): string {
  return number.length <= 40 ? number : `${number.slice(0, 40)}…`
}

/** Whether a number of JSON is still the same when it has been read and written; of a fraction, whether it is near. */
function isKept(source: string): boolean {
  // Up to 15 digits are kept, whatever they are.
  if (source.length <= 15 && !/[eE]/.test(source)) return true
  const value = Number(source)
  const given = decimal(source)
  if (!Number.isFinite(value)) return Number.isNaN(value)
  if (value === 0) return given.digits === ''
  if (given.exponent < 0) return true
  const kept = decimal(String(value))
  return kept.digits === given.digits && kept.exponent === given.exponent
}

/** A number as digits that neither begin nor end with a zero, times a power of ten. */
function decimal(source: string): { digits: string; exponent: number } {
  const [, whole = '', fraction = '', power = '0'] =
    /^-?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(source) ?? []
  const all = (whole + fraction).replace(/^0+/, '')
  const digits = all.replace(/0+$/, '')
  return { digits, exponent: Number(power) - fraction.length + all.length - digits.length }
}
