/**
 * What an idle cluster costs: CPU time and memory of a node that is meshed with five others and has nothing to do. A young
 * node looks for others more often, so its first seconds stand apart.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchCluster } from './cluster.ts'
import { figure, type Row } from './figures.ts'

const NODES = 6
const WINDOWS_MS = { 'first 16 s': 16_000, 'next 30 s': 30_000 }
const MIB = 1024 * 1024

/** @param mdns whether nodes look for each other by mDNS, as they do outside of a benchmark */
export async function footprint(mdns: boolean, say: (text: string) => void): Promise<Row[]> {
  const cluster = await BenchCluster.start(NODES, { mdns })
  try {
    const rows: Row[] = []
    for (const [window, ms] of Object.entries(WINDOWS_MS)) {
      const before = await cluster.usage()
      const startedAt = performance.now()
      await sleep(ms)
      const after = await cluster.usage()
      const passedMs = performance.now() - startedAt
      // The node of this process also runs the benchmark.
      const others = after.slice(1).map(({ cpuMs, rssBytes }, i) => ({
        percent: (100 * (cpuMs - before[i + 1]!.cpuMs)) / passedMs,
        mib: rssBytes / MIB
      }))
      rows.push({
        window,
        mDNS: mdns ? 'on' : 'off',
        '% of a core': figure(others.map(({ percent }) => percent)),
        'resident MiB': figure(others.map(({ mib }) => mib))
      })
      say(`${window}: done`)
    }
    return rows
  } finally {
    await cluster.stop()
  }
}
