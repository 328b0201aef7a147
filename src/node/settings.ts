/** What a node is told when it is put together, beside its parts. */
import type { CheckedPool } from '../pool-options.ts'
import type { MetricsSnapshot } from './queries/metrics-snapshot.ts'
import type { StateFiles } from '../ports/ports.ts'

export type NodeSettings = Readonly<{
  cluster: string
  /** `computer/instance`. */
  name: string
  /** Slots of the default pool. */
  concurrency: number
  /** Whether it runs commands. */
  commands: boolean
  /** Beside the default one. */
  pools: readonly CheckedPool[]
  /** The data folder. */
  data: string
  /** Names of instances that are expected. */
  roster: readonly string[]
  /**
   * Copies for submissions that do not say how many other members have to have them; null: as the core thinks right.
   */
  acks: number | null
  /** How long running tasks may take to finish when the node leaves. */
  graceMs: number
  /** How it looks for other nodes: on one interface, on whichever the system chooses, or not at all. */
  mdns: boolean | Readonly<{ interface: string }>
  /** Fingerprint of the node's key, in a cluster of that name. */
  fingerprintOf: (cluster: string) => string
  isNodeName: (name: string) => boolean
  log: { warn(message: string): void; error(message: string): void }
  stateFiles: StateFiles
  /** Facts as text for Prometheus. */
  exposition: (metricsSnapshot: MetricsSnapshot) => Promise<string>
  /** Frees what the ports were made of, after they have stopped. */
  onClosed: () => Promise<void>
}>
