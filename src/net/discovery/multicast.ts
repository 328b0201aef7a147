/**
 * The socket on which mDNS is spoken, with a bound on how much of what is heard is looked at.
 *
 * Taking a packet apart costs more than sending one, and everybody on the network may send. So each sender has a share
 * of the packets a second that are looked at. Questions have their own, and so have announcements that claim a proof: a
 * flood of those that do not leaves them alone, also one from the same computer. What is not about us is not taken
 * apart at all: most packets on a network are other people's printers.
 */
import { createSocket, type RemoteInfo } from 'node:dgram'
import multicastDNS, { type MulticastDNS } from 'multicast-dns'
import { proofMark } from './proof.ts'
import {
  packetBytesMax,
  packetsPerSecond,
  packetsPerSenderAndSecond,
  servicesTag,
  tagMark
} from '../protocol.ts'
import { Shares } from '../shares.ts'

export type MulticastOptions = Readonly<{
  /** Address of the only interface to use, or null for all. */
  only: string | null
  /** Called with the sender of each packet that was about us, and was not looked at or was malformed. */
  onStranger: (sender: string) => void
  /** The network does not let us speak or listen. */
  onTrouble: (error: Error) => void
}>

/** A DNS header is 12 bytes; the first bit of the third tells an answer (RFC 1035, 4.1.1). */
const headerBytes = 12
const kindAt = 2
const answerBit = 0x80
/** The first label of the name, as it stands in a packet. */
const servicesMark = servicesTag.slice(0, servicesTag.indexOf('.'))

/** Opened, and speaking mDNS. It calls a listener for `query` and `response` as multicast-dns does. */
export function openMulticast(options: MulticastOptions): MulticastDNS {
  const { only, onStranger, onTrouble } = options
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  // Bound to the wildcard either way: a socket bound to one address gets no multicast.
  const where = only === null ? {} : { interface: only, bind: '0.0.0.0' }
  const dns = multicastDNS({ ...where, socket })
  const [take] = socket.listeners('message') as ((bytes: Buffer, from: RemoteInfo) => void)[]
  if (take === undefined) throw new Error('multicast-dns does not listen to its socket')
  const shares = { questions: newShares(), answers: newShares(), claims: newShares() }
  let taken: RemoteInfo | null = null
  socket.removeListener('message', take)
  socket.on('message', (bytes: Buffer, from) => {
    if (!isAboutUs(bytes)) return
    const share = shares[kindOf(bytes)]
    if (bytes.length > packetBytesMax || !share.take(from.address, performance.now())) {
      onStranger(from.address)
      return
    }
    taken = from
    take(bytes, from)
    taken = null
  })
  // A packet that cannot be read, and an interface that cannot be used, are told in the same way.
  const onWarning = (error: Error): void => {
    if (taken === null) onTrouble(error)
    else onStranger(taken.address)
  }
  dns.on('warning', onWarning)
  dns.on('error', onTrouble)
  return dns
}

function kindOf(bytes: Buffer): 'questions' | 'answers' | 'claims' {
  if ((bytes[kindAt]! & answerBit) === 0) return 'questions'
  return bytes.includes(proofMark) ? 'claims' : 'answers'
}

function newShares(): Shares {
  return new Shares({
    perSecond: packetsPerSecond,
    perSourceAndSecond: packetsPerSenderAndSecond
  })
}

function isAboutUs(bytes: Buffer): boolean {
  return bytes.length >= headerBytes && (bytes.includes(tagMark) || bytes.includes(servicesMark))
}
