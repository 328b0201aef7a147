/**
 * Six real nodes on a LAN that loses 30 % of all packets between computers: how much longer a task takes. Needs what the
 * LAN of the tests needs.
 */
import { fileURLToPath } from 'node:url'
import { Client } from '../../src/api/client.ts'
import { quantile } from '../bench/figures.ts'
import { Cluster } from '../lan/cluster.ts'
import { Lan, lanUnavailable, lossUnavailable } from '../lan/lan.ts'

const handlers = fileURLToPath(new URL('../lan/fixtures/special.ts', import.meta.url))

export async function loss(count: number): Promise<boolean> {
  const unavailable = lanUnavailable() ?? lossUnavailable()
  if (unavailable !== null) {
    console.error(unavailable)
    return false
  }
  const lan = await Lan.up()
  let cluster: Cluster | null = null
  try {
    cluster = await Cluster.start(lan, () => [handlers])
    console.log(`without loss: ${await latency(cluster, count)}`)
    await lan.lossBetween(30)
    console.log(`with 30 % loss: ${await latency(cluster, count)}`)
    return true
  } finally {
    await cluster?.down()
    await lan.down()
  }
}

/** One task after the other, from the call until its result is known where it was submitted; from each node in turn. */
async function latency({ nodes }: Cluster, count: number): Promise<string> {
  const clients = await Promise.all(nodes.map(({ data }) => Client.open({ data })))
  const times: number[] = []
  for (let n = 0; n < count; n++) {
    const client = clients[n % clients.length]!
    const startedAt = performance.now()
    await client.wait((await client.submit('whoami', null)).id)
    times.push(performance.now() - startedAt)
  }
  times.sort((x, y) => x - y)
  return `${count} tasks, p50 ${quantile(times, 0.5).toFixed(1)} ms, p99 ${quantile(times, 0.99).toFixed(0)} ms`
}
