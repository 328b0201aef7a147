/**
 * Faults that the doctor knows, brought about on a LAN of three computers, and named by it. `a/1` and `b/1` are well
 * and live through all of it; what is wrong is mostly at `c`.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { newKey } from '../../src/key.ts'
import { until } from '../support/until.ts'
import type { PatientOptions } from './fixtures/patient.ts'
import { Lan, lanUnavailable, lossUnavailable, type Computer } from './lan.ts'

const unavailable = lanUnavailable()
if (unavailable) console.warn(`the doctor's LAN tests are skipped: ${unavailable}`)
const noNft = unavailable ?? lossUnavailable()

const hearsay = fileURLToPath(new URL('../../bin/hearsay.js', import.meta.url))
const patient = fileURLToPath(new URL('fixtures/patient.ts', import.meta.url))
const CLUSTER = 'ward'
const TEST_MS_MAX = 60_000
const FIND_MS_MAX = 20_000
const HOUR_MS = 3_600_000

type Patient = { name: string; data: string; process: ChildProcess }
type Said = { code: number | null; stdout: string; stderr: string }

let lan: Lan
let folder: string
let keyFile: string
let otherKeyFile: string
/** Ended after each test. */
let guests: Patient[] = []
let well: Patient
let neighbour: Patient

async function admit(at: Computer, options: PatientOptions = {}): Promise<Patient> {
  const instance = String(options.instance ?? 1)
  const name = `${at}/${instance}`
  const data = options.data ?? (await mkdtemp(join(folder, `${at}-${instance}-`)))
  const given = { cluster: CLUSTER, keyFile, computer: at, instance, ...options, data }
  const child = lan.spawn(at, process.execPath, [patient, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  guests.push({ name, data, process: child })
  const [first] = (await once(child.stdout!, 'data')) as [Buffer]
  expect(first.toString()).toBe('ready\n')
  return guests.at(-1)!
}

async function discharge({ process: child }: Patient): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

async function connected(to: Patient, count: number): Promise<void> {
  const client = await Client.open({ data: to.data })
  await until(
    async () => (await client.nodes()).filter(node => node.connected && !node.self).length >= count,
    `${to.name} to be connected to ${count}`,
    FIND_MS_MAX
  )
}

async function ask(at: Computer, ...argv: string[]): Promise<Said> {
  const env = { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' }
  const child = lan.spawn(at, process.execPath, [hearsay, 'doctor', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env
  })
  const said: Said = { code: null, stdout: '', stderr: '' }
  child.stdout!.on('data', (text: Buffer) => (said.stdout += text.toString()))
  child.stderr!.on('data', (text: Buffer) => (said.stderr += text.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { ...said, code }
}

/** What the doctor finds at a node, or on a computer without one. */
async function findings(at: Computer, ...argv: string[]): Promise<readonly Finding[]> {
  const { code, stdout, stderr } = await ask(at, '--json', ...argv)
  expect(stderr).toBe('')
  const { findings: found } = JSON.parse(stdout) as { findings: Finding[] }
  expect(code).toBe(found.length === 0 ? 0 : 1)
  // Guests of earlier tests have crashed, which is a finding by itself.
  return found.filter(({ code: named }) => named !== 'missing-node')
}

const fault = (code: Finding['code'], what: RegExp, cure: RegExp): unknown =>
  expect.objectContaining({
    code,
    what: expect.stringMatching(what),
    cure: expect.stringMatching(cure)
  })

const check = (rule: string, body: () => Promise<void>): void => test(rule, body, TEST_MS_MAX)

describe.skipIf(unavailable !== null)('the doctor', () => {
  beforeAll(async () => {
    lan = await Lan.up()
    folder = await mkdtemp(join(tmpdir(), 'hearsay-doctor-'))
    keyFile = join(folder, 'cluster.key')
    otherKeyFile = join(folder, 'other.key')
    for (const file of [keyFile, otherKeyFile]) await writeFile(file, newKey(), { mode: 0o600 })
    well = await admit('a')
    neighbour = await admit('b')
    await connected(well, 1)
    guests = []
  }, TEST_MS_MAX)
  afterEach(async () => {
    for (const guest of guests) await discharge(guest)
    guests = []
  })
  afterAll(async () => {
    await lan?.down()
    await rm(folder, { recursive: true, force: true })
  })

  const atA = (): Promise<readonly Finding[]> => findings('a', '--data', well.data)

  check('finds nothing where all is well, and says so in words', async () => {
    const said = await ask('a', '--data', well.data)
    expect(said).toMatchObject({ code: 0, stdout: '' })
    expect(said.stderr).toMatch(/1 other node of it heard by mDNS/)
    expect(said.stderr).toMatch(/nothing is wrong/)
  })

  check('needs no node to name a missing key, another key, and another name', async () => {
    const [none, same, otherKey, otherName, stranger] = await Promise.all([
      findings('c', '--cluster', CLUSTER),
      findings('c', '--cluster', CLUSTER, '--key-file', keyFile),
      findings('c', '--cluster', CLUSTER, '--key-file', otherKeyFile),
      findings('c', '--cluster', 'word', '--key-file', keyFile),
      ask('c', '--json', '--cluster', 'word', '--key-file', otherKeyFile)
    ])
    // That clusters share a network is no fault; that nobody of one's own is heard is one.
    expect(JSON.parse(stranger.stdout)).toMatchObject({
      others: [{ cluster: 'ward', nodes: 2 }],
      findings: [{ code: 'nobody-heard' }]
    })
    expect(none).toEqual([
      fault('no-key', /there is no key for the cluster "ward"/, /copy the key file/)
    ])
    expect(same).toEqual([])
    expect(otherKey).toEqual(
      ['10.77.0.1', '10.77.0.2'].map(() =>
        fault('key-mismatch', /at 10\.77\.0\.[12] .*another key/, /copy the key file/)
      )
    )
    expect(otherName).toContainEqual(
      fault(
        'name-mismatch',
        /at 10\.77\.0\.1 has the same key.*"ward", not "word"/,
        /same --cluster/
      )
    )
  })

  check(
    'asked by a node, names members with another key, name, version and time, which does no harm',
    async () => {
      const [, , , early] = await Promise.all([
        admit('c', { instance: 1, keyFile: otherKeyFile }),
        admit('c', { instance: 2, cluster: 'word' }),
        admit('c', { instance: 3, version: '9.9.9' }),
        admit('c', { instance: 4, aheadMs: HOUR_MS })
      ])
      await connected(well, 3)
      expect((await atA()).toSorted((x, y) => (x.code < y.code ? -1 : 1))).toEqual([
        fault('clock-skew', /clock of c\/4 is (3599|3600)\.\d s ahead/, /set-ntp/),
        fault('key-mismatch', /at 10\.77\.0\.3 .*called "ward"/, /copy the key file/),
        fault('name-mismatch', /at 10\.77\.0\.3 .*"word", not "ward"/, /same --cluster/),
        fault('version-mismatch', /c\/3 runs hearsay 9\.9\.9/, /install the same version/)
      ])
      // It does no harm: it goes by the clocks of the others.
      const client = await Client.open({ data: early.data })
      const { id } = await client.submit('echo', 'hello')
      const task = await client.wait(id, FIND_MS_MAX)
      expect(task).toMatchObject({ state: 'completed', result: 'hello' })
      expect(Math.abs(Date.parse(task.submittedAt) - Date.now())).toBeLessThan(HOUR_MS / 2)
    }
  )

  check('names the interface on which others are heard, and not the node that asks', async () => {
    const lost = await admit('c', { mdns: { interface: '127.0.0.1' } })
    expect(await findings('c', '--data', lost.data)).toEqual([
      fault(
        'wrong-interface',
        /looks for others on lo \(127\.0\.0\.1\).*lan0, from 10\.77\.0/,
        /HEARSAY_MDNS=10\.77\.0\.3/
      )
    ])
  })

  check('names a node that is heard, and whose packets pass one way only', async () => {
    await lan.exec('c', 'ip', 'route', 'add', 'blackhole', lan.address('a'))
    try {
      await admit('c', { instance: 5 })
      expect(await atA()).toEqual([
        fault('one-way-link', /c\/5.* is heard but not connected: .*10\.77\.0\.3/, /firewalls/)
      ])
    } finally {
      await lan.exec('c', 'ip', 'route', 'del', 'blackhole', lan.address('a'))
    }
  })

  check('names a computer that has no route for multicast', async () => {
    await lan.exec('c', 'ip', 'route', 'del', '224.0.0.0/4')
    try {
      const found = await findings('c', '--cluster', CLUSTER, '--key-file', keyFile)
      expect(found).toEqual([fault('no-multicast', /ENETUNREACH/, /ip route add 224.*lan0/)])
    } finally {
      await lan.exec('c', 'ip', 'route', 'add', '224.0.0.0/4', 'dev', 'lan0')
    }
  })

  test.skipIf(noNft !== null)(
    'names a firewall that drops multicast',
    async () => {
      const rule =
        'add table ip drops; add chain ip drops in { type filter hook input priority 0; };'
      await lan.exec('c', 'nft', `${rule} add rule ip drops in ip daddr 224.0.0.251 drop`)
      const found = await findings('c', '--cluster', CLUSTER, '--key-file', keyFile)
      await lan.exec('c', 'nft', 'delete table ip drops')
      expect(found).toEqual([
        fault('no-multicast', /on lan0 \(10\.77\.0\.3\).*nothing came back/, /UDP port 5353/)
      ])
    },
    TEST_MS_MAX
  )

  // The last of all: a copy is remembered by whoever has seen it.
  check('names a node whose data folder was copied, though the copy has ended', async () => {
    const data = join(folder, 'copy')
    const isCopied = (path: string): boolean => !/\.sock$|lock$/i.test(path)
    await cp(neighbour.data, data, { recursive: true, filter: isCopied })
    const copy = await admit('c', { instance: 9, data })
    await until(() => copy.process.exitCode !== null, 'the copy to end', FIND_MS_MAX)
    expect(await atA()).toEqual([
      fault('cloned-identity', /identity of [bc]\/[19] \(seen at /, /empty data folder \(--data\)/)
    ])
  })
})
