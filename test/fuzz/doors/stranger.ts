/**
 * A peer that has the key, is linked to all nodes of a cluster, and says whatever it is told to say. It hears what they say,
 * as a member would, and answers what they ask with whatever a door makes up.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { readFile } from 'node:fs/promises'
import { bootId, type BootId } from '../../../src/core/base/ids.ts'
import type { Message } from '../../../src/core/message.ts'
import { deriveKeys, parseKey } from '../../../src/key.ts'
import { FrameReader, frameHeader } from '../../../src/net/streams/frames.ts'
import { createNetwork, type Network } from '../../../src/net/libp2p.ts'
import { protocolNames, type ProtocolNames } from '../../../src/net/protocol.ts'
import { readFrom } from '../mutating.ts'

const CLUSTER = 'chaos'
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const DIAL_MS_MAX = 10_000

export type StrangerOptions = Readonly<{
  /** A member says something. */
  heard: (message: Message) => void
  /** A member opens a stream to ask something, under a name of a protocol. */
  asked: (stream: Stream, protocol: string) => void
}>

export class Stranger {
  readonly names: ProtocolNames = protocolNames(CLUSTER)
  readonly network: Network
  readonly boot: BootId
  /** To each member the stream of messages, once it is open. */
  readonly #directs = new Map<string, Stream>()

  private constructor(network: Network) {
    this.network = network
    this.boot = bootId(network.peerId.toString(), Date.now() * 1000, 1)
  }

  static async arrive(keyFile: string, { heard, asked }: StrangerOptions): Promise<Stranger> {
    const { psk } = deriveKeys(parseKey(await readFile(keyFile, 'utf8')), CLUSTER)
    const network = await createNetwork({
      privateKey: await generateKeyPair('Ed25519'),
      psk,
      names: protocolNames(CLUSTER),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      only: null,
      discovery: () => ({ start: () => undefined, stop: () => undefined }),
      log: silent
    })
    const stranger = new Stranger(network)
    await network.start()
    const { direct, sync, blob, output, logTopic, heartbeatTopic } = stranger.names
    await network.handle(direct, stream => hear(stream, heard))
    for (const protocol of [sync, blob, output]) {
      await network.handle(protocol, stream => asked(stream, protocol))
    }
    const { pubsub } = network.services
    pubsub.addEventListener('gossipsub:message', ({ detail: { msg } }) => tell(msg.data, heard))
    for (const topic of [logTopic, heartbeatTopic]) pubsub.subscribe(topic)
    return stranger
  }

  /** @throws Error if the node does not take a connection: it is dead, or full */
  async dial(address: string): Promise<Connection> {
    return this.network.dial(multiaddr(address), { signal: AbortSignal.timeout(DIAL_MS_MAX) })
  }

  /** The stream of messages to a member, opened anew if it has ended. */
  async direct(address: string): Promise<Stream> {
    const before = this.#directs.get(address)
    if (before?.status === 'open') return before
    const stream = await this.stream(address, this.names.direct)
    stream.send(frameHeader(0))
    this.#directs.set(address, stream)
    return stream
  }

  async stream(address: string, protocol: string): Promise<Stream> {
    const connection = await this.dial(address)
    return connection.newStream(protocol, { signal: AbortSignal.timeout(DIAL_MS_MAX) })
  }

  async leave(): Promise<void> {
    await this.network.stop()
  }
}

/** Bytes as one message on a stream of messages. */
export function framed(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([frameHeader(bytes.length), bytes])
}

function hear(stream: Stream, heard: (message: Message) => void): void {
  const reader = new FrameReader()
  stream.addEventListener('message', ({ data }) => {
    try {
      reader.push(data.subarray(), frame => tell(frame, heard))
    } catch {
      stream.abort(new Error('a member sent what is no frame'))
    }
  })
}

function tell(bytes: Uint8Array, heard: (message: Message) => void): void {
  const message = readFrom(bytes)
  if (message !== null) heard(message)
}
