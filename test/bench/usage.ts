/** What a process, a folder and the network have used so far. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export type Usage = Readonly<{ cpuMs: number; rssBytes: number; diskBytes: number }>

/** What is in use when nothing happens. */
export type RestingUsage = Readonly<{ heapBytes: number; rssBytes: number; diskBytes: number }>

/** In /proc, on every Linux. */
const TICKS_PER_SECOND = 100

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

/**
 * CPU time of another process and of those of its children that have ended, to a hundredth of a second.
 * @throws where there is no /proc, as Linux has it
 */
export async function familyCpuMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  // Behind the program's name, which is in brackets and may hold anything: utime, stime, cutime and cstime.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return (1000 * ticks) / TICKS_PER_SECOND
}

/** How much of this computer is busy while so much time passes, in percent of all its cores. */
export async function busyPercent(ms: number): Promise<number> {
  const times = (): { busy: number; all: number } => {
    const each = cpus().map(({ times: { idle, ...busy } }) => ({
      idle,
      busy: sum(Object.values(busy))
    }))
    const busy = sum(each.map(one => one.busy))
    return { busy, all: busy + sum(each.map(({ idle }) => idle)) }
  }
  const before = times()
  await sleep(ms)
  const after = times()
  return (100 * (after.busy - before.busy)) / Math.max(1, after.all - before.all)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
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
