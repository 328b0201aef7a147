/**
 * Finds a node on this computer: each has a data folder, and in it a socket that answers while the node lives.
 *
 * A crashed node leaves its socket behind; dialling tells it from a living one, so nothing has to be tidied up.
 */
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { InvalidOptionError, NoNodeError } from '../shared/errors.ts'
import { dataHome } from '../shared/xdg-paths.ts'
import { isNodeName } from '../shared/names.ts'
import { socketPath } from './address.ts'
import { noNode } from './problem.ts'

export type Whereabouts = {
  /** The node's data folder. */
  data?: string
  /** `computer/instance`. */
  node?: string
  /** The cluster's name. */
  cluster?: string
  /** Of several nodes of one cluster, take any: they all know the same tasks. @default false */
  any?: boolean
  /** @default process.env */
  env?: NodeJS.ProcessEnv
}

/** A node that is stopped in a debugger or by a signal accepts a connection, so this is hardly ever waited for. */
const DIAL_MS = 1000

/**
 * The data folder of the node that is meant: the one in `data`, or the only living one that fits. With `any`, those of all
 * living ones that fit, if they are of one cluster.
 *
 * @throws NoNodeError if none answers
 * @throws InvalidOptionError if several do
 */
export async function findFolders(
  where: Whereabouts = {}
): Promise<readonly [string, ...string[]]> {
  const { data, node, cluster, any = false, env = process.env } = where
  if (data !== undefined) {
    const problem = await dial(socketPath(data))
    if (problem !== null) throw noNode(data, problem)
    return [data]
  }
  const wanted = node === undefined ? null : folderName(node)
  const folders = await dataFolders(dataHome(env), cluster)
  const fitting = folders.filter(folder => wanted === null || basename(folder) === wanted)
  const problems = await Promise.all(fitting.map(folder => dial(socketPath(folder))))
  const alive = fitting.filter((_, i) => problems[i] === null)
  const [first, ...others] = alive
  if (first === undefined) throw none(where, env)
  const clusters = [...new Set(alive.map(folder => basename(dirname(folder))))]
  if (alive.length === 1 || (any && clusters.length === 1)) return [first, ...others]
  if (any) {
    throw new InvalidOptionError(
      `nodes of several clusters run on this computer, pick one: ${clusters.map(name => `--cluster ${name}`).join(', or ')}`
    )
  }
  const ways = alive.map(folder => selector(folder, clusters.length > 1))
  throw new InvalidOptionError(
    `several nodes run on this computer, pick one: ${ways.join(', or ')}`
  )
}

/** How a folder's node is picked on the command line. */
function selector(folder: string, byCluster: boolean): string {
  const name = basename(folder)
  const dash = name.lastIndexOf('-')
  const node = `--node ${name.slice(0, dash)}/${name.slice(dash + 1)}`
  return byCluster ? `--cluster ${basename(dirname(folder))} ${node}` : node
}

function folderName(node: string): string {
  if (isNodeName(node)) return node.replace('/', '-')
  throw new InvalidOptionError(
    `node cannot be "${node}": a node's name is computer/instance, such as computer-a/1`
  )
}

async function dataFolders(home: string, cluster: string | undefined): Promise<string[]> {
  const clusters = cluster === undefined ? await folderNames(home) : [cluster]
  const lists = await Promise.all(
    clusters.map(async name => {
      const nodes = await folderNames(join(home, name))
      return nodes.map(folder => join(home, name, folder))
    })
  )
  return lists.flat().sort()
}

async function folderNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.filter(entry => !entry.isFile()).map(entry => entry.name)
}

function none({ node, cluster }: Whereabouts, env: NodeJS.ProcessEnv): NoNodeError {
  const which = node === undefined ? 'no node' : `no node "${node}"`
  const where = cluster === undefined ? '' : ` of the cluster "${cluster}"`
  return new NoNodeError(
    `${which}${where} runs on this computer (looked in ${dataHome(env)}): ` +
      `start one with "hearsay start", or say where it is with --data DIR`
  )
}

/** Null if a node answers, else why not. */
function dial(path: string): Promise<string | null> {
  return new Promise(resolve => {
    const socket = connect(path)
    const end = (problem: string | null): void => {
      socket.destroy()
      resolve(problem)
    }
    socket.setTimeout(DIAL_MS, () => end('it does not answer'))
    socket.once('connect', () => end(null))
    socket.once('error', (error: NodeJS.ErrnoException) => end(meaning(error.code)))
  })
}

/** What the code of a failed connection says about a node. */
export function meaning(code: string | undefined): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'none runs there'
  if (code === 'ECONNREFUSED') return 'the one that ran there has ended'
  if (code === 'EACCES' || code === 'EPERM') return 'it belongs to another user'
  if (code === 'EMFILE' || code === 'ENFILE')
    return 'this process may open no more files, see ulimit -n'
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'it went away'
  return code ?? 'it does not answer'
}
