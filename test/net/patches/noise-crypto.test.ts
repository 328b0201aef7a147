/** Frames are encrypted with what is quickest for their size; which that is, nobody on the wire can tell. */
import { randomBytes } from 'node:crypto'
import { pureJsCrypto } from '@libp2p/noise'
import { expect, test } from 'vitest'
import { quickCrypto } from '../../../src/net/patches/noise-crypto.ts'

const SIZES = [0, 1, 239, 240, 255, 256, 1200, 65_519]
const keys = [randomBytes(32), randomBytes(32)]
const nonce = randomBytes(12)
const none = new Uint8Array(0)

test('a frame of any size is what another implementation makes of it, under either of two keys', () => {
  for (const size of SIZES) {
    const plain = randomBytes(size)
    for (const key of [...keys, ...keys]) {
      const sealed = quickCrypto.chaCha20Poly1305Encrypt(plain, nonce, none, key).subarray()
      const theirs = pureJsCrypto.chaCha20Poly1305Encrypt(plain, nonce, none, key).subarray()
      expect(Buffer.compare(sealed, theirs)).toBe(0)
      const opened = quickCrypto.chaCha20Poly1305Decrypt(theirs, nonce, none, key).subarray()
      expect(Buffer.compare(opened, plain)).toBe(0)
    }
  }
})

test('a frame that was changed on its way, or is under another key, is refused', () => {
  const [key, other] = keys as [Buffer, Buffer]
  for (const size of SIZES) {
    const sealed = Buffer.from(
      quickCrypto.chaCha20Poly1305Encrypt(randomBytes(size), nonce, none, key).subarray()
    )
    expect(() => quickCrypto.chaCha20Poly1305Decrypt(sealed, nonce, none, other)).toThrow()
    sealed[0]! ^= 1
    expect(() => quickCrypto.chaCha20Poly1305Decrypt(sealed, nonce, none, key)).toThrow()
  }
})
