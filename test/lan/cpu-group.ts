/**
 * A part of a core for several processes together, as a starved computer has it: a control group with a quota, of either
 * version of the kernel's interface. Needs root.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../support/until.ts'

/** The usual one. */
const PERIOD_US = 100_000
const EMPTY_MS_MAX = 10_000

type Where = Readonly<{ folder: string; version: 1 | 2 }>

/** Why there can be no such group here, in words for a skipped test; null if there can. */
export function groupUnavailable(): string | null {
  try {
    const group = CpuGroup.make(1)
    group.remove()
    return null
  } catch (error) {
    return `a control group with a part of a core cannot be made: ${(error as Error).message}`
  }
}

let made = 0

export class CpuGroup {
  readonly #folder: string
  readonly #version: 1 | 2

  private constructor(folder: string, version: 1 | 2) {
    this.#folder = folder
    this.#version = version
  }

  /** @param cpus how much of a core all of them have together */
  static make(cpus: number): CpuGroup {
    const { folder: root, version } = whereGroupsAre()
    const folder = join(root, `hearsay-test-${process.pid}-${++made}`)
    mkdirSync(folder)
    const group = new CpuGroup(folder, version)
    try {
      group.#limit(Math.round(cpus * PERIOD_US))
    } catch (error) {
      group.remove()
      throw error
    }
    return group
  }

  /** Moves processes in. What they start is in it, too. */
  take(pids: Iterable<number>): void {
    for (const pid of pids) writeFileSync(join(this.#folder, 'cgroup.procs'), String(pid))
  }

  /** How much processor time was asked for in vain, in s; of version 1 and 2 alike. */
  get throttledSeconds(): number {
    const stat = readFileSync(join(this.#folder, 'cpu.stat'), 'utf8')
    const nanoseconds = /throttled_time (\d+)/.exec(stat)?.[1]
    const microseconds = /throttled_usec (\d+)/.exec(stat)?.[1]
    return nanoseconds === undefined ? Number(microseconds ?? 0) / 1e6 : Number(nanoseconds) / 1e9
  }

  /** Once its processes have ended. */
  async removeWhenEmpty(): Promise<void> {
    const procs = join(this.#folder, 'cgroup.procs')
    await until(() => readFileSync(procs, 'utf8') === '', 'the group to be empty', EMPTY_MS_MAX)
    this.remove()
  }

  remove(): void {
    rmdirSync(this.#folder)
  }

  #limit(quotaUs: number): void {
    if (this.#version === 2) {
      writeFileSync(join(this.#folder, 'cpu.max'), `${quotaUs} ${PERIOD_US}`)
      return
    }
    writeFileSync(join(this.#folder, 'cpu.cfs_period_us'), String(PERIOD_US))
    writeFileSync(join(this.#folder, 'cpu.cfs_quota_us'), String(quotaUs))
  }
}

function whereGroupsAre(): Where {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  for (const mount of mounts) {
    const [, folder = '', type, options = ''] = mount.split(' ')
    if (type === 'cgroup' && options.split(',').includes('cpu')) return { folder, version: 1 }
    if (type !== 'cgroup2') continue
    const controllers = join(folder, 'cgroup.subtree_control')
    if (!existsSync(controllers)) continue
    if (readFileSync(controllers, 'utf8').split(/\s/).includes('cpu')) return { folder, version: 2 }
  }
  throw new Error('no cpu controller is mounted for groups of our own')
}
