/**
 * What a node that is being opened, runs, or drains says of itself over HTTP, from its first moment to its last.
 */
import type { MetricsServer } from './server.ts'

/** The part of a node that is served. */
export type Served = Readonly<{
  metricsText(): Promise<string>
  /** Why it takes no new tasks; null if it does. */
  whyNotReady(): string | null
}>

export class Probes {
  #stage = 'the data folder is being opened'
  #node: Served | null = null
  #server: MetricsServer | null = null

  /** What the node does now, on its way to being ready. */
  becomes(stage: string): void {
    this.#stage = stage
  }

  /** The node is ready. */
  serves(node: Served): void {
    this.#node = node
  }

  /** @throws InvalidOptionError if it cannot listen there */
  async open(address: string): Promise<string> {
    // Most nodes serve nothing, and what serves takes a tenth of the time that all of a node takes to load.
    const { startMetricsServer } = await import('./server.ts')
    this.#server = await startMetricsServer(address, {
      pending: () => this.#pending(),
      metrics: async () => this.#node?.metricsText() ?? null
    })
    return this.#server.url
  }

  async close(): Promise<void> {
    await this.#server?.close()
  }

  #pending(): string | null {
    return this.#node === null ? this.#stage : this.#node.whyNotReady()
  }
}
