/**
 * Which node a verb talks to: options that all client verbs share, and the client that they lead to.
 */
import { Option } from '@commander-js/extra-typings'
import type { Client } from '../api/client.ts'

export type Where = { data?: string; node?: string; cluster?: string; any?: boolean }

export const dataOption = (): Option<'--data <folder>'> =>
  new Option('--data <folder>', "the node's data folder").env('HEARSAY_DATA')

export const nodeOption = (): Option<'--node <name>'> =>
  new Option(
    '--node <name>',
    'the node to ask, computer/instance; not needed if only one runs here'
  ).env('HEARSAY_NODE')

export const clusterOption = (): Option<'--cluster <name>'> =>
  new Option('--cluster <name>', 'the cluster of the node to ask').env('HEARSAY_CLUSTER')

export const jsonOption = (): Option<'--json'> =>
  new Option('--json', 'print JSON, one object a line')

/**
 * Dials the node that is meant.
 *
 * @throws NoNodeError InvalidOptionError
 */
export async function openClient({ data, node, cluster, any = false }: Where): Promise<Client> {
  const { Client } = await import('../api/client.ts')
  // A variable that is set to nothing counts as not set.
  return Client.open({
    ...(data ? { data } : {}),
    ...(node ? { node } : {}),
    ...(cluster ? { cluster } : {}),
    any
  })
}

/** An example for the end of a verb's help. */
export function examples(...lines: readonly string[]): string {
  return `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${lines.map(line => `  $ ${line}`).join('\n')}`
}
