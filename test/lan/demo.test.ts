/**
 * `hearsay demo` as a newcomer runs it. On a system that allows it, in a network of its own, with nothing but loopback:
 * that is also the proof that the demo needs no other.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decode } from 'fast-png'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DemoSummary } from '../../src/demo/summary.ts'
import { until } from '../support/until.ts'
import { lanUnavailable } from './lan.ts'

const hearsay = fileURLToPath(new URL('../../bin/hearsay.js', import.meta.url))
/** 20 s of CPU, and six processes to start: seen to take 67 s on 2 cores at a load of 13. */
const endTimeoutMs = 180_000
const compileCache = join(tmpdir(), 'node-compile-cache')
const canIsolate = lanUnavailable() === null
const onlyLoopback = ['--net', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-test-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

class Demo {
  stdout = ''
  stderr = ''
  code: number | null | undefined
  readonly process: ChildProcess

  constructor(...args: string[]) {
    const command = [process.execPath, hearsay, 'demo', ...args]
    const [file = '', ...rest] = canIsolate ? ['unshare', ...onlyLoopback, ...command] : command
    this.process = spawn(file, rest, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Node's own cache of compiled code stays where it always is, and is shared.
      env: { ...process.env, TMPDIR: folder, NODE_COMPILE_CACHE: compileCache }
    })
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text))
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    this.process.once('close', code => (this.code = code))
  }

  async end(): Promise<number | null> {
    await until(() => this.code !== undefined, 'the demo to end', endTimeoutMs)
    return this.code ?? null
  }
}

/** Command lines of the processes that use the folder of this test. */
async function processesOfTest(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const lines = await Promise.all(
    pids.map(pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
  )
  return lines.filter(line => line.includes(folder))
}

test('six nodes share the work, the picture is there, and nothing else is left', async () => {
  const demo = new Demo('--json')
  const code = await demo.end()
  expect(demo.stderr).not.toContain('hearsay:')
  expect(code).toBe(0)
  const summary = JSON.parse(demo.stdout) as DemoSummary
  expect(summary.picture).toBe(join(folder, 'hearsay-demo.png'))
  expect(summary.nodes.reduce((sum, { tiles }) => sum + tiles, 0)).toBe(summary.tiles)
  for (const { name, tiles } of summary.nodes) expect(tiles, name).toBeGreaterThan(0)
  expect(decode(await readFile(summary.picture)).width).toBe(960)
  expect(demo.stderr).toContain('stay on 127.0.0.1')
  expect(await readdir(folder)).toEqual(['hearsay-demo.png'])
  expect(await processesOfTest()).toEqual([])
}, 200_000)

test('a node that is killed half-way leaves no hole in the picture', async () => {
  const demo = new Demo('--kill', '--nodes', '4', '--json')
  expect(await demo.end()).toBe(0)
  const summary = JSON.parse(demo.stdout) as DemoSummary
  expect(summary.crashed).toBe('computer-b/4')
  expect(demo.stderr).toContain('computer-b/4 has just been killed')
  expect(summary.nodes.reduce((sum, { tiles }) => sum + tiles, 0)).toBe(summary.tiles)
  expect(decode(await readFile(summary.picture)).width).toBe(960)
  expect(await processesOfTest()).toEqual([])
}, 200_000)

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143]
] as const)('%s in the middle stops all nodes and leaves nothing', async (signal, code) => {
  const demo = new Demo('--nodes', '3')
  await until(() => demo.stderr.includes('have met') || demo.code, 'the nodes to meet', 40_000)
  demo.process.kill(signal)
  expect(await demo.end()).toBe(code)
  expect(demo.stderr).toContain(`stopped by ${signal}`)
  expect(await readdir(folder)).toEqual([])
  expect(await processesOfTest()).toEqual([])
})

test.each([
  [['--nodes', '1'], '2 to 12'],
  [['--nodes', '13'], '2 to 12'],
  [['--out', '/nowhere/at/all.png'], 'ENOENT'],
  [['--out', '.'], 'that is a folder']
])('bad options are refused before anything starts: %j', async (args, message) => {
  const demo = new Demo(...args)
  expect(await demo.end()).toBe(2)
  expect(demo.stderr).toContain(message)
  await expect(access(join(folder, 'hearsay-demo.png'))).rejects.toThrow('ENOENT')
})
