/**
 * Nodes as a program makes them, several in one process: real sockets on 127.0.0.1, real disk, no mDNS.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, type Node, type NodeOptions } from '../../src/index.ts'
import { newKey } from '../../src/key.ts'
import { until } from '../support/until.ts'

const key = newKey()
let folder = ''
let made = 0
let nodes: Node[] = []

/** Options of a node that reaches nothing but 127.0.0.1; each has a data folder of its own. */
export async function privateOptions(options: NodeOptions = {}): Promise<NodeOptions> {
  folder ||= await mkdtemp(join(tmpdir(), 'hearsay-library-'))
  made++
  return {
    key,
    cluster: 'test',
    computer: `computer-${made}`,
    data: join(folder, String(made)),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    mdns: false,
    logLevel: 'silent',
    ...options
  }
}

/** Starts a node that dials those that run already, and resolves when all are linked. */
export async function startNode(options: NodeOptions = {}): Promise<Node> {
  const peers = nodes.flatMap(({ addresses }) => addresses)
  const node = await createNode(await privateOptions({ peers, ...options }))
  nodes.push(node)
  await until(() => nodes.every(isLinkedToAll), `${node.name} to meet the others`, 20_000)
  return node
}

/** Ends all nodes and removes what they kept. */
export async function endAll(): Promise<void> {
  await Promise.all(nodes.map(node => node.leave(0)))
  nodes = []
  if (folder !== '') await rm(folder, { recursive: true, force: true })
  folder = ''
}

/** For a node that a test has started itself: it ends with the others. */
export function adopt(node: Node): void {
  nodes.push(node)
}

/** For a node that a test has ended itself. */
export function forget(node: Node): void {
  nodes = nodes.filter(other => other !== node)
}

function isLinkedToAll(node: Node): boolean {
  const linked = node.nodes().filter(({ self, connected }) => !self && connected)
  return linked.length >= nodes.length - 1
}
