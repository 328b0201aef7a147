/**
 * Finding each other by mDNS: real sockets, in a network namespace that has a loopback interface and nothing else, so
 * that neither the machine's network nor another test hears of it. Needs the right to make one (root).
 */
import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { hearsayDialsMax, repliesPerSecond } from '../../../src/net/protocol.ts'

const script = fileURLToPath(new URL('./mdns-scenario.ts', import.meta.url))
const allowed = spawnSync('unshare', ['--net', 'true']).status === 0
if (!allowed) console.warn('mDNS tests are skipped: no right to make a network namespace here')

/** What a scenario may take. Floods are told only after ten seconds. */
const scenarioMs = 40_000
const floodMs = 240_000

/** Runs a scenario in a namespace of its own and gives what it printed. */
async function run<Result>(scenario: string, timeout = scenarioMs): Promise<Result> {
  const inside = 'ip link set lo up && ip link set lo multicast on && exec "$0" "$@"'
  const { stdout } = await promisify(execFile)(
    'unshare',
    ['--net', 'sh', '-c', inside, process.execPath, script, scenario],
    { timeout }
  )
  return JSON.parse(stdout) as Result
}

/** Mostly waiting for timeouts, and so begun before the others. */
let healing: Promise<object>
beforeAll(() => {
  if (allowed) healing = run('heal')
})

const lanTest = test.skipIf(!allowed)

lanTest('six nodes that know nothing link with each other', async () => {
  const { own } = await run<{ own: string[] }>('discovery')
  expect(own).toHaveLength(6)
  expect(own.every(address => address.startsWith('/ip4/127.0.0.1/tcp/'))).toBe(true)
})

lanTest('a node that restarts on another port is back, and reported once', async () => {
  const { links, moved } = await run<{ links: boolean[][]; moved: boolean }>('restart')
  expect(moved).toBe(true)
  expect(links.map(String)).toEqual(Array(5).fill('true,false,true'))
})

lanTest(
  'a cluster of the same name with another key, or of another name, is named in the log',
  async () => {
    expect(await run('namesake')).toEqual({ links: [], most: 1 })
  }
)

lanTest(
  'whom a question names need not answer, and those who are connected are named',
  async () => {
    expect(await run('known')).toEqual({ answers: [true, true] })
  }
)

lanTest('malformed announcements, and one of our own identity, do no harm', async () => {
  const { peers, expected } = await run<{ peers: string[]; expected: string[] }>('nonsense')
  expect(peers).toEqual(expected)
})

type Flooded = { known: number[]; openMost: number }

lanTest.each([
  ['one sender', 'flooded'],
  ['two hundred senders', 'floodedByMany']
])(
  'a newcomer is found while %s of forged peers floods the network, and few of those are dialled',
  async (_, scenario) => {
    const { known, openMost } = await run<Flooded>(scenario, floodMs)
    expect(known).toEqual([3, 3, 3, 3])
    // Four nodes; a connection that one end has given up may still be open at the other.
    expect(openMost).toBeLessThanOrEqual(2 * 4 * hearsayDialsMax)
  },
  floodMs
)

lanTest(
  'a flood of questions is answered a few times a second, and the last one is not forgotten',
  async () => {
    const { perSecond, warned } = await run<{ perSecond: number; warned: string[] }>('questions')
    expect(perSecond).toBeLessThanOrEqual(4 * repliesPerSecond)
    expect(warned).toEqual([])
  }
)

lanTest(
  'packets that nobody can read are told as such, and not as a fault of the network',
  async () => {
    expect(await run('garbage')).toEqual({ warned: [] })
  }
)

lanTest('nodes that a cut has parted link again when it is healed', async () => {
  expect(await healing).toHaveProperty('healedMs')
})
