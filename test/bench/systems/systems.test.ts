/** Small clusters of each system do what the loads ask of them, and leave nothing behind. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bullmq, quickBullmq } from './bullmq.ts'
import { functions, modules, submitterWorks } from './hearsay.ts'
import { redisVersion, startRedis } from './redis.ts'
import { staged, type System } from './system.ts'

const canCompare = redisVersion() !== null
if (!canCompare) console.warn('BullMQ is not tried: there is no redis-server here')

const usual = process.env['TMPDIR']
let temporary = ''

beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), 'hearsay-systems-'))
  process.env['TMPDIR'] = temporary
})

afterAll(() => {
  if (usual === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = usual
  rmSync(temporary, { recursive: true, force: true })
})

/** Folders of clusters. */
const folders = (): string[] =>
  readdirSync(temporary).filter(name => name.startsWith('hearsay-bench'))

async function works(system: System): Promise<void> {
  await staged(system, async stage => {
    await stage.connect()
    expect(folders()).toHaveLength(1)
    const { sortedMs } = await stage.sequence(3)
    expect(sortedMs).toEqual(sortedMs.toSorted((x, y) => x - y))
    expect(sortedMs).toHaveLength(3)
    const lengthsMs = [0, 30, 0, 60]
    const { ms, ranMs } = await stage.many(lengthsMs)
    expect(ranMs).toHaveLength(4)
    // A timer may be a fraction of a millisecond early.
    expect(ranMs.map((ran, i) => ran >= lengthsMs[i]! - 1)).toEqual([true, true, true, true])
    expect(ms).toBeGreaterThanOrEqual(Math.max(...ranMs))
    const withSubmitter = await stage.used()
    await stage.disconnect()
    const without = await stage.used()
    expect(without.rssBytes).toBeLessThan(withSubmitter.rssBytes)
    expect(without.cpuMs).toBeGreaterThan(0)
  })
  expect(folders()).toEqual([])
}

/** Three workers, of which one is killed when half of the results are in. */
async function survives(system: System): Promise<void> {
  await staged({ ...system, start: () => system.start(3) }, async stage => {
    await stage.connect()
    const { ranMs } = await stage.manyKilling(Array<number>(12).fill(50), 0.5)
    expect(ranMs).toHaveLength(12)
    await expect(stage.used()).rejects.toThrow('has ended')
  })
}

const few = (system: System): System => ({ ...system, start: () => system.start(2) })

describe.each([functions, modules, submitterWorks])('hearsay, $name', system => {
  test('runs what is submitted', () => works(few(system)))
})

test('hearsay goes on when a worker is killed', () => survives(functions))

test('workers of hearsay say when they have met', async () => {
  await staged(few(functions), async stage => {
    await expect.poll(() => stage.met(), { timeout: 30_000 }).toEqual([1, 1])
  })
})

describe.skipIf(!canCompare)('BullMQ', () => {
  test('has a Redis that syncs every write, and writes nothing else', async () => {
    const redis = await startRedis()
    const client = new Redis(redis.connection)
    try {
      const asked = ['appendonly', 'appendfsync', 'save', 'bind']
      expect(await client.config('GET', asked[0]!, ...asked.slice(1))).toEqual(
        expect.arrayContaining([
          'appendonly',
          'yes',
          'appendfsync',
          'always',
          'save',
          '',
          'bind',
          '127.0.0.1'
        ])
      )
      expect(folders()).toHaveLength(1)
    } finally {
      client.disconnect()
      await redis.stop()
    }
    expect(folders()).toEqual([])
  })

  test('runs what is submitted', () => works(few(bullmq)))

  test('goes on when a worker is killed', () => survives(quickBullmq))
})
