/** Streams on which a peer is asked, and answered. */
import type { Connection, Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { RequestStreams } from '../../../src/net/streams/request-response.ts'
import type { TransportLog } from '../../../src/net/log.ts'

function streamOf(aborted: Error[]): Stream {
  const stream = {
    addEventListener: () => {},
    removeEventListener: () => {},
    abort: (why: Error) => void aborted.push(why)
  }
  return stream as unknown as Stream
}

test('what is being answered can be ended, and what has been answered leaves room for the next', async () => {
  const connection = { remotePeer: 'peer' } as unknown as Connection
  const streams = new RequestStreams({
    protocol: '/test',
    connections: () => [connection],
    answersMax: 2,
    answersPerPeerMax: 1,
    stallMs: 60_000,
    log: { debug: () => {} } as unknown as TransportLog
  })
  const aborted: Error[] = []
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>()
  const first = streams.accept(streamOf(aborted), connection, async ({ answered }) => {
    streams.assertInvariants()
    await isOver
    answered()
    streams.assertInvariants()
  })
  await streams.accept(streamOf(aborted), connection, async () => {})
  expect(aborted).toHaveLength(1)
  streams.assertInvariants()
  end()
  await first
  await streams.accept(streamOf(aborted), connection, async () => {
    streams.stop()
    streams.assertInvariants()
  })
  expect(aborted).toHaveLength(2)
  expect(() => streams.assertInvariants()).not.toThrow()
})
