/** Bytes that runs have said, as text. */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** What is no UTF-8 is replaced. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}
