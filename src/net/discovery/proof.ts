/**
 * How a node shows, with its announcement, that it has the key.
 *
 * Anybody on the network can announce peers that do not exist, thousands a second, and each would be worth a dial that
 * leads nowhere. So an announcement carries a code that only the key makes out of the addresses announced. A stranger
 * that records it and says it again later can only repeat where a node was, and cannot make one up. A node that does
 * not know of it reads the announcement as before.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** How the text begins that proves the others. */
export const proofMark = 'proof='
/** What stands before the addresses that are announced (libp2p's mDNS specification). */
const addressPrefix = 'dnsaddr='
const secretBytes = 32
/** 128 bits: nobody guesses one in a lifetime of packets. */
const proofBytes = 16

export class Prover {
  readonly #secret: Buffer
  #last = { said: '', proof: '' }

  /** @param psk the cluster's; what proves is derived from it, for this use alone */
  constructor(psk: Uint8Array) {
    this.#secret = Buffer.from(hkdfSync('sha256', psk, '', 'hearsay announcement', secretBytes))
  }

  /** The text to announce beside the texts of an announcement. Kept, since most announcements repeat the last one. */
  textFor(texts: readonly string[]): string {
    const said = addressesIn(texts)
    if (said !== this.#last.said)
      this.#last = { said, proof: this.#code(said).toString('base64url') }
    return proofMark + this.#last.proof
  }

  /** Whether one of the texts proves the others. */
  isProven(texts: readonly string[]): boolean {
    const text = texts.find(each => each.startsWith(proofMark))
    if (text === undefined) return false
    const given = Buffer.from(text.slice(proofMark.length), 'base64url')
    return given.length === proofBytes && timingSafeEqual(given, this.#code(addressesIn(texts)))
  }

  #code(said: string): Buffer {
    return createHmac('sha256', this.#secret).update(said).digest().subarray(0, proofBytes)
  }
}

function addressesIn(texts: readonly string[]): string {
  return texts.filter(text => text.startsWith(addressPrefix)).join('\n')
}
