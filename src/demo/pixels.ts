/** A tile's pixels on their way from the node that computed them to the one that puts the picture together. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { GRID } from './mandelbrot.ts'

/** The bytes of a tile as text that JSON can carry. */
export function packPixels(bytes: Uint8Array): string {
  return deflateRawSync(bytes, { level: 9 }).toString('base64')
}

/** The way back. Throws a RangeError if that is not a whole tile. */
export function unpackPixels(text: string): Uint8Array {
  const size = GRID.tileWidth * GRID.tileHeight
  const bytes = inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: size })
  if (bytes.length !== size) {
    throw new RangeError(`a tile of ${bytes.length} pixels instead of ${size}: compute it again`)
  }
  return bytes
}
