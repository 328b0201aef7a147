/**
 * What a node can be told at its start, by a program, a config file, the environment or flags.
 */

export type NodeOptions = {
  /** Cluster name: nodes of one name and one key work together. Lower-case letters, digits, dashes. @default "default" */
  cluster?: string
  /** The computer's name. @default the host name */
  computer?: string
  /** The instance on that computer. @default 1 */
  instance?: number | string
  /** Data folder. @default `$XDG_DATA_HOME/hearsay/<cluster>/<computer>-<instance>` */
  data?: string
  /** The cluster key itself; rather leave it in a file. */
  key?: string
  /** A file with the cluster key. */
  keyFile?: string
  /** Multiaddrs to listen on. @default `/ip4/0.0.0.0/tcp/0`: any free port, mDNS carries it */
  listen?: readonly string[]
  /** Multiaddrs of nodes to dial, beside whatever mDNS finds. @default none */
  peers?: readonly string[]
  /** Find other nodes by mDNS; `{ interface }` names the address of the one interface to use. @default true */
  mdns?: boolean | { interface: string }
  /** Instances that are expected, `computer/instance`. @default none */
  roster?: readonly string[]
  /** Task handlers files. @default none */
  handlers?: readonly string[]
  /** How many tasks to run at once. @default the number of CPUs */
  concurrency?: number
  /** @default none */
  labels?: Readonly<Record<string, string>>
  /** @default "info" */
  logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
}
