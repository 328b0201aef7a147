/**
 * The names under which nodes of one cluster find and address each other, and the numbers of the network.
 *
 * Every name carries the cluster's, so that two clusters on one wire do not even agree on a protocol; and a version, so
 * that a future change of format is a different protocol instead of a message that cannot be read.
 */
import { createHash } from 'node:crypto'
import { InvalidOptionError } from '../shared/errors.ts'
import { CLUSTER_NAME } from '../shared/names.ts'

export type ProtocolNames = Readonly<{
  direct: string
  sync: string
  blob: string
  output: string
  timeline: string
  logTopic: string
  heartbeatTopic: string
}>

/** A DNS label is 63 bytes at most (RFC 1035, 2.3.4). */
const labelLengthMax = 63
/** How every tag of ours begins, in a packet as well. */
export const tagMark = '_hearsay-'
const tagSuffix = '._udp.local'
const TAG = /^_hearsay-([a-z0-9-]+)-([0-9a-f]{4,32})\._udp\.local$/
/** Question for the services that there are (RFC 6763, 9). */
export const servicesTag = '_services._dns-sd._udp.local'

/**
 * The smaller id dials first; the larger one after this, should the smaller not manage. Measured: 15 links for 15
 * pairs.
 */
export const dialFallbackMs = 2500
/** Peers that are lost together are looked at together: half the shortest pause between two attempts. */
export const dialSweepMs = 250
/**
 * How often our own addresses are looked at. Guess: a new one is known well before a silent link is given up. A look
 * costs less than a tenth of a millisecond.
 */
export const addressLookMs = 2000

/** Pause after a failed attempt; doubles up to the maximum: a node that is back is reached within seconds. */
export const dialPauseMs = 500
export const dialPauseMsMax = 5000
/**
 * The same where nobody listens any more, other than at an address of the settings. A process that starts there again
 * dials whom it knows, and announces itself; and short programs that each were a node are many.
 */
export const dialDesertedMsMax = 60_000
/** One attempt, over all addresses of a peer. A LAN answers within milliseconds; this leaves room for a busy one. */
export const dialTimeoutMs = 5000

/** Silence after which an address of the settings counts as unanswered: no shorter than one dial takes. */
export const unansweredMs = 5000
/** The log speaks of a silence of the same address no more often. */
export const unansweredAgainMs = 60_000
/** Time that an address that does not answer at all (cut cable, other key) holds up the next one. */
export const addressTimeoutMs = 2000

/**
 * Inbound connections that have not shown the key yet, in all and from one host. A host may have fifty nodes, which all
 * dial at once after a cut; a connection costs some 20 KB. Guess.
 */
export const halfOpenMax = 256
export const halfOpenPerHostMax = 64
/**
 * Connections that are taken in a second, in all and from one host. Measured: each costs 0.15 ms; flooded with 1,600 a
 * second, of which libp2p turned away all but 50, a node grew by 200 MB. A share holds what fifty nodes of one host do
 * at once.
 */
export const arrivalsPerSecond = 1000
export const arrivalsPerHostAndSecond = 100
/** How long one may take to show the key: half as long again as the one who dials waits. */
export const upgradeTimeoutMs = 3000

/** While young, or while a peer is away, ask the LAN every second. Asking always would cost 2.5 % of a core. */
export const askOftenMs = 1000
/**
 * Otherwise ever more rarely, down to this: only a newcomer is still to be found, and newcomers ask by themselves. Two
 * clusters that grow together, as when a cable is plugged in, find each other by the first question of any node.
 */
export const askRarelyMs = 30_000
/** Peers that a question names at most: each takes a hundred bytes of a packet that should not be cut up. */
export const namedMax = 10
/**
 * Packets about us that are taken apart in a second, of each kind: in all, and of one sender. Measured: 5 us each, and
 * 15 more where a proof is looked at. Fifty nodes that start together on one computer ask fifty times a second, and
 * each is answered by all.
 */
export const packetsPerSecond = 2000
export const packetsPerSenderAndSecond = 200
/** The largest that mDNS knows (RFC 6762, 17). */
export const packetBytesMax = 9000
/** Texts in one announcement: four for each address that is kept. Taking an address apart costs 10 us. */
export const announcedTextsMax = 64
/**
 * Answers to questions, a second; further questions in that second get one answer together, since all hear it. No node
 * asks twice a second, and a flood of questions must not make all of them answer at once.
 */
export const repliesPerSecond = 4
/** How long a node counts as young. */
export const youngMs = 5000
/** How long a lost peer, or any peer, is looked for every second. After that known addresses are still dialled. */
export const missingMs = 60_000

/**
 * Peers in the address book: five times the design's fifty. Anybody on the LAN can announce peers that do not exist.
 */
export const peersMax = 256
export const addressesPerPeerMax = 16
/** A peer that has announced itself with proof, and was never reached, is dropped after this. */
export const unverifiedPeerTtlMs = 60_000
/** Dials to peers of the book under way at once, each to one peer. A cut may part fifty nodes at once. */
export const dialsMax = 64

/**
 * What is announced without proof is hearsay, and worth little: nodes of this version prove what they say. These bound
 * the announcements that are looked at in a second, in all and of one sender; the peers that are kept, in all and of
 * one sender; and the dials under way. All guesses, but that dials that lead nowhere take two seconds each, and that
 * half a dozen nodes of a computer are to be found within seconds.
 */
