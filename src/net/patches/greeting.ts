/**
 * Whether the other end of a connection has the key, seen at the first twenty bytes.
 *
 * The pre-shared key refuses nobody by itself: what a stranger sends is deciphered into noise, and the noise is read as
 * the length of a message. That reading has no bound (libp2p's `lpStream` looks at its bound only once a length is
 * complete, and one stranger in 256 sends a length that never is), goes on for as long as bytes come, and costs an
 * exception a byte: a stranger that keeps sending stopped the node's loop for seconds and grew it by hundreds of
 * megabytes.
 *
 * But both ends of every connection begin with the same words (the multistream-select specification), so a peer that
 * does not say them has another key, or none. Nothing after them is read.
 */
import type { ConnectionProtector, MultiaddrConnection } from '@libp2p/interface'

/** What the protector makes has beside its interface. */
type Protected = MultiaddrConnection & {
  inboundXor: { update(bytes: Uint8Array): Uint8Array }
  readBuffer: { byteLength: number; subarray(from: number, to: number): Uint8Array }
}

/** The length of the name, and the name. */
export const GREETING: Uint8Array = Buffer.from('\x13/multistream/1.0.0\n')
const nothing = new Uint8Array(0)

/** The same protector; a connection that does not begin with the greeting is closed. */
export function greeted(create: () => ConnectionProtector): () => ConnectionProtector {
  return () => {
    const protector = create()
    const protect = protector.protect.bind(protector)
    protector.protect = async (connection, options) => {
      const connected = (await protect(connection, options)) as Protected
      expectGreeting(connected)
      return connected
    }
    return protector
  }
}

function expectGreeting(connection: Protected): void {
  const { inboundXor, readBuffer } = connection
  let seen = 0
  /** Whether the bytes go on as the greeting does. */
  const goesOn = (bytes: Uint8Array): boolean => {
    const said = bytes.subarray(0, GREETING.length - seen)
    const isGreeting = Buffer.compare(said, GREETING.subarray(seen, seen + said.length)) === 0
    seen += said.length
    return isGreeting
  }
  const refuse = (): void => connection.abort(new StrangerError())
  const update = inboundXor.update.bind(inboundXor)
  inboundXor.update = bytes => {
    const clear = update(bytes)
    if (!goesOn(clear)) refuse()
    else if (seen === GREETING.length) inboundXor.update = update
    return connection.status === 'open' ? clear : nothing
  }
  // What came together with the nonce has been deciphered already.
  if (!goesOn(readBuffer.subarray(0, Math.min(readBuffer.byteLength, GREETING.length)))) refuse()
}

/** The other end of a connection does not have the key. */
export class StrangerError extends Error {
  override readonly name = 'StrangerError'

  constructor() {
    super('the other end does not have the key of this cluster')
  }
}
