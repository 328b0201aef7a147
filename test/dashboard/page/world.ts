/**
 * What the page is looked at with: six nodes on make-believe computers that have work of several kinds, `hearsay
 * dashboard` beside one of them, and a browser.
 */
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import type { Client } from '../../../src/api/client.ts'
import { ChaosCluster } from '../../chaos/cluster.ts'
import { Lan, lanUnavailable } from '../../lan/lan.ts'
import { until } from '../../support/until.ts'
import { browserPath, launch } from './browser.ts'
import { DashboardProcess } from './dashboards.ts'

const handlers = fileURLToPath(new URL('./fixtures/handlers.ts', import.meta.url))
const TYPES = ['render', 'summarise', 'transcribe', 'upload', 'parse'] as const

/** Why the page cannot be looked at here; null if it can. */
export const unavailable: string | null =
  browserPath === null ? 'there is no chromium: tests of the page in a browser are skipped' : null
if (unavailable !== null) console.warn(unavailable)

/** Why no cable can be pulled here; null if one can. */
export const uncuttable: string | null = lanUnavailable()
if (uncuttable !== null) console.warn(`the page during a cut is not looked at: ${uncuttable}`)

/** Place of the node that the dashboard asks. */
export const ASKED = 1

export class World {
  readonly cluster: ChaosCluster
  readonly dashboard: DashboardProcess
  readonly browser: Browser
  /** Of the node at the first place. */
  readonly client: Client
  /** Null: all are on 127.0.0.1. */
  readonly lan: Lan | null

  private constructor(
    cluster: ChaosCluster,
    dashboard: DashboardProcess,
    browser: Browser,
    client: Client,
    lan: Lan | null
  ) {
    this.cluster = cluster
    this.dashboard = dashboard
    this.browser = browser
    this.client = client
    this.lan = lan
  }

  /** @param isCuttable with a cable to each computer, where there can be one */
  static async start(isCuttable = false): Promise<World> {
    const lan = isCuttable && uncuttable === null ? await Lan.up() : null
    const network = lan === null ? ['--no-mdns'] : []
    try {
      const cluster = await ChaosCluster.start(lan, {
        named: true,
        flags: () => ['--handlers', handlers, '--concurrency', '3', ...network]
      })
      try {
        const dashboard = await DashboardProcess.start(cluster.data(ASKED))
        return new World(cluster, dashboard, await launch(), await cluster.client(0), lan)
      } catch (error) {
        await cluster.down()
        throw error
      }
    } catch (error) {
      await lan?.down()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.browser.close()
    await this.dashboard.stop()
    await this.cluster.down()
    await this.lan?.down()
  }

  /** Work of all kinds, some of which fails, for half a minute or so. */
  async work(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const type = TYPES[(n % 7) % TYPES.length]!
      await this.client.submit(
        type,
        { ms: 300 + ((n * 379) % 2500) },
        {
          maxRetries: 1,
          backoff: { delay: 500 },
          tags: n % 4 === 0 ? ['nightly'] : [],
          ...(n % 9 === 8 ? { delay: '10m' } : {})
        }
      )
    }
  }

  /** Eight tasks, one that depends on them, and three that depend on that; the id of the one in the middle. */
  async diamond(): Promise<string> {
    const first: string[] = []
    for (let n = 0; n < 8; n++) {
      first.push((await this.client.submit('render', { ms: 4000 + 500 * n })).id)
    }
    const { id } = await this.client.submit('summarise', { ms: 2000 }, { dependsOn: first })
    for (let n = 0; n < 3; n++) {
      await this.client.submit('transcribe', { ms: 900 }, { dependsOn: [id] })
    }
    return id
  }

  /** A task that has failed for good. */
  async failed(type: string, payload: unknown = { ms: 100 }): Promise<string> {
    const { id } = await this.client.submit(type, payload, { maxRetries: 0 })
    await this.client.wait(id)
    // The node that the page asks has to have heard of it.
    const asked = await this.cluster.client(ASKED)
    await until(async () => (await asked.get(id)).state === 'failed', 'the failure to be known')
    return id
  }
}
