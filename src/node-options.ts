/**
 * What a node can be told at its start, by a program, a config file, the environment or flags.
 *
 * All four say the same words, so they are checked here, once, by one schema: whatever is wrong is refused with the
 * name of the option, the value and what would be allowed, and a misspelt name with the one that was probably meant.
 */
import { availableParallelism, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { utf8Length } from './core/base/utf8.ts'
import { NODE_LIMITS, SETTLED_MAX, SETTLED_MAX_MAX, type Quorum } from './core/options.ts'
import { DURATION_MS_MAX, parseDuration } from './shared/durations.ts'
import { InvalidOptionError } from './shared/errors.ts'
import {
  assertNoCommands,
  checkPools,
  LABELS_MAX,
  SLOTS_MAX,
  type CheckedPool,
  type PoolOptions
} from './pool-options.ts'
import { dataHome } from './shared/xdg-paths.ts'
import {
  CLUSTER_NAME,
  COMPUTER_NAME,
  INSTANCE_NAME,
  isNodeName,
  LABEL_NAME,
  LABEL_VALUE_LENGTH_MAX,
  LOG_LEVELS,
  type LogLevel
} from './shared/names.ts'
import { nearestName } from './shared/nearest-name.ts'

/** What a node can be told at its start. All of it is optional. */
export type NodeOptions = {
  /**
   * Cluster name: nodes of one name and one key work together. Lower-case letters, digits, dashes.
   *
   * @default "default"
   */
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
  /** Run commands, too: any user who may submit tasks may then run any program as this node's user. @default false */
  commands?: boolean
  /** How many tasks to run at once, of types that no pool names. @default the number of CPUs */
  concurrency?: number
  /**
   * Slots of their own for some types of tasks, so that these and all others do not wait for each other.
   *
   * @default none
   */
  pools?: readonly PoolOptions[]
  /**
   * Where to serve `/metrics`, `/healthz` and `/readyz` by HTTP, `HOST:PORT`. There is no authentication: rather a
   * loopback address. False: nowhere. @default false
   */
  http?: string | false
  /** @default none */
  labels?: Readonly<Record<string, string>>
  /**
   * How many other members must have a task on disk before it is acknowledged, for tasks submitted here that do not say
   * so themselves; one of them on another computer, if one is linked.
   *
   * @default 1 if there is another member, awaited for at most 5 s
   */
  acks?: number
  /**
   * Who has to be seen before the work of unreachable members is taken: more than half of the members (or the half with
   * the first of them), a fixed number, this one included, or any.
   *
   * @default "majority"
   */
  quorum?: Quorum
  /**
   * Time without that quorum after which what runs here is ended, so that others may run it: ms, or text. Less than 5 s
   * counts as 5 s, the silence that makes a member suspect. @default never
   */
  stopAfterIsolated?: number | string
  /**
   * How many settled tasks the cluster keeps, the newest ones, within their retention. The least that a member says
   * counts for all.
   *
   * @default 10000
   */
  settledMax?: number
  /** How long running tasks may take to finish when the node leaves: ms, or text. @default "30s" */
  grace?: number | string
  /** @default "info" */
  logLevel?: LogLevel
}

/** What a program can say besides. */
export type ProgramOptions = NodeOptions & {
  /**
   * Have SIGINT and SIGTERM leave in order before they end the program: the first one lets running tasks finish within
   * `grace`, the second one hands them on at once, the third one ends the program. Where the program has listeners of
   * its own to that signal, it is for them to end it. @default false
   */
  signals?: boolean
}

/** Node options with every default filled in. Paths are absolute. */
export type ResolvedNodeOptions = Readonly<{
  cluster: string
  computer: string
  instance: string
  /** `computer/instance`. */
  name: string
  data: string
  /** Null: looked for where findKey looks. */
  key: string | null
  keyFile: string | null
  listen: readonly string[]
  peers: readonly string[]
  mdns: boolean | Readonly<{ interface: string }>
  /** `HOST:PORT`; null: nowhere. */
  http: string | null
  roster: readonly string[]
  handlers: readonly string[]
  commands: boolean
  concurrency: number
  pools: readonly CheckedPool[]
  labels: Readonly<Record<string, string>>
  /** Null: one if there is another member, and not for ever. */
  acks: number | null
  quorum: Quorum
  /** In ms; null: never. */
  stopAfterIsolated: number | null
  settledMax: number
  /** In ms. */
  grace: number
  logLevel: LogLevel
}>

const GRACE_MS = 30_000
/** A host name has at most 63 characters between two dots. */
const COMPUTER_LENGTH_MAX = 63
/** More members than a cluster is made for can never be meant. */
const ACKS_MAX = 50

/** What each option may be, in the words of the error message. */
const ALLOWED: Readonly<Record<keyof NodeOptions, string>> = {
  cluster: 'up to 32 lower-case letters, digits and dashes, not a dash first',
  computer: 'up to 63 letters, digits, dots, dashes and underscores, a letter or digit first',
  instance: 'a number, or up to 32 letters, digits, dots and underscores, a letter or digit first',
  data: 'the path of a folder',
  key: 'the line that "hearsay key new" prints',
  keyFile: 'the path of a file',
  listen: 'a list of multiaddrs such as /ip4/0.0.0.0/tcp/0',
  peers: 'a list of addresses such as 192.168.1.20:4001 or /ip4/192.168.1.20/tcp/4001',
  http: 'HOST:PORT such as 127.0.0.1:9464 or [::1]:9464, or false',
  mdns: 'true, false, or { "interface": the IPv4 address of one interface }',
  roster: 'a list of instances such as computer-a/1, none of them twice',
  handlers: 'a list of paths of files',
  commands: 'true or false',
  concurrency: `a whole number from 1 to ${SLOTS_MAX}`,
  pools: `a list of pools such as { "name": "model", "slots": 1, "types": ["embed"] }`,
  labels: `up to ${LABELS_MAX} names with texts of at most ${LABEL_VALUE_LENGTH_MAX} characters, ${NODE_LIMITS.labelsBytesMax} bytes in all, such as { "gpu": "1" }`,
  acks: `a whole number from 0 to ${ACKS_MAX}`,
  quorum: '"majority", "any", or a number of nodes from 1 to 256',
  stopAfterIsolated: 'a duration from 1s to 24d with its unit, such as 30s or 5m',
  settledMax: `a whole number from 0 to ${SETTLED_MAX_MAX}`,
  grace: 'a duration up to 24d with its unit, such as 30s or 5m',
  logLevel: `one of ${LOG_LEVELS.join(', ')}`
}

/** A name or an IPv4 address, or an IPv6 address in brackets, and a port. */
const HTTP_ADDRESS =
  /^(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:.]+\]):(?:[1-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])$/

