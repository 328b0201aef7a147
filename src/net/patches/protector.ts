/**
 * The pre-shared key round every connection, within the memory that its cipher has.
 *
 * All ciphers of a process share one small memory, and both of its doors were left open: a large piece makes it grow,
 * after which every other cipher believes that it has none and lets it grow again, until its bound is met and the
 * process ends; and a cipher's place in it is never given back. So pieces are cut up here before they reach a cipher,
 * and the places of a connection are given back when it closes. (libp2p has taken in the same since the release we use:
 * github.com/libp2p/js-libp2p/pull/3585. With the next one this file can go.)
 *
 * Measured: one piece of 700 kB, then 500 small ones on two connections, ended a node.
 */
import type { ConnectionProtector, MultiaddrConnection } from '@libp2p/interface'
import { preSharedKey } from '@libp2p/pnet'

type Cipher = {
  update(bytes: Uint8Array): Uint8Array
  update(bytes: Uint8Array, into: Uint8Array): Uint8Array
  finalize(): void
}

/** What the protector makes has beside its interface: a cipher for each direction. */
type Protected = MultiaddrConnection & { inboundXor: Cipher; outboundXor: Cipher }

/** The shared memory begins with 640 KiB. */
const PIECE_BYTES_MAX = 65_536

/** @param psk in the text form of go-ipfs's `swarm.key` */
export function thriftyProtector(psk: Uint8Array): () => ConnectionProtector {
  return () => {
    const protector = preSharedKey({ psk })()
    const protect = protector.protect.bind(protector)
    protector.protect = async (connection, options) => {
      const connected = (await protect(connection, options)) as Protected
      const ciphers = [thrifty(connected.inboundXor), thrifty(connected.outboundXor)]
      connected.addEventListener('close', () => ciphers.forEach(end => end()), { once: true })
      return connected
    }
    return protector
  }
}

/** Returns how to end the cipher. */
function thrifty(cipher: Cipher): () => void {
  const update = cipher.update.bind(cipher)
  let ended = false
  cipher.update = (bytes: Uint8Array): Uint8Array => {
    // Whatever is still under way when a connection closes goes nowhere.
    if (ended) return new Uint8Array(0)
    const result = new Uint8Array(bytes.length)
    for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
      update(bytes.subarray(at, at + PIECE_BYTES_MAX), result.subarray(at, at + PIECE_BYTES_MAX))
    }
    return result
  }
  return () => {
    if (!ended) cipher.finalize()
    ended = true
  }
}
