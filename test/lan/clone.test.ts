/**
 * A data folder that was copied, and is used on two computers at once: two nodes under one identity. The one that came
 * later stops, and says why; the others tell of it, and go on. And a key that was copied: another name makes it another
 * cluster all the same.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import { newKey, saveKey } from '../../src/key.ts'
import type { NodeEvent } from '../../src/node/api/node-api.ts'
import { until } from '../support/until.ts'
import { ClusterNode } from './cluster.ts'
import { Lan, lanUnavailable, type Computer } from './lan.ts'

const hearsay = fileURLToPath(new URL('../../bin/hearsay.js', import.meta.url))
const unavailable = lanUnavailable()
if (unavailable) console.warn(`cloned data folders are skipped: ${unavailable}`)

const TEST_MS_MAX = 120_000
const FIND_MS_MAX = 60_000

let lan: Lan
let folder: string
const nodes: ClusterNode[] = []

function start(computer: Computer, name: string, data: string, ...flags: string[]): ClusterNode {
  const [of, instance] = name.split('/') as [string, string]
  const who = ['--computer', of, '--instance', instance, '--data', join(folder, data)]
  const key = ['--key-file', join(folder, 'cluster.key')]
  const args = [hearsay, 'start', '--json', '--cluster', 'clones', ...who, ...key, ...flags]
  const child = lan.spawn(computer, process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' }
  })
  const node = new ClusterNode(name, computer, join(folder, data), child)
  nodes.push(node)
  return node
}

/** Tells of the first event about a cloned identity. */
async function listen(
  data: string,
  signal: AbortSignal,
  found: (event: NodeEvent) => void
): Promise<void> {
  try {
    const client = await Client.open({ data: join(folder, data) })
    for await (const event of client.events({}, signal)) {
      if (event.event === 'node:duplicate-identity') found(event)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

async function connected(data: string): Promise<number> {
  const client = await Client.open({ data: join(folder, data) })
  return (await client.nodes()).filter(node => !node.self && node.connected).length
}

describe.skipIf(unavailable !== null)('a cloned data folder', () => {
  beforeAll(async () => {
    lan = await Lan.up()
    folder = await mkdtemp(join(tmpdir(), 'hearsay-clones-'))
    await saveKey(newKey(), join(folder, 'cluster.key'))
  })
  afterAll(async () => {
    await Promise.all(nodes.map(node => node.stop('SIGKILL')))
    await lan?.down()
    await rm(folder, { recursive: true, force: true })
  })

  test(
    'is noticed: the copy stops with a message, the first node and the others go on',
    async () => {
      onTestFailed(() => console.error(nodes.map(node => node.stderr).join('\n')))
      const first = start('a', 'computer-a/1', 'first')
      const other = start('b', 'computer-b/2', 'other')
      await Promise.all([first.ready(), other.ready()])
      await until(async () => (await connected('other')) === 1, 'the two to meet', FIND_MS_MAX)
      await cp(join(folder, 'first'), join(folder, 'copy'), {
        recursive: true,
        // Nor what is about to be renamed.
        filter: path => !/(\.sock|lock|\.new)$/.test(path)
      })
      const found = Promise.withResolvers<NodeEvent>()
      const end = new AbortController()
      void listen('other', end.signal, found.resolve)
      const copy = start('c', 'computer-c/3', 'copy')
      await until(() => copy.hasEnded, 'the copy to stop', FIND_MS_MAX)
      expect(copy.process.exitCode).toBe(6)
      expect(copy.stderr).toMatch(/identity/)
      expect([first.hasEnded, other.hasEnded]).toEqual([false, false])
      await until(async () => (await connected('other')) === 1, 'the two to go on', FIND_MS_MAX)
      // Whichever of the two was believed: it is the first one that goes on, under the name that it has.
      const isBack = async (): Promise<boolean> => {
        const client = await Client.open({ data: join(folder, 'other') })
        const [seen] = (await client.nodes()).filter(({ self }) => !self)
        return seen?.name === 'computer-a/1' && seen.status === 'alive' && seen.synced
      }
      await until(isBack, 'the first one to count again', FIND_MS_MAX)
      // Both are this identity now; it depends on who was heard last.
      expect(['computer-a/1', 'computer-c/3']).toContain((await found.promise).node)
      end.abort()
    },
    TEST_MS_MAX
  )

  test(
    'beside a cluster of another name and the same key: they do not see each other',
    async () => {
      const [first] = nodes as [ClusterNode]
      const [address] = (await first.ready()).addresses
      const stranger = start(
        'c',
        'computer-c/9',
        'stranger',
        '--cluster',
        'others',
        '--peer',
        address!
      )
      await stranger.ready()
      // Whoever belongs to them has been found by then.
      start('c', 'computer-c/3', 'third')
      await until(
        async () => (await connected('third')) === 2,
        'a third to meet the two',
        FIND_MS_MAX
      )
      expect(await connected('stranger')).toBe(0)
      for (const data of ['first', 'other', 'third']) {
        const client = await Client.open({ data: join(folder, data) })
        expect((await client.nodes()).map(({ name }) => name)).not.toContain('computer-c/9')
      }
    },
    TEST_MS_MAX
  )
})
