/**
 * The doors of a node through which a peer with the key comes: what can be said through each, in every way in which a
 * stream may go wrong. Each call says one thing; what the node makes of it is looked at afterwards.
 */
import type { Stream } from '@libp2p/interface'
import { encode as encodeFrames } from 'it-length-prefixed'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '../../../src/core/message.ts'
import { frameHeader } from '../../../src/net/streams/frames.ts'
import type { Random } from '../../../src/sim/world/random.ts'
import { encode } from '../../../src/wire/codec.ts'
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX } from '../../../src/core/options.ts'
import { encodeOutputRequest } from '../../../src/wire/runs/output.ts'
import { mutatedBytes } from '../mutating.ts'
import { framed, type Stranger } from './stranger.ts'

export type Visit = Readonly<{
  stranger: Stranger
  /** Of the node. */
  address: string
  random: Random
  /** A message, a little off; null if nothing comes to mind. */
  message: () => Message | null
  /** One that has not been changed. */
  plain: (kind: 'sync') => Message
}>

const IDENTIFY = '/ipfs/id/1.0.0'
const IDENTIFY_PUSH = '/ipfs/id/push/1.0.0'
const GOSSIP = '/meshsub/1.2.0'
/** Pieces of what is sent slowly, and the time between them. */
const PIECE_BYTES = 7
const PIECE_MS = 5
const PIECES_MAX = 40
/** Messages that follow each other: where nothing is asked, there is nothing to wait for. */
const AT_ONCE = 20
/** Time for which an answer is read on that is not asked for any more. */
const READ_MS = 60

/** Name -> says one thing through the door. */
export const PEER_DOORS: Readonly<Record<string, (visit: Visit) => Promise<void>>> = {
  direct: async visit => {
    for (let left = AT_ONCE; left > 0; left--) {
      const stream = await visit.stranger.direct(visit.address)
      await send(stream, direct(visit), visit.random)
    }
  },
  heartbeat: visit => publish(visit, visit.stranger.names.heartbeatTopic),
  log: visit => publish(visit, visit.stranger.names.logTopic),
  sync: async visit => {
    const bytes = encode(
      visit.random.chance(0.5) ? visit.plain('sync') : (visit.message() ?? visit.plain('sync'))
    )
    const question = encodeFrames.single(garbled(bytes, visit.random)).subarray()
    await ask(visit, visit.stranger.names.sync, question)
  },
  blob: visit => {
    const hash = Buffer.from(Array.from({ length: 32 }, () => visit.random.whole(0, 255)))
    return ask(visit, visit.stranger.names.blob, garbled(hash, visit.random))
  },
  output: visit => {
    const bytes = encodeOutputRequest({ kind: 'running' })
    const question = encodeFrames.single(garbled(bytes, visit.random)).subarray()
    return ask(visit, visit.stranger.names.output, question)
  },
  identify: visit => {
    const protocol = visit.random.pick([IDENTIFY, IDENTIFY_PUSH, GOSSIP])
    return ask(visit, protocol, garbled(noise(visit.random), visit.random))
  }
}

/** What a stranger answers when it is asked for news, a blob or output: rarely what it ought to. */
export function answer(stream: Stream, random: Random, news: () => readonly Message[]): void {
  const bytes = Buffer.concat(
    news().map(message => encodeFrames.single(garbled(encode(message), random)).subarray())
  )
  stream.addEventListener('message', () => void send(stream, bytes, random), { once: true })
}

function direct({ random, message }: Visit): Uint8Array {
  const said = message()
  const bytes = said === null ? noise(random) : encode(said)
  const dice = random.next()
  if (dice < 0.6) return framed(bytes)
  if (dice < 0.8) return framed(mutatedBytes(bytes, [], random))
  if (dice < 0.9) return mutatedBytes(framed(bytes), [], random)
  const length = random.pick([FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1, 2 ** 32 - 1, bytes.length + 1])
  return Buffer.concat([frameHeader(length), bytes])
}

async function publish({ stranger, random, message }: Visit, topic: string): Promise<void> {
  for (let left = AT_ONCE; left > 0; left--) {
    const said = message()
    const bytes = said === null ? noise(random) : garbled(encode(said), random)
    if (bytes.length > 2 * GOSSIP_BYTES_MAX) continue
    await stranger.network.services.pubsub.publish(topic, bytes)
  }
}

async function ask(
  { stranger, address, random }: Visit,
  protocol: string,
  bytes: Uint8Array
): Promise<void> {
  const stream = await stranger.stream(address, protocol)
  // Some do not read.
  if (random.chance(0.3)) stream.pause()
  await send(stream, bytes, random)
  await sleep(random.whole(0, READ_MS))
  if (random.chance(0.7)) stream.abort(new Error('enough'))
}

/** At once, in small pieces, half of it, more of it than there is; then left open, closed, half-closed or broken. */
async function send(stream: Stream, bytes: Uint8Array, random: Random): Promise<void> {
  const dice = random.next()
  if (dice < 0.15) {
    for (let at = 0, left = PIECES_MAX; at < bytes.length && left > 0; at += PIECE_BYTES, left--) {
      if (stream.status !== 'open') return
      stream.send(bytes.subarray(at, at + PIECE_BYTES))
      await sleep(PIECE_MS)
    }
  } else if (dice < 0.25) {
    stream.send(bytes.subarray(0, random.whole(0, bytes.length)))
  } else if (dice < 0.3) {
    stream.send(
      Buffer.concat(Array.from({ length: 50 }, () => bytes)).subarray(0, 2 * FRAME_BYTES_MAX)
    )
  } else {
    stream.send(bytes)
  }
  const end = random.next()
  if (end < 0.1) void stream.close().catch(() => undefined)
  else if (end < 0.15) stream.abort(new Error('broken'))
  else if (end < 0.2) void stream.closeRead().catch(() => undefined)
}

function garbled(bytes: Uint8Array, random: Random): Uint8Array {
  return random.chance(0.5) ? mutatedBytes(bytes, [], random) : bytes
}

function noise(random: Random): Uint8Array {
  return Buffer.from(Array.from({ length: random.whole(0, 300) }, () => random.whole(0, 255)))
}