const path = z.string().min(1).max(4096)
const addresses = z.array(z.string().refine(isTcpAddress)).max(256)

/** Milliseconds, or a text with a unit. */
const duration = (msMin: number): z.ZodType<number | string> =>
  z.union([z.number(), z.string()]).refine(value => {
    const ms = msOf(value)
    return ms !== null && ms >= msMin && ms <= DURATION_MS_MAX
  })

const schema = z.strictObject({
  cluster: z.string().regex(CLUSTER_NAME).optional(),
  computer: z.string().regex(COMPUTER_NAME).optional(),
  instance: z.union([z.int().min(0), z.string().regex(INSTANCE_NAME)]).optional(),
  data: path.optional(),
  key: z.string().min(1).optional(),
  keyFile: path.optional(),
  listen: addresses.min(1).optional(),
  peers: z.array(z.string().refine(isPeerAddress)).max(256).optional(),
  http: z.union([z.literal(false), z.string().regex(HTTP_ADDRESS)]).optional(),
  mdns: z.union([z.boolean(), z.strictObject({ interface: z.ipv4() })]).optional(),
  roster: z.array(z.string().refine(isNodeName)).max(256).refine(isWithoutRepeats).optional(),
  handlers: z.array(path).max(256).optional(),
  commands: z.boolean().optional(),
  concurrency: z.int().min(1).max(SLOTS_MAX).optional(),
  // Checked by its own words (pool-options.ts).
  pools: z.unknown().optional(),
  labels: z
    .record(z.string().regex(LABEL_NAME), z.string().max(LABEL_VALUE_LENGTH_MAX))
    .refine(labels => Object.keys(labels).length <= LABELS_MAX)
    // Half a character has no UTF-8: the heartbeat that carries the labels could not be sent.
    .refine(labels => Object.values(labels).every(value => value.isWellFormed()))
    .refine(labels => utf8Length(Object.entries(labels).join()) <= NODE_LIMITS.labelsBytesMax)
    .optional(),
  acks: z.int().min(0).max(ACKS_MAX).optional(),
  quorum: z.union([z.enum(['majority', 'any']), z.int().min(1).max(256)]).optional(),
  stopAfterIsolated: duration(1000).optional(),
  settledMax: z.int().min(0).max(SETTLED_MAX_MAX).optional(),
  grace: duration(0).optional(),
  logLevel: z.enum(LOG_LEVELS).optional()
})

