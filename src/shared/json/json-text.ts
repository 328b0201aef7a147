/**
 * JSON that people and programs hand in, read so that it arrives as it was given, or is refused with its place: whatever
 * the file, argument or request is.
 *
 * JSON itself allows what most of its readers quietly change (json-scan.ts).
 */
import { isUtf8 } from 'node:buffer'
import { JSON_DEPTH_MAX, JsonRefusedError, JsonScan } from './json-scan.ts'

/** What a number that is not kept, or more depth than allowed, has in it at the least. */
const SUSPECT = /\d{16}|[\d.][eE]/
const BYTE_ORDER_MARK = '\ufeff'
const LINE_END = 0x0a

/** @throws SyntaxError JsonRefusedError */
export function parseJson(text: string): unknown {
  const json = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
  const value: unknown = JSON.parse(json)
  if (json.length > 2 * JSON_DEPTH_MAX || SUSPECT.test(json)) {
    const scan = new JsonScan()
    scan.push(json)
    scan.end()
  }
  return value
}

/** What was thrown while JSON was read, to stand after the name of its source: `is not JSON (...)`. */
export function jsonFault(error: unknown): string {
  const { message } = error as Error
  return error instanceof JsonRefusedError ? message : `is not JSON (${message})`
}

/**
 * Bytes as text, without the byte order mark that some editors put in front.
 *
 * @throws JsonRefusedError if they are not UTF-8
 */
export function utf8Text(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new JsonRefusedError(`is not UTF-8${placeOfFault(bytes)}`)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
}

function placeOfFault(bytes: Uint8Array): string {
  let line = 1
  for (let start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(LINE_END, start)
    const end = found < 0 ? bytes.length : found
    if (!isUtf8(bytes.subarray(start, end)))
      return line === 1 && found < 0 ? '' : ` in line ${line}`
    start = end + 1
  }
  return ''
}
