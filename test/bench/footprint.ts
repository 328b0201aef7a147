/**
 * What an idle cluster costs: CPU time and memory of six `hearsay start` processes, the built product as a user runs
 * it, that are meshed and have nothing to do. A young node looks for others more often, and its code is not compiled
 * yet, so its first seconds stand apart; what it needed to start goes from its memory a minute or two later.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Cluster } from '../lan/cluster.ts'
import { Lan } from '../lan/lan.ts'
import { figure, type Row } from './figures.ts'
import { usageOf } from './usage.ts'

const WINDOWS_MS = { 'first 16 s': 16_000, 'next 30 s': 30_000, 'two minutes later': 150_000 }
const SHOWN_MS_MAX = 30_000
const MIB = 1024 * 1024
const handlers = fileURLToPath(new URL('../../src/demo/handlers.ts', import.meta.url))

/** @param lan whether there can be one: three computers of two nodes each, who look for each other by mDNS */
export async function footprint(lan: boolean, say: (text: string) => void): Promise<Row[]> {
  const network = lan ? await Lan.up() : null
  try {
    const cluster = await Cluster.start(network, () => [handlers])
    try {
      const pids = cluster.nodes.map(node => node.process.pid!)
      const rows: Row[] = []
      for (const [window, ms] of Object.entries(WINDOWS_MS)) {
        rows.push({ window, mDNS: lan ? 'on' : 'off', ...(await watch(pids, ms)) })
        say(`${window}: done`)
      }
      return rows
    } finally {
      await cluster.down()
    }
  } finally {
    await network?.down()
  }
}

/** Lets `ms` pass, and says what the last part of it cost. */
async function watch(pids: readonly number[], ms: number): Promise<Row> {
  await sleep(Math.max(0, ms - SHOWN_MS_MAX))
  const before = await Promise.all(pids.map(usageOf))
  const startedAt = performance.now()
  await sleep(Math.min(ms, SHOWN_MS_MAX))
  const after = await Promise.all(pids.map(usageOf))
  const passedMs = performance.now() - startedAt
  const percents = after.map(({ cpuMs }, i) => (100 * (cpuMs - before[i]!.cpuMs)) / passedMs)
  return {
    '% of a core': figure(percents),
    'resident MiB': figure(after.map(({ rssBytes }) => rssBytes / MIB)),
    'of it its own': figure(after.map(({ ownBytes }) => ownBytes / MIB))
  }
}
