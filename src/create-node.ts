/**
 * Chooses the parts of a node and puts them together. The only file that knows them all.
 */
import { randomInt } from 'node:crypto'
import { pino } from 'pino'
import { bootId } from './core/base/ids.ts'
import { Core } from './core/core.ts'
import type { CoreView } from './core/view.ts'
import { deriveKeys, findKey } from './key.ts'
import { InvalidOptionError } from './shared/errors.ts'
import { isNodeName } from './shared/names.ts'
import { ownLabels } from './node/own-labels.ts'
import { packageVersion } from './shared/own-files.ts'
import { Probes } from './metrics/probes.ts'
import { createTransport, type TransportLog } from './net/transport.ts'
import { systemClock, wallMsOf } from './node/runtime/clock.ts'
import { leaveOnSignals } from './node/leave-on-signals.ts'
import { Node } from './node/node.ts'
import type { Clock, Transport } from './ports/ports.ts'
import type { UnreadableView } from './node/api/node-api.ts'
import { SyncProgress } from './node/events/sync-progress.ts'
import { UnreadableWarnings } from './node/queries/unreadable.ts'
import type { AnyHandlers } from './node/typed-node.ts'
import {
  resolveNodeOptions,
  type ProgramOptions,
  type ResolvedNodeOptions
} from './node-options.ts'
import { createRunner } from './run/runner.ts'
import { stateFiles } from './backup/state-files.ts'
import { openStore, type Store } from './store/store.ts'
import { findTracing } from './tracing/tracing.ts'

/** Room for a boot's dice: six digits in base 36. */
const BOOT_DICE = 36 ** 6

/**
 * What the library's function of this name does (index.ts), for those who have loaded all of it anyway.
 *
 * @throws InvalidOptionError NoClusterKeyError DataFolderError DataFolderLockedError HandlersFileError
 */
export async function createNode<Handlers extends object = AnyHandlers>(
  { signals = false, ...options }: ProgramOptions = {},
  log?: TransportLog
): Promise<Node<Handlers>> {
  if (typeof signals !== 'boolean') {
    throw new InvalidOptionError(`signals cannot be ${String(signals)}: allowed is true or false`)
  }
  const resolved = resolveNodeOptions(options)
  const said = log ?? stderrLog(resolved)
  const node = await openNode<Handlers>(resolved, said)
  if (signals) leaveOnSignals(node, said)
  return node
}

/** What tests replace of a node. */
export type Seams = Readonly<{
  transport?: (transport: Transport) => Transport
  clock?: Clock
  version?: string
}>

/** The same, with options that are whole, and with parts that may be other ones: for tests. */
export async function openNode<Handlers extends object = AnyHandlers>(
  resolved: ResolvedNodeOptions,
  log: TransportLog,
  { transport: use = made => made, clock = systemClock, version }: Seams = {}
): Promise<Node<Handlers>> {
  const { cluster, key, keyFile, handlers, commands } = resolved
  const found = await findKey({ cluster, key, keyFile })
  for (const warning of found.warnings) log.warn(warning)
  // User code is looked at first: if it cannot be loaded, nothing has been opened yet.
  const say = { warn: (message: string) => log.warn(message) }
  const concurrency = slotsOf(resolved)
  const runner = await createRunner({ files: handlers, commands, concurrency, log: say })
  const probes = new Probes()
  const closings: (() => Promise<void> | void)[] = [() => probes.close()]
  const close = async (): Promise<void> => {
    for (const closing of closings) await closing()
  }
  try {
    await serveHttp(probes, resolved, log)
    const store = await openStore(resolved.data, { log: say })
    closings.push(() => store.close())
    probes.becomes('the journal is being read')
    const transport = use(await openTransport(resolved, found.key, store, log))
    const known = version ?? packageVersion()
    const core = await openCore(resolved, transport, store, { clock, version: known })
    const tracing = (await findTracing(resolved.name, known)) ?? undefined
    const { journal, blobs } = store
    const ports = { transport, journal, blobs, runner, clock, tracing }
    const node = new Node<Handlers>(core, ports, {
      ...resolved,
      graceMs: resolved.grace,
      isNodeName,
      fingerprintOf: name => deriveKeys(found.key, name).fingerprint,
      stateFiles: stateFiles(cluster, deriveKeys(found.key, cluster).fingerprint, resolved.name),
      exposition: async facts => (await import('./metrics/exposition.ts')).exposition(facts),
      log,
      onClosed: close
    })
    probes.becomes('the network is being opened')
    await node.open()
    probes.serves({
      metricsText: () => node.metricsText(),
      whyNotReady: () =>
        core.view.self().draining ? 'the node is draining' : node.diagnosis().disk
    })
    closings.unshift(...speak(node, core.view, log, clock))
    return node
  } catch (error) {
    await runner.stop()
    await close()
    throw error
  }
}

/** How many tasks run at once in all pools together. */
function slotsOf({ concurrency, pools }: ResolvedNodeOptions): number {
  return pools.reduce((sum, { slots }) => sum + slots, concurrency)
}

/** Says what people want to know without asking. Returns how to stop that. */
function speak(
  node: Pick<Node<object>, 'diagnosis'>,
  view: CoreView,
  log: TransportLog,
  clock: Clock
): (() => void)[] {
  const unreadable = (): readonly UnreadableView[] =>
    view.hasUnreadable ? node.diagnosis().unreadable : []
  return [
    new SyncProgress(view, line => log.info(line)).start(clock),
    new UnreadableWarnings(unreadable, line => log.warn(line)).start(clock)
  ]
}

async function serveHttp(
  probes: Probes,
  { http }: ResolvedNodeOptions,
  log: TransportLog
): Promise<void> {
  if (http !== null) log.info(`metrics and probes: ${await probes.open(http)}`)
}

async function openTransport(
  { cluster, listen, peers, mdns }: ResolvedNodeOptions,
  key: Uint8Array,
  store: Store,
  log: TransportLog
): Promise<Transport> {
  return createTransport({
    ...deriveKeys(key, cluster),
    privateKey: store.privateKey,
    cluster,
    listen,
    peers,
    mdns,
    remembered: await store.loadAddresses(),
    onAddresses: known => {
      store.saveAddresses(known).catch((error: unknown) => {
        log.warn(`cannot remember the addresses of other nodes: ${String(error)}`)
      })
    },
    log
  })
}

/** The core of a new boot, with what the boots before it had on disk. */
async function openCore(
  { name, labels, commands, quorum, stopAfterIsolated, settledMax }: ResolvedNodeOptions,
  transport: Transport,
  store: Store,
  { clock, version }: Readonly<{ clock: Clock; version: string }>
): Promise<Core> {
  const startedAt = await store.nextStart(Math.floor(wallMsOf(clock) * 1000))
  const boot = bootId(transport.id, startedAt, randomInt(BOOT_DICE))
  const identity = { boot, name, version, labels: { ...labels, ...ownLabels(commands) } }
  const core = new Core(identity, { quorum, stopAfterIsolatedMs: stopAfterIsolated, settledMax })
  core.restore({ ...(await store.journal.replay()), blobs: await store.blobs.open() })
  return core
}

function stderrLog({ logLevel }: ResolvedNodeOptions): TransportLog {
  return pino({ level: logLevel, base: null }, pino.destination(2))
}
