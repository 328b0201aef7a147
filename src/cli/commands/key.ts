/** `hearsay key`: makes the cluster key, keeps it, shows it. */
import type { Command } from '@commander-js/extra-typings'
import { InvalidOptionError } from '../../shared/errors.ts'
import { CLUSTER_NAME } from '../../shared/names.ts'
import type { Terminal } from '../terminal.ts'
import { clusterOption, verb, verbGroup } from '../verb.ts'

const CLUSTER_HELP = 'the cluster that it is for (default: default)'

export function register(program: Command, terminal: Terminal): void {
  const key = verbGroup(program, {
    name: 'key',
    summary: 'the cluster key: whoever has it is a member',
    examples: ['hearsay key new --save', 'hearsay key show']
  })
  verb(key, {
    name: 'new',
    summary: 'make a new key and print it',
    examples: ['hearsay key new --save --cluster six-nodes']
  })
    .option('--save', "keep it in the cluster's key file, where nodes look for it")
    .addOption(clusterOption(CLUSTER_HELP))
    .action(options => makeKey(options, terminal))
  verb(key, {
    name: 'show',
    summary: 'print the key that a node started now would use',
    examples: ['hearsay key show --cluster six-nodes']
  })
    .option('--key-file <file>', 'a file with the key')
    .addOption(clusterOption(CLUSTER_HELP))
    .action(options => showKey(options, terminal))
}

async function makeKey(
  options: { save?: true; cluster?: string; json?: true },
  terminal: Terminal
): Promise<void> {
  const { deriveKeys, keyPath, newKey, parseKey, saveKey } = await import('../../key.ts')
  const cluster = checkedCluster(options.cluster)
  const key = newKey()
  const { fingerprint } = deriveKeys(parseKey(key), cluster)
  const file = options.save ? keyPath(cluster) : null
  if (file !== null) {
    await saveKey(key, file)
    terminal.words(
      `the key of the cluster "${cluster}" is kept in ${file}: copy this file to the same place on its other computers`
    )
  }
  if (options.json) await terminal.json({ v: 1, cluster, key, fingerprint, file })
  else await terminal.line(key)
}

async function showKey(
  options: { keyFile?: string; cluster?: string; json?: true },
  terminal: Terminal
): Promise<void> {
  const { deriveKeys, findKey, formatKey } = await import('../../key.ts')
  const cluster = checkedCluster(options.cluster)
  const { key, source, warnings } = await findKey({ cluster, keyFile: options.keyFile ?? null })
  const { fingerprint } = deriveKeys(key, cluster)
  for (const warning of warnings) terminal.words(warning)
  if (options.json) {
    return terminal.json({ v: 1, cluster, key: formatKey(key), fingerprint, source })
  }
  terminal.words(`cluster "${cluster}", fingerprint ${fingerprint}, from ${source}`)
  await terminal.line(formatKey(key))
}

function checkedCluster(cluster = 'default'): string {
  if (CLUSTER_NAME.test(cluster)) return cluster
  throw new InvalidOptionError(
    `--cluster cannot be "${cluster}": it has up to 32 lower-case letters, digits and dashes, not a dash first`
  )
}
