/** Connections under the pre-shared key carry pieces of any size, any number of them, and any number of times. */
import { randomBytes } from 'node:crypto'
import type { MultiaddrConnection } from '@libp2p/interface'
import { generateKey } from '@libp2p/pnet'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import { thriftyProtector } from '../../../src/net/patches/protector.ts'
import { until } from '../../support/until.ts'

const psk = new Uint8Array(95)
generateKey(psk)
const protector = thriftyProtector(psk)()

async function protectedPair(): Promise<[MultiaddrConnection, MultiaddrConnection]> {
  const [x, y] = multiaddrConnectionPair()
  const ends = await Promise.all([protector.protect(x), protector.protect(y)])
  return ends as [MultiaddrConnection, MultiaddrConnection]
}

/** What arrives there. */
function received(connection: MultiaddrConnection): Buffer[] {
  const pieces: Buffer[] = []
  connection.addEventListener('message', ({ data }) => pieces.push(Buffer.from(data.subarray())))
  return pieces
}

const lengthOf = (pieces: readonly Buffer[]): number =>
  pieces.reduce((sum, { length }) => sum + length, 0)

test('a piece larger than the memory of the cipher, then many small ones on other connections', async () => {
  const pairs = await Promise.all([protectedPair(), protectedPair(), protectedPair()])
  const arrived = pairs.map(([, y]) => received(y))
  const sent = pairs.map((): Buffer[] => [])
  const send = async (i: number, bytes: Buffer): Promise<void> => {
    sent[i]!.push(bytes)
    pairs[i]![0].send(bytes)
    await until(() => lengthOf(arrived[i]!) === lengthOf(sent[i]!), 'the piece to arrive')
  }
  await send(0, randomBytes(1_500_000))
  for (let i = 0; i < 1200; i++) await send(i % 3, randomBytes(1 + (i % 150)))
  for (const i of [0, 1, 2]) {
    expect(Buffer.concat(arrived[i]!).equals(Buffer.concat(sent[i]!))).toBe(true)
  }
  for (const end of pairs.flat()) end.abort(new Error('over'))
})

test('connections that have closed leave nothing behind', async () => {
  const pointers = new Set<number>()
  for (let i = 0; i < 50; i++) {
    const pair = await protectedPair()
    const [x] = pair
    pointers.add(
      // oxlint-disable-next-line no-underscore-dangle -- the only place where it can be seen
      (x as unknown as { outboundXor: { _xor: { _pointer: number } } }).outboundXor._xor._pointer
    )
    for (const end of pair) end.abort(new Error('over'))
    await until(() => pair.every(({ status }) => status !== 'open'), 'both ends to close')
  }
  expect(pointers.size).toBeLessThan(10)
})
