/** `hearsay start`: a node in the foreground. */
import { Option, type Command } from '@commander-js/extra-typings'
import { LOG_LEVELS } from '../../shared/names.ts'
import type { Reloaded } from '../../api/routes/reload.ts'
import type { NodeOptions } from '../../node-options.ts'
import { parseNumber } from '../numbers.ts'
import type { Terminal } from '../terminal.ts'
import type { WorkingNode } from '../node/serve.ts'
import { verb } from '../verb.ts'

type Flags = Pick<
  NodeOptions,
  | 'cluster'
  | 'computer'
  | 'instance'
  | 'data'
  | 'keyFile'
  | 'handlers'
  | 'commands'
  | 'concurrency'
  | 'listen'
  | 'acks'
  | 'logLevel'
  | 'http'
  | 'stopAfterIsolated'
  | 'settledMax'
  | 'grace'
> & {
  config?: string
  quorum?: string
  label?: string[]
  pool?: string[]
  peer?: string[]
  /** True unless `--no-mdns` was given. */
  mdns: boolean
  json?: true
  printConfig?: true
  untilStdinEnds?: true
}

export function register(program: Command, terminal: Terminal): void {
  verb(program, {
    name: 'start',
    summary: 'run a node in the foreground',
    examples: [
      'hearsay start --handlers handlers.js',
      'hearsay start --config config/six-nodes.json --computer computer-a --instance 1'
    ]
  })
    .option('--cluster <name>', 'the cluster to join (default: default)')
    .option('--computer <name>', "this computer's name (default: the host name)")
    .option('--instance <name>', 'the instance on this computer (default: 1)')
    .option('--data <folder>', 'data folder (default: $XDG_DATA_HOME/hearsay/CLUSTER/NODE)')
    .option('--config <file>', 'JSON with options, such as config/six-nodes.json')
    .option(
      '--key-file <file>',
      'the cluster key (default: the one kept by "hearsay key new --save")'
    )
    .option('--handlers <file...>', 'modules with task handlers')
    .option('--commands', 'run commands, too: whatever members of the cluster submit, as this user')
    .option('--concurrency <count>', 'tasks run at once (default: the number of CPUs)', parseNumber)
    .option(
      '--pool <pool...>',
      'slots of their own for some types: NAME:slots=N,type=TYPE,type=TYPE,label=NAME=VALUE'
    )
    .option('--label <name=value...>', 'what sets this node apart, such as gpu=1')
    .option('--peer <address...>', 'nodes to dial beside those that mDNS finds: 10.0.0.2:4001')
    .option('--listen <multiaddr...>', 'where to listen (default: /ip4/0.0.0.0/tcp/0)')
    .option('--no-mdns', 'do not look for nodes on the local network')
    .option('--http <address>', 'HOST:PORT for /metrics, /healthz, /readyz; no authentication')
    .option('--no-http', 'serve no metrics, whatever the config file says')
    .option(
      '--acks <count>',
      'other members that must have a task on disk before it is acknowledged (default: 1, if any answers)',
      parseNumber
    )
    .option('--print-config', 'print what is in force and where it comes from, and end')
    .option(
      '--quorum <count>',
      'who has to be seen to take over from unreachable nodes: majority, any, or a number (default: majority)'
    )
    .option(
      '--stop-after-isolated <duration>',
      'end what runs here after this time without a quorum, 5s at least (default: never)'
    )
    .option(
      '--settled-max <count>',
      'settled tasks that the cluster keeps; the least that a member says counts (default: 10000)',
      parseNumber
    )
    .option(
      '--grace <duration>',
      'for running tasks, and for somebody to be there, when the node leaves (default: 30s)'
    )
    .addOption(new Option('--log-level <level>', 'on stderr (default: info)').choices(LOG_LEVELS))
    .addOption(
      new Option('--until-stdin-ends', 'leave when the program that started it is gone').hideHelp()
    )
    .action(flags => start(flags, terminal))
}

async function start(
  { config, json, printConfig, untilStdinEnds, ...flags }: Flags,
  terminal: Terminal
): Promise<void> {
  const { readNodeOptions } = await import('../node/config.ts')
  const { resolveNodeOptions } = await import('../../node-options.ts')
  const { findKey } = await import('../../key.ts')
  const given = await optionsOf(flags)
  const env = { ...process.env }
  const settings = await readNodeOptions(given, config, env)
  const { options } = settings
  if (printConfig) {
    const { printSettings } = await import('../node/print-config.ts')
    return printSettings(settings, json === true, terminal)
  }
  const resolved = resolveNodeOptions(options)
  const { cluster, key, keyFile, data: folder, grace, logLevel } = resolved
  // Looked for before anything heavy is loaded: a node without a key is refused at once.
  await findKey({ cluster, key, keyFile })
  const { serve } = await import('../node/serve.ts')
  const { createNode } = await import('../../create-node.ts')
  const { applyReload } = await import('../node/reload.ts')
  let inForce = resolved
  const reload = async (
    node: Pick<WorkingNode, 'setLabels' | 'reloadHandlers'>
  ): Promise<Reloaded> => {
    const now = resolveNodeOptions((await readNodeOptions(given, config, env)).options)
    const handlers = await node.reloadHandlers(now.handlers)
    const applied = applyReload(inForce, now, labels => node.setLabels(labels))
    inForce = { ...inForce, labels: now.labels, handlers: now.handlers }
    return { ...handlers, notes: settings.file === null ? [] : applied }
  }
  const isReloadable = settings.file !== null || resolved.handlers.length > 0
  await serve(
    {
      create: log => createNode(options, log),
      folder,
      graceMs: grace,
      json: json === true,
      ...(isReloadable ? { reload } : {}),
      logLevel,
      untilStdinEnds: untilStdinEnds === true
    },
    terminal
  )
}

async function optionsOf(
  flags: Omit<Flags, 'config' | 'json' | 'printConfig' | 'untilStdinEnds'>
): Promise<NodeOptions> {
  const { parseLabels, parseQuorum } = await import('../node/config.ts')
  const { parsePool } = await import('../node/pool-flags.ts')
  const { label, peer, pool, mdns, quorum, ...same } = flags
  return {
    ...same,
    ...(label === undefined ? {} : { labels: parseLabels(label) }),
    ...(quorum === undefined ? {} : { quorum: parseQuorum(quorum) }),
    ...(peer === undefined ? {} : { peers: peer }),
    ...(pool === undefined ? {} : { pools: pool.map(parsePool) }),
    ...(mdns ? {} : { mdns: false })
  }
}