/** The names of all options. */
export const NODE_OPTION_NAMES: readonly string[] = Object.keys(ALLOWED)

/**
 * Checks options that came from outside, and returns them.
 *
 * @throws InvalidOptionError naming the option, the value and what is allowed
 */
export function checkNodeOptions(options: unknown): NodeOptions {
  const { success, error } = schema.safeParse(options)
  if (!success) throw new InvalidOptionError(describe(error.issues[0], options))
  const checked = options as NodeOptions
  if (checked.pools !== undefined) checkPools(checked.pools)
  return checked
}

/**
 * Checks the options and fills in the defaults.
 *
 * @param env where XDG_DATA_HOME is looked up. @default process.env
 * @throws InvalidOptionError
 */
export function resolveNodeOptions(
  options: NodeOptions,
  env: NodeJS.ProcessEnv = process.env
): ResolvedNodeOptions {
  const checked = checkNodeOptions(options)
  const cluster = checked.cluster ?? 'default'
  const computer = checked.computer ?? ownComputer()
  const instance = String(checked.instance ?? 1)
  return {
    cluster,
    computer,
    instance,
    name: `${computer}/${instance}`,
    data: resolve(checked.data ?? join(dataHome(env), cluster, `${computer}-${instance}`)),
    key: checked.key ?? null,
    keyFile: checked.keyFile === undefined ? null : resolve(checked.keyFile),
    listen: checked.listen ?? ['/ip4/0.0.0.0/tcp/0'],
    peers: (checked.peers ?? []).map(asMultiaddr),
    mdns: checked.mdns ?? true,
    http: checked.http === false ? null : (checked.http ?? null),
    roster: checked.roster ?? [],
    handlers: (checked.handlers ?? []).map(file => resolve(file)),
    commands: checked.commands ?? false,
    concurrency: checked.concurrency ?? availableParallelism(),
    pools: poolsOf(checked),
    labels: checked.labels ?? {},
    acks: checked.acks ?? null,
    quorum: checked.quorum ?? 'majority',
    stopAfterIsolated: msOf(checked.stopAfterIsolated ?? ''),
    settledMax: checked.settledMax ?? SETTLED_MAX,
    grace: msOf(checked.grace ?? GRACE_MS) ?? GRACE_MS,
    logLevel: checked.logLevel ?? 'info'
  }
}

function poolsOf({ pools = [], commands = false }: NodeOptions): readonly CheckedPool[] {
  const checked = checkPools(pools)
  if (!commands) assertNoCommands(checked)
  return checked
}

/** The key of `known` that was probably meant. */
export function nearest(key: string, known: readonly string[]): string {
  return nearestName(key, known)
}

function msOf(value: number | string): number | null {
  return typeof value === 'string' ? parseDuration(value) : value
}

/** A host name may hold what a node's name may not. */
function ownComputer(): string {
  const name = hostname()
    .replace(/[^A-Za-z0-9_.-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, COMPUTER_LENGTH_MAX)
  return name === '' ? 'computer' : name
}

function isTcpAddress(text: string): boolean {
  try {
    return multiaddr(text)
      .getComponents()
      .some(component => component.name === 'tcp')
  } catch {
    return false
  }
}

/** `192.168.1.20:4001`, as the multiaddr that it means; anything else as it is. */
function asMultiaddr(text: string): string {
  const [, address, port] = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text) ?? []
  return address === undefined ? text : `/ip4/${address}/tcp/${port}`
}

function isPeerAddress(text: string): boolean {
  return isTcpAddress(asMultiaddr(text))
}

function isWithoutRepeats(list: readonly string[]): boolean {
  return new Set(list).size === list.length
}

function describe(issue: z.core.$ZodIssue | undefined, options: unknown): string {
  const option = issue?.path[0]
  if (issue?.code === 'unrecognized_keys' && option === undefined) {
    const key = String(issue.keys[0])
    return `${key} is no option: did you mean ${nearest(key, NODE_OPTION_NAMES)}?`
  }
  if (issue === undefined || option === undefined) return 'options have to be an object'
  const name = option as keyof NodeOptions
  return `${name} cannot be ${shown(name, options)}: allowed is ${ALLOWED[name]}`
}

/** The refused value, shortened; never a key, which does not belong into logs. */
function shown(name: keyof NodeOptions, options: unknown): string {
  if (name === 'key') return 'that'
  const text = JSON.stringify((options as NodeOptions)[name]) ?? 'that'
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}
