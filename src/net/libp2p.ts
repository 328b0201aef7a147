/**
 * The libp2p node that everything else in this folder works with: its parts and its numbers.
 *
 * A pre-shared key guards every connection before any protocol is spoken, so admission is the key and nothing else.
 * Gossip is a star: a node that publishes sends to all members itself, none forwards, and the heartbeat's IHAVE/IWANT
 * repairs where a link is missing. Among fifty nodes on one LAN that costs a fifth of a forwarding mesh (measured).
 */
import { hash } from 'node:crypto'
import { gossipsub, type GossipSub, type GossipsubOpts } from '@chainsafe/libp2p-gossipsub'
import { identify, type Identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey, Startable } from '@libp2p/interface'
import { tcp, type TCPSocketOptions } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { InvalidOptionError } from '../shared/errors.ts'
import { announced } from './discovery/addresses.ts'
import type { DiscoveryComponents } from './discovery/mdns.ts'
import { Arrivals, Door } from './door.ts'
import { greeted } from './patches/greeting.ts'
import { libp2pLogger } from './libp2p-log.ts'
import type { TransportLog } from './log.ts'
import { quietYamux } from './patches/muxer.ts'
import { negotiated } from './patches/negotiation.ts'
import { quietNoise, type Handshakes } from './patches/noise.ts'
import { thriftyProtector } from './patches/protector.ts'
import {
  addressTimeoutMs,
  arrivalsPerHostAndSecond,
  dialTimeoutMs,
  halfOpenMax,
  upgradeTimeoutMs,
  type ProtocolNames
} from './protocol.ts'

export type Services = {
  identify: Identify
  pubsub: GossipSub
  discovery: Startable
}
export type Network = Libp2p<Services>

export type NetworkOptions = Readonly<{
  privateKey: PrivateKey
  psk: Uint8Array
  names: ProtocolNames
  listen: readonly string[]
  /** The only interface to announce, or null for all. */
  only: string | null
  discovery: (components: DiscoveryComponents) => Startable
  /**
   * Called with the host of each connection to us that has ended without having shown the key.
   *
   * @default nobody is told
   */
  onStranger?: (host: string) => void
  /** Counts handshakes that come in. @default nobody counts */
  handshakes?: Handshakes
  log: TransportLog
}>

const pskBytes = 32

/**
 * A node that is not started yet.
 *
 * @throws InvalidOptionError if the pre-shared key has the wrong size
 */
export async function createNetwork(options: NetworkOptions): Promise<Network> {
  const { privateKey, psk, names, listen, only, discovery, log } = options
  const { onStranger = () => undefined } = options
  return createLibp2p<Services>({
    start: false,
    privateKey,
    addresses: { listen: [...listen], announceFilter: addresses => announced(addresses, only) },
    transports: [tcp({ listenOpts: { blockList: new Arrivals(onStranger) } as TCPSocketOptions })],
    connectionEncrypters: [quietNoise(options.handshakes)],
    streamMuxers: [
      negotiated(
        quietYamux({
          maxInboundStreams: 64,
          maxOutboundStreams: 64,
          // A ping each half a minute, whose failure is ignored.
          enableKeepAlive: false,
          // Only a window below the read buffer makes pause() hold the sender back; the default of 16 MiB outgrows it.
          streamOptions: { maxStreamWindowSize: 1 << 20, maxReadBufferLength: 4 << 20 }
        })
      )
    ],
    connectionProtector: greeted(thriftyProtector(swarmKey(psk))),
    connectionGater: new Door(onStranger),
    connectionManager: {
      maxConnections: 128,
      // The door bounds both, before libp2p would: when these are reached, every newcomer is turned away, members
      // included.
      inboundConnectionThreshold: 2 * arrivalsPerHostAndSecond,
      maxIncomingPendingConnections: 2 * halfOpenMax,
      inboundUpgradeTimeout: upgradeTimeoutMs,
      // We redial ourselves: libp2p gives up after five attempts.
      reconnectRetries: 0,
      dialTimeout: dialTimeoutMs,
      addressDialTimeout: addressTimeoutMs
    },
    // Gossip notices who has fallen silent (gossip.ts), at no cost: a ping opens a stream.
    connectionMonitor: { enabled: false },
    logger: libp2pLogger(log),
    services: {
      identify: identify(),
      pubsub: gossipsub(gossipOptions(names)),
      discovery
    }
  })
}

function gossipOptions(names: ProtocolNames): Partial<GossipsubOpts> {
  return {
    // The key has let the sender in; a signature would cost ten times the rest of a small message.
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: message => hash('sha256', message.data, 'buffer'),
    fastMsgIdFn: message => hash('sha256', message.data ?? new Uint8Array(0), 'binary'),
    msgIdToStrFn: id => Buffer.from(id).toString('latin1'),
    floodPublish: true,
    batchPublish: true,
    D: 0,
    Dlo: 0,
    Dhi: 0,
    Dout: 0,
    Dscore: 0,
    // Each time every peer is told the ids of what was said since the last time, in case a link is missing. That was a
    // third of what an idle node did; two and a half seconds are soon enough for what gossip is, and kept as long as
    // before.
    heartbeatInterval: 2500,
    mcacheLength: 2,
    mcacheGossip: 1,
    fallbackToFloodsub: false,
    doPX: false,
    allowPublishToZeroTopicPeers: true,
    allowedTopics: [names.logTopic, names.heartbeatTopic],
    maxTopicBytesPerPeer: 64 << 10,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    // Many nodes on one computer, and a node that was too busy to answer, are both no offence here.
    scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0 },
    // Frame limits stay at their defaults: one frame above a lowered limit ends gossip with that peer for good.
    decodeRpcLimits: {
      maxSubscriptions: 64,
      maxPeerInfos: 0,
      maxMessages: 5000,
      maxIhaveMessageIDs: 5000,
      maxIwantMessageIDs: 5000,
      maxControlMessages: 5000,
      maxIdontwantMessageIDs: 512
    }
  }
}

/** libp2p takes a pre-shared key in the text form of go-ipfs's `swarm.key`. */
function swarmKey(psk: Uint8Array): Uint8Array {
  if (psk.length !== pskBytes) {
    throw new InvalidOptionError(`psk must be ${pskBytes} bytes, not ${psk.length}`)
  }
  return Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(psk).toString('hex')}`)
}
