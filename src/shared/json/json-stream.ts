/** JSON of any size, checked while it is read and never here as a whole: by the same rules as small JSON (json-scan.ts). */
import { JsonRefusedError, JsonScan } from './json-scan.ts'

/**
 * The same as text. A reader has had the first pieces by the time that a later one is refused.
 *
 * @throws SyntaxError JsonRefusedError, or what the pieces throw
 */
export async function* verifiedJson(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  // Loaded only for what is large: every verb would pay for them.
  const { jsonVerifier } = await import('stream-json/utils/verifier.js')
  const { none } = await import('stream-chain/defs.js')
  // Its types leave out that it is told of the end.
  const verify = jsonVerifier() as (text: string | typeof none) => unknown
  const scan = new JsonScan()
  const check = (text: string | typeof none): void => {
    try {
      verify(text)
    } catch (error) {
      throw new SyntaxError((error as Error).message, { cause: error })
    }
  }
  for await (const text of utf8Stream(pieces)) {
    check(text)
    scan.push(text)
    yield text
  }
  check(none)
  scan.end()
}

/** Bytes as text, without a byte order mark in front. @throws JsonRefusedError if they are not UTF-8 */
export async function* utf8Stream(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let bytes = 0
  const decode = (piece?: Uint8Array): string => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined })
    } catch {
      throw new JsonRefusedError(`is not UTF-8 after some ${bytes} bytes`)
    }
  }
  for await (const piece of pieces) {
    const text = decode(piece)
    bytes += piece.length
    if (text !== '') yield text
  }
  decode()
}
