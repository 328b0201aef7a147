/**
 * What can be seen of the network without being a node: which interface questions go out of, whether they come back,
 * and who answers.
 *
 * It asks as a node would, so that what stops a node stops it, too. And it asks on all other interfaces besides: a node
 * that is heard there only is on the wrong one.
 */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import multicastDNS, { type MulticastDNS } from 'multicast-dns'
import { servicesTag } from '../net/protocol.ts'
import { Hearing, type Heard } from './hearing.ts'

/** An IPv4 address of this computer. */
export type Interface = Readonly<{ name: string; address: string; cidr: string; internal: boolean }>

export type Network = Readonly<{
  interfaces: readonly Interface[]
  /** The one that a node's questions go out of; null if there is none. */
  used: Interface | null
  /** Why no question comes back to where it was asked, as every multicast should; null if they do. */
  deaf: string | null
  /** Nodes of whatever cluster. */
  heard: readonly Heard[]
}>

/** Nodes answer within milliseconds; this leaves room for busy ones, and for a datagram or two that is lost. */
const LISTEN_MS = 3000
const ASK_EVERY_MS = 700
const MDNS_PORT = 5353
const MDNS_GROUP = '224.0.0.251'

/** @param only the address of the only interface that the node uses; null: the one that the system chooses */
export async function lookAround(only: string | null): Promise<Network> {
  const interfaces = ownInterfaces()
  const chosen = only ?? (await systemsChoice())
  const used = interfaces.find(({ address }) => address === chosen) ?? null
  const hearing = new Hearing()
  const echo = `_hearsay-doctor-${randomBytes(8).toString('hex')}._udp.local`
  let deaf: string | null = 'nothing came back'
  const main = open(only, hearing)
  main.on('query', ({ questions = [] }) => {
    if (questions.some(({ name }) => name === echo)) deaf = null
  })
  const others = interfaces.filter(face => face !== used && !face.internal)
  const sockets = [main, ...others.map(({ address }) => open(address, hearing))]
  try {
    for (let waitedMs = 0; waitedMs < LISTEN_MS; waitedMs += ASK_EVERY_MS) {
      const problem = await ask(main, echo)
      if (problem !== null && deaf !== null) deaf = problem
      for (const socket of sockets) {
        await ask(socket, servicesTag)
        for (const tag of hearing.tags) await ask(socket, tag)
      }
      await sleep(ASK_EVERY_MS)
    }
  } finally {
    await Promise.all(sockets.map(close))
  }
  return { interfaces, used, deaf, heard: hearing.heard }
}

/** Whether an address is in the network of an interface. */
export function isWithin(address: string, { cidr }: Pick<Interface, 'cidr'>): boolean {
  const [network = '', bits = '32'] = cidr.split('/')
  const shift = 2 ** (32 - Number(bits))
  return Math.floor(numberOf(address) / shift) === Math.floor(numberOf(network) / shift)
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function ownInterfaces(): Interface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(({ family, cidr }) => family === 'IPv4' && cidr !== null)
      .map(({ address, cidr, internal }) => ({ name, address, cidr: cidr!, internal }))
  )
}

/** From where the system would send to the group; null if it would not know. Nothing is sent. */
async function systemsChoice(): Promise<string | null> {
  const socket = createSocket('udp4')
  try {
    socket.connect(MDNS_PORT, MDNS_GROUP)
    await once(socket, 'connect')
    return socket.address().address
  } catch {
    return null
  } finally {
    socket.close()
  }
}

function open(only: string | null, hearing: Hearing): MulticastDNS {
  // As a node does: see net/discovery/mdns.ts.
  const socket = multicastDNS(only === null ? {} : { interface: only, bind: '0.0.0.0' })
  socket.on('response', (packet, from) => {
    hearing.take([...(packet.answers ?? []), ...(packet.additionals ?? [])], from.address)
  })
  // What cannot be sent is told by `ask`, and what is no DNS is not for us.
  socket.on('warning', () => {})
  socket.on('error', () => {})
  return socket
}

/** Why the question cannot be sent; null if it was. */
function ask(socket: MulticastDNS, name: string): Promise<string | null> {
  return new Promise(resolve => {
    socket.query([{ name, type: 'PTR' }], (error: NodeJS.ErrnoException | null) => {
      resolve(error === null || error === undefined ? null : (error.code ?? error.message))
    })
  })
}

function close(socket: MulticastDNS): Promise<void> {
  return new Promise(resolve => {
    socket.destroy(() => resolve())
  })
}
