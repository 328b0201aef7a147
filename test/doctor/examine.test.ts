/** The doctor at real nodes: what is expected of others, without mDNS. */
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { examine, patientOf } from '../../src/doctor/examine.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import type { Node } from '../../src/index.ts'
import { endAll, forget, startNode } from '../library/nodes.ts'
import { until } from '../support/until.ts'

afterEach(endAll)

const FOUND_MS_MAX = 30_000

async function findings(node: Node): Promise<readonly Finding[]> {
  const patient = await patientOf(names => Promise.resolve(node.diagnosis(names)))
  return (await examine(patient)).findings
}

/** A port at which nobody listens, on 127.0.0.1. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('an address of --peer that nobody answers at, and an expected node, are missed until they are there', async () => {
  const address = `/ip4/127.0.0.1/tcp/${await freePort()}`
  const a = await startNode({ peers: [address], roster: ['computer-b/1'] })
  await until(() => a.diagnosis().unanswered.length > 0, 'the silence to be noticed', FOUND_MS_MAX)
  expect(await findings(a)).toEqual([
    expect.objectContaining({
      code: 'peer-unanswered',
      what: expect.stringMatching(/127\.0\.0\.1:\d+.*the connection is refused$/) as string
    }),
    expect.objectContaining({
      code: 'missing-node',
      what: expect.stringMatching(/^computer-b\/1 is expected, and .* has never seen it$/) as string
    })
  ])
  const b = await startNode({ computer: 'computer-b', instance: 1, peers: [], listen: [address] })
  expect(a.diagnosis().unanswered).toEqual([])
  expect(await findings(a)).toEqual([])
  forget(b)
  await b.leave(0)
  expect(await findings(a)).toEqual([
    expect.objectContaining({
      code: 'missing-node',
      what: 'computer-b/1 is expected, and has left'
    })
  ])
}, 90_000)
