/**
 * A checksum in front of each value on disk. It covers the key too, so that a value that has slipped under another key
 * is noticed as well.
 */
import { crc32 } from 'node:zlib'

export const CHECKSUM_BYTES = 4

/** `bytes`, to be stored under `key`. */
export function seal(key: string, bytes: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(CHECKSUM_BYTES + bytes.length)
  sealed.set(bytes, CHECKSUM_BYTES)
  return sealInPlace(key, sealed)
}

/** The same, where the bytes already stand behind room for the checksum. */
export function sealInPlace(key: string, sealed: Buffer): Uint8Array {
  sealed.writeUInt32BE(crc32(sealed.subarray(CHECKSUM_BYTES), crc32(key)))
  return sealed
}

/** What was sealed, or null if it is damaged. */
export function unseal(key: string, sealed: Uint8Array): Uint8Array | null {
  if (sealed.length < CHECKSUM_BYTES) return null
  const bytes = sealed.subarray(CHECKSUM_BYTES)
  const view = new DataView(sealed.buffer, sealed.byteOffset)
  return view.getUint32(0) === crc32(bytes, crc32(key)) ? bytes : null
}
