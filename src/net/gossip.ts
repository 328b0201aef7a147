/**
 * Messages to all members, over gossipsub: one topic for heartbeats, one for the log.
 *
 * Gossip is only a hint, so nothing here is repeated or acknowledged. What has to be watched is that it stays possible:
 * gossipsub opens one stream per peer and never again, so a connection may outlive it. A peer that is connected and has
 * no such stream, or lets it fill up, is disconnected for good; dialling begins anew.
 *
 * So is a peer from which nothing comes: every member says every two seconds that it lives, and no wire tells of its
 * being cut. Asking each other instead costs an idle node a stream per peer and time. Silence is counted in looks, not
 * in time: a node that was too busy to listen looks once, and then finds what had come meanwhile.
 */
import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import { TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import type { Stream } from '@libp2p/interface'
import { setImmediate } from 'node:timers/promises'
import { GOSSIP_BYTES_MAX } from '../core/options.ts'
import type { Counters } from './counters.ts'
import { reason, type TransportLog } from './log.ts'
import { gossipBacklogBytesMax, silentLooksMax, watchMs, type ProtocolNames } from './protocol.ts'

export type GossipOptions = Readonly<{
  pubsub: GossipSub
  names: ProtocolNames
  /** `from` is who handed the message on, which need not be its author. */
  onMessage: (from: string, bytes: Uint8Array) => void
  /** Whether another peer has published this as a word of ours. */
  isOurs: (bytes: Uint8Array) => boolean
  connected: () => readonly string[]
  /** Sends to a peer over its direct stream, if there is one. */
  send: (peer: string, bytes: Uint8Array) => void
  /** Closes all connections to a peer. */
  disconnect: (peer: string) => void
  counters: Counters
  log: TransportLog
}>

/** What one message of gossip may have. */
const LATE_BYTES = GOSSIP_BYTES_MAX

/** What the running object has beside its interface: the one stream per peer that it writes to. */
type Running = GossipSub & {
  streamsOutbound: ReadonlyMap<string, { rawStream: Stream }>
}

export class Gossip {
  readonly #options: GossipOptions
  readonly #topics: ReadonlySet<string>
  readonly #underWay = new Set<Promise<void>>()
  #suspects = new Set<string>()
  /** At how many looks in a row nothing had come from a connected peer since the look before. */
  #silentLooks = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: GossipOptions) {
    this.#options = options
    this.#topics = new Set([options.names.logTopic, options.names.heartbeatTopic])
    const { pubsub, names, onMessage, isOurs, counters } = options
    for (const topic of this.#topics) {
      pubsub.topicValidators.set(topic, (_peer, message) => {
        if (message.data.length > GOSSIP_BYTES_MAX) {
          counters.refused++
          return TopicValidatorResult.Reject
        }
        // What we hand on of ourselves would count as our own word.
        const isForeign = topic !== names.heartbeatTopic || !isOurs(message.data)
        return isForeign ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
      })
    }
    pubsub.addEventListener('gossipsub:message', event => {
      const { propagationSource, msg } = event.detail
      if (!this.#topics.has(msg.topic)) return
      counters.bytesReceived += msg.data.length
      const peer = propagationSource.toString()
      this.heard(peer)
      onMessage(peer, msg.data)
    })
  }

  start(): void {
    for (const topic of this.#topics) this.#options.pubsub.subscribe(topic)
    this.#timer = setInterval(() => this.#watch(), watchMs).unref()
  }

  /** Something has come from a peer, on whatever way. */
  heard(peer: string): void {
    this.#silentLooks.delete(peer)
  }

  /** A peer's last connection has gone: the next one has had no time yet to be silent, or to open a stream. */
  disconnected(peer: string): void {
    this.#silentLooks.delete(peer)
    this.#suspects.delete(peer)
  }

  /** Resolves when what was published has been handed to the connections. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#underWay)
  }

  /** Peers that have not taken what was published before: more is late there. */
  backlogged(): string[] {
    return [...(this.#options.pubsub as Running).streamsOutbound]
      .filter(([, { rawStream }]) => rawStream.writeBufferLength > LATE_BYTES)
      .map(([peer]) => peer)
  }

  /** Sends to all members. What is too large is dropped and counted. */
  publish(topic: string, bytes: Uint8Array): void {
    if (bytes.length > GOSSIP_BYTES_MAX) {
      this.#drop(`${bytes.length} bytes are too many for gossip, ${GOSSIP_BYTES_MAX} are allowed`)
      return
    }
    const sending = this.#publish(topic, bytes)
    this.#underWay.add(sending)
    void sending.then(() => this.#underWay.delete(sending))
  }

  async #publish(topic: string, bytes: Uint8Array): Promise<void> {
    // A direct message of the same step goes first: its reader waits for it. A heartbeat waits for nothing.
    if (topic !== this.#options.names.heartbeatTopic) await setImmediate()
    try {
      const { pubsub, counters, connected, send } = this.#options
      const { recipients } = await pubsub.publish(topic, bytes)
      counters.bytesSent += bytes.length * recipients.length
      // A link is there a moment before gossip is: the other's subscription, or our stream for it, is still on its way.
      const { streamsOutbound } = pubsub as Running
      const reached = new Set(recipients.map(String).filter(peer => streamsOutbound.has(peer)))
      for (const peer of connected()) if (!reached.has(peer)) send(peer, bytes)
    } catch (error) {
      this.#drop(reason(error))
    }
  }

  #drop(why: string): void {
    this.#options.counters.dropped++
    this.#options.log.debug({ why }, 'a gossip message was not sent')
  }

  /** Two misses in a row count: the stream of a new connection is opened a moment after it. */
  #watch(): void {
    const { pubsub, connected, disconnect, log } = this.#options
    const { streamsOutbound } = pubsub as Running
    const suspects = new Set<string>()
    const peers = connected()
    this.#silentLooks = new Map(peers.map(peer => [peer, (this.#silentLooks.get(peer) ?? 0) + 1]))
    for (const peer of peers) {
      if (this.#silentLooks.get(peer)! > silentLooksMax) {
        log.info({ peer }, 'a peer is connected but has fallen silent; connecting anew')
        this.#silentLooks.delete(peer)
        disconnect(peer)
        continue
      }
      const stream = streamsOutbound.get(peer)
      if (stream !== undefined && takesMore(stream.rawStream)) continue
      if (this.#suspects.has(peer)) {
        log.info({ peer }, 'a peer is connected but does not take gossip; connecting anew')
        disconnect(peer)
      } else suspects.add(peer)
    }
    this.#suspects = suspects
  }
}

/** A stream that ended while gossipsub was still setting it up stays in its books, so being there is not enough. */
function takesMore(stream: Stream): boolean {
  return stream.writeStatus === 'writable' && stream.writeBufferLength < gossipBacklogBytesMax
}
