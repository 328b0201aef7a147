/**
 * The local API of a node: HTTP on a Unix socket in its data folder, for the command line and other programs of the
 * same user.
 *
 * The file's permissions are the access control, so the socket must never be reachable before they are right: it is
 * bound in a folder of its own that only we can enter, closed to others there, and then moved to its place. The move
 * also replaces, in one step, the file that a crashed node left behind.
 */
import { chmod, lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { DataFolderError, DataFolderLockedError } from '../shared/errors.ts'
import type { ListsApi } from '../node/api/lists-api.ts'
import type { NodeApi } from '../node/api/node-api.ts'
import { socketPath } from './address.ts'
import type { Reload } from './routes/reload.ts'
import { closed, routes } from './routes.ts'

/** sun_path of Linux (108) and macOS (104), less the final zero. */
const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103
/** Waiting connections: as many tasks may be waited for at once by a program. The kernel may allow fewer. */
const BACKLOG = 4096
/** Answers under way get this long before their connections are cut. */
const CLOSE_MS = 1000

/** A running local API. */
export type Api = { close(): Promise<void> }

/**
 * Serves the API of a node on `api.sock` in its data folder.
 *
 * @param reload what `POST /v1/reload` does. @default the node's handlers are read anew
 * @throws DataFolderError if the path is too long for a socket, or taken by something else
 * @throws DataFolderLockedError if another node answers there
 */
export async function startApi(
  node: NodeApi & ListsApi,
  folder: string,
  reload?: Reload
): Promise<Api> {
  const path = socketPath(folder)
  await checkPlace(path)
  const closing = new AbortController()
  const { fetch } = routes(node, closing.signal, reload)
  const answer = getRequestListener(fetch, { overrideGlobalObjects: false })
  // A file of tasks is one request, which takes as long as it takes.
  const server = createServer({ requestTimeout: 0 }, (incoming, outgoing) => {
    void answer(incoming, outgoing)
  })
  const inode = await listen(server, folder, path)
  return {
    async close() {
      closing.abort(closed())
      if ((await inodeOf(path)) === inode) await rm(path, { force: true })
      await stop(server)
    }
  }
}

async function checkPlace(path: string): Promise<void> {
  // The longer one of the two names that the socket has.
  const bytes = Buffer.byteLength(path) + TEMPORARY_NAME_EXTRA
  if (bytes > PATH_BYTES_MAX) {
    throw new DataFolderError(
      `the data folder's path is ${bytes - PATH_BYTES_MAX} bytes too long for a socket in it: choose a shorter one with --data`
    )
  }
  const stats = await lstat(path).catch(() => null)
  if (stats === null) return
  if (!stats.isSocket()) {
    throw new DataFolderError(`${path} is no socket: move it away, or choose another --data`)
  }
  if (await answers(path)) {
    throw new DataFolderLockedError(
      `another node answers at ${path}: stop it, or give this one another --instance or --data`
    )
  }
}

const TEMPORARY_PREFIX = '.s'
/** `.sXXXXXX/s` against `api.sock`. */
const TEMPORARY_NAME_EXTRA = `${TEMPORARY_PREFIX}XXXXXX/s`.length - 'api.sock'.length

/** Returns the inode of the socket, by which `close` knows it again. */
async function listen(server: Server, folder: string, path: string): Promise<bigint | null> {
  const hidden = await mkdtemp(join(folder, TEMPORARY_PREFIX)).catch(
    (error: NodeJS.ErrnoException) => {
      // The data folder is closed to others, too.
      if (error.code === 'ENOSPC') return null
      throw error
    }
  )
  const unfinished = hidden === null ? join(folder, TEMPORARY_PREFIX) : join(hidden, 's')
  try {
    if (hidden === null) await rm(unfinished, { force: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ path: unfinished, backlog: BACKLOG }, resolve)
    })
    await chmod(unfinished, 0o600)
    await rename(unfinished, path)
    return await inodeOf(path)
  } catch (error) {
    server.close()
    throw error
  } finally {
    await rm(hidden ?? unfinished, { recursive: true, force: true })
  }
}

async function inodeOf(path: string): Promise<bigint | null> {
  return lstat(path, { bigint: true }).then(
    stats => stats.ino,
    () => null
  )
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const end = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}

async function stop(server: Server): Promise<void> {
  const stopped = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS)
  await stopped
  clearTimeout(timer)
}
