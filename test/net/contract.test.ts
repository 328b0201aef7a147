/** libp2p passes what every transport promises. Real sockets, on 127.0.0.1. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createServer, type AddressInfo } from 'node:net'
import {
  blobTransportContract,
  transportContract,
  type MakeTransports
} from '../contract/transport.ts'
import { prepare } from './cluster.ts'

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

const make: MakeTransports = async count => {
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  return Promise.all(
    ports.map(async (port, index) =>
      prepare({
        privateKey: await generateKeyPair('Ed25519'),
        listen: [`/ip4/127.0.0.1/tcp/${port}`],
        peers: ports.slice(0, index).map(other => `/ip4/127.0.0.1/tcp/${other}`)
      })
    )
  )
}

transportContract('libp2p', make)
blobTransportContract('libp2p', make)
