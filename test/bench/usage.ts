/** What a process, a folder and the network have used so far. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export type Usage = Readonly<{ cpuMs: number; rssBytes: number; diskBytes: number }>

/** What is in use when nothing happens. */
export type RestingUsage = Readonly<{ heapBytes: number; rssBytes: number; diskBytes: number }>

export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = entries
    .filter(entry => entry.isFile())
    .map(entry =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0
      )
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

export async function ownUsage(folder: string): Promise<Usage> {
  const { user, system } = process.cpuUsage()
  const diskBytes = await folderBytes(folder)
  return { cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage().rss, diskBytes }
}

/**
 * What another process has used so far, all its threads together; `ownBytes` is what it shares with nobody, without the
 * program's own file.
 * @throws where there is no /proc, as Linux has it
 */
export async function usageOf(
  pid: number
): Promise<{ cpuMs: number; rssBytes: number; ownBytes: number }> {
  const threads = await readdir(`/proc/${pid}/task`)
  const times = threads.map(async thread => {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
    return Number(text.split(' ')[0])
  })
  // A thread that has ended meanwhile takes a little of the sum with it.
  const ran = await Promise.allSettled(times)
  const ns = ran.reduce((sum, one) => sum + (one.status === 'fulfilled' ? one.value : 0), 0)
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kibibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? NaN)
  return {
    cpuMs: ns / 1e6,
    rssBytes: kibibytes('VmRSS') * 1024,
    ownBytes: kibibytes('RssAnon') * 1024
  }
}

/** Without garbage. The heap includes what lies outside of V8's, such as the bytes of buffers. */
export async function ownRestingUsage(folder: string): Promise<RestingUsage> {
  collectGarbage()
  const { heapUsed, external, rss } = process.memoryUsage()
  return {
    heapBytes: heapUsed + external,
    rssBytes: rss,
    diskBytes: await folderBytes(folder)
  }
}

/** All of it, also what V8 would rather keep for a while, such as code that may be needed again. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { flavor: 'last-resort' }) => void
  collect({ flavor: 'last-resort' })
}

/** Bytes that have passed the loopback interface, headers of TCP and IP included; null where that cannot be told. */
export async function loopbackBytes(): Promise<number | null> {
  const text = await readFile('/proc/net/dev', 'utf8').catch(() => '')
  const line = text.split('\n').find(row => row.trim().startsWith('lo:'))
  return line === undefined ? null : Number(line.split(':')[1]?.trim().split(/\s+/)[0])
}
