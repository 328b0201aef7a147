/**
 * A stranger on the network who announces peers that do not exist, two thousand a second, and takes connections to them
 * without a word: `node mdns-flood.ts TAG SENDERS`. Half of the announcements claim a proof. Ends with its
 * standard input, and prints how many announcements it has made and how many connections were open at once.
 */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import packets from 'dns-packet'

const [tag = '', count = '1'] = process.argv.slice(2)
const peers = 1000
const eachTime = 20
const pauseMs = 10
const group = '224.0.0.251'
const port = 5353

let open = 0
let openMost = 0
const sink = createServer(socket => {
  openMost = Math.max(openMost, ++open)
  socket.on('error', () => {}).resume()
  socket.on('close', () => open--)
})
sink.listen(0, '0.0.0.0')
await once(sink, 'listening')
const sinkPort = (sink.address() as AddressInfo).port

const senders = await Promise.all(
  Array.from({ length: Number(count) }, async (_, index) => {
    const address = `127.0.1.${index + 1}`
    const socket = createSocket('udp4')
    socket.bind(0)
    await once(socket, 'listening')
    socket.setMulticastInterface(address)
    return { address, socket }
  })
)

async function announcement(index: number): Promise<Buffer> {
  const id = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  const { address } = senders[index % senders.length]!
  const name = `${randomBytes(8).toString('hex')}.${tag}`
  const texts = [`dnsaddr=/ip4/${address}/tcp/${sinkPort}/p2p/${id}`]
  if (index % 2 === 0) texts.push(`proof=${randomBytes(16).toString('base64url')}`)
  return packets.encode({
    type: 'response',
    answers: [
      { name: tag, type: 'PTR', ttl: 120, data: name },
      ...texts.map(data => ({ name, type: 'TXT' as const, ttl: 120, data }))
    ]
  })
}

const announcements = await Promise.all(Array.from({ length: peers }, (_, i) => announcement(i)))
const over = new AbortController()
process.stdin.on('end', () => over.abort()).resume()
console.log('floods')
let sent = 0
while (!over.signal.aborted) {
  for (let i = 0; i < eachTime; i++, sent++) {
    const { socket } = senders[sent % senders.length]!
    socket.send(announcements[sent % peers]!, port, group)
  }
  await sleep(pauseMs)
}
console.log(JSON.stringify({ sent, openMost }))
process.exit(0)
