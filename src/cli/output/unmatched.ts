/**
 * Says which value of a filter nobody has. An empty list looks the same whether all is done or a name is misspelt.
 */
import type { Client } from '../../api/client.ts'
import type { TaskFilter } from '../../node/api/node-api.ts'
import type { Terminal } from '../terminal.ts'

type Asked = Pick<Client, 'list' | 'nodes'>

/** More names are a list, which other verbs have. */
const NAMES_MAX = 8

/** What there is to say, a sentence each: none if each value of the filter is somebody's. @throws NoNodeError */
export async function unmatched(
  client: Asked,
  { node, type, tag, ref }: TaskFilter
): Promise<string[]> {
  const said = [
    node === undefined ? null : await unknownNode(client, node),
    type === undefined ? null : await unknownType(client, type),
    tag === undefined || (await isThere(client, { tag })) ? null : `no task has the tag "${tag}"`,
    ref === undefined || (await isThere(client, { ref })) ? null : `no task has the ref "${ref}"`
  ]
  return said.filter(text => text !== null)
}

/** Says it. Returns whether there was something to say. @throws NoNodeError */
export async function sayUnmatched(
  client: Asked,
  filter: TaskFilter,
  terminal: Terminal
): Promise<boolean> {
  const said = await unmatched(client, filter)
  for (const text of said) terminal.words(text)
  return said.length > 0
}

async function unknownNode(client: Asked, node: string): Promise<string | null> {
  const names = (await client.nodes()).flatMap(({ name }) => name ?? [])
  if (names.includes(node) || (await isThere(client, { node }))) return null
  return `no node is called "${node}" (there are: ${namesText(names)})`
}

async function unknownType(client: Asked, type: string): Promise<string | null> {
  const handled = [...new Set((await client.nodes()).flatMap(({ handlers }) => handlers))].sort()
  if (handled.includes(type) || (await isThere(client, { type }))) return null
  return `no task has the type "${type}", and no node a handler for it (there are: ${namesText(handled)})`
}

async function isThere(client: Asked, filter: TaskFilter): Promise<boolean> {
  for await (const _ of client.list({ ...filter, limit: 1 })) return true
  return false
}

function namesText(names: readonly string[]): string {
  const more = names.length > NAMES_MAX ? ', ...' : ''
  return (names.slice(0, NAMES_MAX).join(', ') || 'none') + more
}
