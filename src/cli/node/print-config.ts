/**
 * `hearsay start --print-config`: what a node started now would go by, and who said so. The key is never shown, only
 * where it comes from, and the fingerprint by which two computers can compare theirs.
 */
import { NoClusterKeyError } from '../../shared/errors.ts'
import { deriveKeys, findKey } from '../../key.ts'
import { NODE_OPTION_NAMES, resolveNodeOptions, type NodeOptions } from '../../node-options.ts'
import type { Settings } from './config.ts'
import { table } from '../output/print.ts'
import type { Terminal } from '../terminal.ts'

type Setting = Readonly<{ value: unknown; source: string }>

const NOBODY = 'default'

/** @throws InvalidOptionError */
export async function printSettings(
  { options, sources }: Settings,
  json: boolean,
  terminal: Terminal
): Promise<void> {
  const resolved = resolveNodeOptions(options)
  const settings: [string, Setting][] = []
  for (const name of NODE_OPTION_NAMES) {
    if (name === 'key') continue
    const source = name in options ? (sources[name] ?? NOBODY) : NOBODY
    settings.push([name, { value: resolved[name as keyof typeof resolved], source }])
  }
  settings.push(['key', await keySetting(options, resolved, sources)])
  if (json) return terminal.json({ v: 1, options: Object.fromEntries(settings) })
  const rows = settings.map(([name, { value, source }]) => [name, textOf(value), source])
  await terminal.line((await table(['OPTION', 'VALUE', 'FROM'], rows)).join('\n'))
}

async function keySetting(
  options: NodeOptions,
  { cluster, key, keyFile }: ReturnType<typeof resolveNodeOptions>,
  sources: Settings['sources']
): Promise<Setting> {
  try {
    const found = await findKey({ cluster, key, keyFile })
    const { fingerprint } = deriveKeys(found.key, cluster)
    const source = 'key' in options ? (sources['key'] ?? found.source) : found.source
    return { value: `fingerprint ${fingerprint}`, source }
  } catch (error) {
    if (error instanceof NoClusterKeyError) return { value: null, source: 'not found' }
    throw error
  }
}

function textOf(value: unknown): string {
  if (value === null) return '-'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