export const hearsayPerSecond = 50
export const hearsayPerSenderAndSecond = 10
export const hearsayPeersMax = 64
export const hearsayPeersPerSenderMax = 8
export const hearsayDialsMax = 4
/** Addresses of one peer that was announced without proof. All of them are tried within the time of a dial. */
export const hearsayAddressesMax = 2
/** Failed dials after which a peer that was announced without proof is dropped. */
export const hearsayFailuresMax = 3

/** Waiting for one peer, in bytes. Beyond it the peer does not read, and its messages are dropped. */
export const queueBytesMax: number = 8 * 1024 * 1024
/** One `send` on a stream: larger ones only move the backlog from our queue into the stream's buffer. */
export const sendBytesMax: number = 256 * 1024
/** Nobody on a LAN takes longer to refuse a connection. */
export const probeTimeoutMs = 1000
export const streamOpenTimeoutMs = 5000
/** Time that unsent messages get at `stop`. A peer that hangs must not hang us. */
export const flushTimeoutMs = 500
export const stopTimeoutMs = 3000

/** Time after which a sync that moves nothing is given up. */
export const syncStallMs = 10_000
/** Answers under way at once; a peer has one at most. Each may hold a stream window (1 MiB) of the log. */
export const answersMax = 8

/** Blobs sent at once, in all and to one peer. Each holds a piece of a file and a stream window (1 MiB). */
export const blobAnswersMax = 32
export const blobAnswersPerPeerMax = 16

/**
 * Time after which an answer about output on which nothing moves is given up: three times as long as a node is quiet
 * while it follows.
 */
export const outputStallMs = 10_000
/** Answers about output under way, in all and to one peer: a peer may follow many runs. A slow reader costs 1 MiB. */
export const outputAnswersMax = 256
export const outputAnswersPerPeerMax = 128

/**
 * Answers about the timeline under way, in all and to one peer: an asker asks once for all who look. Each is made as it
 * is read, of some hundred KB at most.
 */
export const timelineAnswersMax = 32
export const timelineAnswersPerPeerMax = 4
/** Nothing is waited for in such an answer. */
export const timelineStallMs = 5000

/** How often gossip streams are compared with connections; two misses in a row count, so that a new one has time. */
export const watchMs = 3000
/**
 * Looks in a row at which a peer may be silent: it has missed six heartbeats. Shorter cuts healthy links under load,
 * and whether a node is gone is decided elsewhere; this only makes room for a new connection.
 */
export const silentLooksMax = 4
/** Unread gossip per peer. Gossipsub itself has no bound that leaves the stream usable. */
export const gossipBacklogBytesMax: number = 8 * 1024 * 1024

/** The protocols and topics of a cluster. */
export function protocolNames(cluster: string): ProtocolNames {
  return {
    direct: `/hearsay/${cluster}/direct/1`,
    sync: `/hearsay/${cluster}/sync/1`,
    blob: `/hearsay/${cluster}/blob/1`,
    output: `/hearsay/${cluster}/output/1`,
    timeline: `/hearsay/${cluster}/timeline/1`,
    logTopic: `/hearsay/${cluster}/log/1`,
    heartbeatTopic: `/hearsay/${cluster}/heartbeat/1`
  }
}

/**
 * The mDNS service under which a cluster's nodes look for each other. The fingerprint of the key is part of it: who
 * has another key is not even found.
 *
 * @throws InvalidOptionError if the fingerprint is not short lower-case hex
 */
export function serviceTag(cluster: string, fingerprint: string): string {
  if (!/^[0-9a-f]{4,32}$/.test(fingerprint)) {
    throw new InvalidOptionError(
      `fingerprint must be 4 to 32 lower-case hexadecimal digits, not ${JSON.stringify(fingerprint)}`
    )
  }
  return `${tagStart(cluster, fingerprint.length)}${fingerprint}${tagSuffix}`
}

/** Whether `tag` is that of a cluster of the same name whose key is another. */
export function isNamesake(tag: string, cluster: string, fingerprint: string): boolean {
  const start = tagStart(cluster, fingerprint.length)
  if (!tag.startsWith(start) || !tag.endsWith(tagSuffix)) return false
  const other = tag.slice(start.length, -tagSuffix.length)
  return other !== fingerprint && other.length === fingerprint.length && /^[0-9a-f]+$/.test(other)
}

/** The cluster and the fingerprint in a tag; null if it is none of ours. */
export function clusterOfTag(tag: string): { cluster: string; fingerprint: string } | null {
  const [, cluster, fingerprint] = TAG.exec(tag) ?? []
  if (cluster === undefined || fingerprint === undefined) return null
  return CLUSTER_NAME.test(cluster) ? { cluster, fingerprint } : null
}

function tagStart(cluster: string, fingerprintLength: number): string {
  const room = labelLengthMax - tagMark.length - fingerprintLength - 1
  const hash = createHash('sha256').update(cluster).digest('hex').slice(0, 12)
  const name = cluster.length <= room ? cluster : `${cluster.slice(0, room - 13)}-${hash}`
  return `${tagMark}${name}-`
}
