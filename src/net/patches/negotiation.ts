/**
 * Streams whose first words are of the form that they must have: messages with their length before them.
 *
 * libp2p reads a length byte by byte, at an exception for each byte that does not complete it, and looks at its bound
 * only once it is complete. A peer that sends a length that never ends holds up everything else for as long as it
 * sends. Measured: 250 kB stopped the loop for five seconds. So the lengths are followed here, before libp2p reads
 * them, for as long as the protocol is being agreed on; and in libp2p's own protocol for saying who one is, which is
 * read in the same way.
 */
import type { MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

type Bytes = Uint8Array | Uint8ArrayList
/** What streams and muxers have beside their interfaces. */
type Fed = MessageStream & { protocol: string; onData: (bytes: Bytes) => void }
type Feeding = StreamMuxer & { onRemoteStream: (stream: Fed) => void }

/** Room for 16,383 bytes: names of protocols take 1,024 at most, and who one is 8,192. */
const lengthBytesMax = 2
/** The bit that says that a length goes on. */
const moreBit = 0x80
const identify = '/ipfs/id/'

/** The same muxers; a stream that begins with a length that is too long is aborted. */
export function negotiated(create: () => StreamMuxerFactory): () => StreamMuxerFactory {
  return () => {
    const factory = create()
    const createMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = connection => watched(createMuxer(connection) as Feeding)
    return factory
  }
}

function watched(muxer: Feeding): Feeding {
  const accept = muxer.onRemoteStream.bind(muxer)
  muxer.onRemoteStream = stream => {
    watch(stream)
    accept(stream)
  }
  const open = muxer.createStream.bind(muxer)
  muxer.createStream = async options => {
    const stream = await open(options)
    watch(stream as unknown as Fed)
    return stream
  }
  return muxer
}

function watch(stream: Fed): void {
  const take = stream.onData.bind(stream)
  const lengths = new Lengths()
  stream.onData = bytes => {
    const { protocol } = stream
    if (protocol !== '' && !protocol.startsWith(identify)) stream.onData = take
    else if (!lengths.areShort(bytes)) {
      return stream.abort(new Error('the stream begins with a length that has no end'))
    }
    take(bytes)
  }
}

/** Follows messages, each with its length before it. */
export class Lengths {
  #left = 0
  #length = 0
  #lengthBytes = 0

  /** Whether all lengths in the next bytes are short enough. */
  areShort(bytes: Bytes): boolean {
    const pieces = bytes instanceof Uint8Array ? [bytes] : bytes
    for (const piece of pieces) if (!this.#follow(piece)) return false
    return true
  }

  #follow(piece: Uint8Array): boolean {
    for (let at = 0; at < piece.length;) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, piece.length - at)
        this.#left -= passed
        at += passed
        continue
      }
      const byte = piece[at++]!
      this.#length += (byte & ~moreBit) << (7 * this.#lengthBytes++)
      if ((byte & moreBit) === 0) {
        this.#left = this.#length
        this.#length = 0
        this.#lengthBytes = 0
      } else if (this.#lengthBytes >= lengthBytesMax) return false
    }
    return true
  }
}
