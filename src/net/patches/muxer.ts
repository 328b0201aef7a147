/**
 * Yamux that says less. A yamux reader tells the writer how much more it may send. libp2p's says so after every frame,
 * however small, which makes a small message cost two: each update is framed, encrypted and written by itself. Go's
 * says it when half of the window is used up, and so do we: smaller updates are held back and added up.
 *
 * That is safe because an update only ever allows more, and half of the smallest window is always left.
 */
import { yamux, type YamuxMuxerInit } from '@libp2p/yamux'
import type { StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

type Header = { type: number; flag: number; streamID: number; length: number }
type Frames = { sendFrame(header: Header, data?: unknown): void }

/** From yamux's specification. */
const WINDOW_UPDATE = 1
/** Half of the window that every stream begins with, 256 KiB. */
const HELD_BYTES_MAX = 131_072

export function quietYamux(init: YamuxMuxerInit): () => StreamMuxerFactory {
  return () => {
    const factory = yamux(init)()
    const create = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = connection => quiet(create(connection))
    return factory
  }
}

/** Streams call `sendFrame` of their muxer; it is public in the class, if not in the interface. */
function quiet<Muxer extends StreamMuxer>(muxer: Muxer): Muxer {
  const frames = muxer as unknown as Frames
  const send = frames.sendFrame.bind(muxer)
  const held = new Map<number, number>()
  frames.sendFrame = (header, data) => {
    const { type, flag, streamID, length } = header
    if (type !== WINDOW_UPDATE || flag !== 0) {
      // Flags open or end a stream: either way nothing is owed to it any more.
      if (flag !== 0) held.delete(streamID)
      return send(header, data)
    }
    const owed = length + (held.get(streamID) ?? 0)
    if (owed < HELD_BYTES_MAX) {
      held.set(streamID, owed)
      return
    }
    held.delete(streamID)
    send({ ...header, length: owed })
  }
  return muxer
}
