/**
 * Transports for tests, on 127.0.0.1 only, and a receiver that writes down what it is told.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { bootId } from '../../src/core/base/ids.ts'
import type { Batch, Heartbeat, SyncRequest } from '../../src/core/message.ts'
import {
  createTransport,
  type TransportLog,
  type TransportOptions
} from '../../src/net/transport.ts'
import type { Transport } from '../../src/ports/ports.ts'
import { Recorder } from '../support/recorder.ts'
import { heartbeatOf } from '../support/tasks.ts'

export type Member = {
  transport: Transport
  receiver: Recorder
  privateKey: PrivateKey
  lines: string[]
}

/** What all of them share. */
export const psk: Uint8Array = new Uint8Array(32).fill(7)
const opened: Transport[] = []

/** A log that keeps its lines as text. */
export function lineLog(lines: string[]): TransportLog {
  const say =
    (level: string) =>
    (details: object | string, message = ''): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(details)}`)
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
}

/** A transport that knows nobody, on a free port, not started. */
export async function prepare(options: Partial<TransportOptions> = {}): Promise<Transport> {
  return createTransport({
    privateKey: await generateKeyPair('Ed25519'),
    psk,
    cluster: 'test',
    fingerprint: '0123abcd',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    peers: [],
    mdns: false,
    log: lineLog([]),
    ...options
  })
}

const keys: PrivateKey[] = []

/** Whoever opens later has the smaller id, and so dials at once: nobody has to wait for the fall-back. */
async function nextKey(): Promise<PrivateKey> {
  if (keys.length === 0) {
    const fresh = await Promise.all(Array.from({ length: 32 }, () => generateKeyPair('Ed25519')))
    const idOf = (key: PrivateKey): string => peerIdFromPrivateKey(key).toString()
    keys.push(...fresh.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1)))
  }
  return keys.pop() ?? generateKeyPair('Ed25519')
}

/** A started transport. Closed by `closeAll`. */
export async function open(options: Partial<TransportOptions> = {}): Promise<Member> {
  const privateKey = options.privateKey ?? (await nextKey())
  const receiver = new Recorder()
  const lines: string[] = []
  const transport = await prepare({ log: lineLog(lines), ...options, privateKey })
  opened.push(transport)
  await transport.start(receiver)
  return { transport, receiver, privateKey, lines }
}

/** Stops all transports that `open` has started. */
export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map(transport => transport.stop()))
}

/** A heartbeat of a node; `at` tells them apart. */
export function heartbeat(node: string, at = 1, addresses: readonly string[] = []): Heartbeat {
  return heartbeatOf(bootId(node, 1, 1), { at, addresses, name: 'computer/1' })
}

/** A batch of writes whose tasks have been pruned: as large as wanted, and nothing in it. */
export function batch(node: string, after: number, writes: number): Batch {
  const origin = bootId(node, 1, 1)
  return { kind: 'batch', origin, after, records: [], writes: Array<number>(writes).fill(-1) }
}

export function request(node: string): SyncRequest {
  return { kind: 'sync', boot: bootId(node, 1, 1), vector: new Map() }
}
