/**
 * A Redis of our own, on 127.0.0.1, in a folder that goes with it. It syncs every write before it answers, since hearsay
 * does, and writes nothing else.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { until } from '../../support/until.ts'
import { familyCpuMs, usageOf } from '../usage.ts'
import type { Broker } from './system.ts'

export type Connection = Readonly<{ host: string; port: number }>

const HOST = '127.0.0.1'
const UP_MS_MAX = 20_000
/** It lives as long as the pipe from us: however we end, it ends, too. */
const GUARD = '"$0" "$@" </dev/null >/dev/null & echo $!; read _; kill $!; wait $!'

/** Its version; null where there is none. */
export function redisVersion(): string | null {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  return status === 0 ? (/v=(\S+)/.exec(stdout)?.[1] ?? stdout.trim()) : null
}

export async function startRedis(): Promise<Broker & { connection: Connection }> {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-bench-redis-'))
  const connection = { host: HOST, port: await freePort() }
  const settings = {
    bind: HOST,
    port: String(connection.port),
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    'maxmemory-policy': 'noeviction'
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const guard = spawn('sh', ['-c', GUARD, 'redis-server', ...args], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const exited = once(guard, 'exit')
  const stop = async (): Promise<void> => {
    guard.stdin.end()
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const [line] = (await once(createInterface(guard.stdout), 'line')) as [string]
    const pid = Number(line)
    await until(() => answers(connection), 'Redis to answer', UP_MS_MAX)
    const used: Broker['used'] = async () => ({
      cpuMs: await familyCpuMs(pid),
      rssBytes: (await usageOf(pid)).rssBytes
    })
    return { connection, used, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function answers({ host, port }: Connection): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
