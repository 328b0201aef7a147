/**
 * What only a process of its own can show: signals, broken pipes, and how long a verb takes to load.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Client } from '../../src/api/client.ts'
import { startApi } from '../../src/api/server.ts'
import { FakeNode } from '../api/fake-node.ts'
import { until } from '../support/until.ts'

type Child = { process: ChildProcess; stdout: () => string; stderr: () => string }

let folder: string
let children: Child[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-process-'))
  children = []
})
afterEach(async () => {
  for (const child of children) child.process.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

function start(script: string, argv: readonly string[], env: Record<string, string> = {}): Child {
  return startFile(new URL(`./children/${script}`, import.meta.url).pathname, argv, env)
}

function startFile(file: string, argv: readonly string[], env: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, [file, ...argv], { env: { ...process.env, ...env } })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (piece: Buffer) => (said.stdout += piece.toString('utf8')))
  child.stderr.on('data', (piece: Buffer) => (said.stderr += piece.toString('utf8')))
  const started = { process: child, stdout: () => said.stdout, stderr: () => said.stderr }
  children.push(started)
  return started
}

/** The exit code, once all output has arrived. */
async function ended({ process: child }: Child): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}

test('who gives up the waiting for a task is told its id, and the task goes on', async () => {
  const node = new FakeNode()
  const api = await startApi(node, folder)
  try {
    const child = start('cli.ts', ['submit', 'slow', '--wait', '--id-only', '--data', folder])
    const id = await until(() => child.stdout().trim(), 'the task to be accepted')
    child.process.kill('SIGINT')
    expect(await ended(child)).toBeNull()
    expect(child.stderr()).toContain(`SIGINT: ${id} goes on; "hearsay wait ${id}"`)
  } finally {
    await api.close()
  }
})

describe('a node in the foreground', () => {
  test('says one line when it is ready, answers, and leaves in good order at the first signal', async () => {
    const child = start('serve.ts', [folder])
    await until(() => child.stdout() !== '', 'the ready line')
    expect(child.stdout()).toMatch(/^ready computer-a\/1 12D3Koo\w+ [\d.:,]+\n$/)
    const client = await Client.open({ data: folder })
    expect((await client.status()).node).toBe('computer-a/1')
    child.process.kill('SIGTERM')
    expect(await ended(child)).toBe(0)
    expect(child.stderr()).toMatch(/leaving within 30000 ms/)
    expect(child.stderr()).toMatch(/computer-a\/1 has left the cluster "test"\n$/)
    expect(child.stdout().split('\n')).toHaveLength(2)
    expect(await readdir(folder)).toEqual([])
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143]
  ] as const)('the third %s ends it at once with %i', async (signal, code) => {
    const child = start('serve.ts', [folder, 'never'])
    await until(() => child.stdout() !== '', 'the ready line')
    child.process.kill(signal)
    await until(() => child.stderr().includes('leaving within 3'), 'the first signal to work')
    child.process.kill(signal)
    await until(() => child.stderr().includes('leaving within 0 ms'), 'the second one to work')
    child.process.kill(signal)
    expect(await ended(child)).toBe(code)
  })

  test('SIGHUP has it read its configuration again, or leave if there is none', async () => {
    const child = start('serve.ts', [folder, 'well', '--reload'])
    await until(() => child.stdout() !== '', 'the ready line')
    child.process.kill('SIGHUP')
    await until(
      () => child.stderr().includes('SIGHUP: handlers read anew; labels are read'),
      'the configuration'
    )
    child.process.kill('SIGTERM')
    expect(await ended(child)).toBe(0)
    const bare = start('serve.ts', [folder])
    await until(() => bare.stdout() !== '', 'the ready line')
    bare.process.kill('SIGHUP')
    expect(await ended(bare)).toBe(0)
  })

  test('started by systemd, tells it when it is ready and when it stops', async () => {
    const told = join(folder, 'told')
    const script = `#!/bin/sh\necho "$NOTIFY_SOCKET" "$@" >> ${told}\n`
    await writeFile(join(folder, 'systemd-notify'), script, { mode: 0o755 })
    const PATH = `${folder}:${process.env['PATH']}`
    const data = join(folder, 'data')
    await mkdir(data)
    const child = start('serve.ts', [data], { PATH, NOTIFY_SOCKET: '/run/n' })
    const lines = async (): Promise<string[]> =>
      (await readFile(told, 'utf8').catch(() => '')).split('\n').filter(line => line !== '')
    await until(async () => (await lines()).length === 1, 'the news that it is ready')
    child.process.kill('SIGTERM')
    expect(await ended(child)).toBe(0)
    expect(await lines()).toEqual([
      '/run/n --ready --status=computer-a/1 is ready',
      '/run/n STOPPING=1 --status=leaving the cluster'
    ])
  })

  test('the second signal has running tasks handed on, which is a good end too', async () => {
    const child = start('serve.ts', [folder, 'at-once'])
    await until(() => child.stdout() !== '', 'the ready line')
    child.process.kill('SIGINT')
    await until(() => child.stderr().includes('leaving within 30000 ms'), 'the first signal')
    child.process.kill('SIGINT')
    expect(await ended(child)).toBe(0)
    expect(child.stderr()).toMatch(/leaving within 0 ms[^]*has left the cluster/)
    expect(await readdir(folder)).toEqual([])
  })

  test('leaves at once when stdin ends, if it was told to', async () => {
    const child = start('serve.ts', [folder, 'well', '--until-stdin-ends'])
    await until(() => child.stdout() !== '', 'the ready line')
    expect(child.stderr()).not.toMatch(/leaving/)
    child.process.stdin?.end()
    expect(await ended(child)).toBe(0)
    expect(child.stderr()).toMatch(/stdin has ended\n.*leaving within 0 ms/)
  })

  test('does not mind the end of stdin otherwise', async () => {
    const child = start('serve.ts', [folder])
    child.process.stdin?.end()
    await until(() => child.stdout() !== '', 'the ready line')
    child.process.kill('SIGTERM')
    expect(await ended(child)).toBe(0)
    expect(child.stderr()).not.toMatch(/stdin/)
  })

  test('with --json the ready line is an object', async () => {
    const child = start('serve.ts', [folder, 'well', '--json'])
    await until(() => child.stdout() !== '', 'the ready line')
    expect(JSON.parse(child.stdout())).toEqual({
      v: 1,
      event: 'ready',
      name: 'computer-a/1',
      id: new FakeNode().id,
      addresses: ['/ip4/127.0.0.1/tcp/4001']
    })
  })

  test('what happens in the cluster is logged to stderr, as JSON where no terminal reads it', async () => {
    const child = start('serve.ts', [folder])
    await until(() => child.stdout() !== '', 'the ready line')
    child.process.kill('SIGUSR2')
    await until(() => child.stderr().includes('unreachable'), 'the log line')
    const [started = '', happened = ''] = child.stderr().split('\n')
    expect(JSON.parse(started)).toMatchObject({
      level: 'info',
      msg: 'node:started',
      cluster: 'test',
      data: folder,
      slots: 2,
      handlers: ['quick']
    })
    expect(JSON.parse(happened)).toMatchObject({
      level: 'warn',
      msg: 'node:unreachable',
      nodeName: 'computer-b/2'
    })
  })

  test('that cannot work leaves the cluster again', async () => {
    const child = start('serve.ts', [folder, 'unable'])
    expect(await ended(child)).not.toBe(0)
    expect(child.stderr()).toMatch(/leaving within 0 ms/)
    expect(child.stdout()).toBe('')
    expect(await readdir(folder)).toEqual([])
  })
})

describe('a client verb', () => {
  test('ends quietly when nobody reads its output any more', async () => {
    const node = new FakeNode()
    const api = await startApi(node, folder)
    for (let i = 0; i < 20_000; i++) await node.submit('a', 'x'.repeat(100))
    const child = start('cli.ts', ['ls', '--json', '--data', folder])
    await until(() => child.stdout().length > 1000, 'the first lines')
    child.process.stdout?.destroy()
    expect(await ended(child)).toBe(0)
    expect(child.stderr()).toBe('')
    await api.close()
  })

  test('loads neither the network nor schemas', async () => {
    const node = new FakeNode()
    const api = await startApi(node, folder)
    const trace = new URL('./children/trace.ts', import.meta.url).href
    const { id } = await node.submit('quick', null)
    const file = join(folder, 'ids')
    await writeFile(file, id)
    for (const argv of [
      ['ls'],
      ['status'],
      ['nodes'],
      ['get', id],
      ['wait', id],
      ['wait', '--each', file],
      ['submit', 'a']
    ]) {
      const child = start('cli.ts', [...argv, '--data', folder], {
        NODE_OPTIONS: `--import=${trace}`
      })
      expect(await ended(child)).toBe(0)
      const packages = new Set(child.stderr().match(/(?<=node_modules\/)(@[^/]+\/)?[^/]+/g))
      expect([...packages].sort()).toEqual([
        '@commander-js/extra-typings',
        'commander',
        'fastest-levenshtein'
      ])
    }
    await api.close()
  })

  test('simulate loads no network either', async () => {
    const trace = new URL('./children/trace.ts', import.meta.url).href
    const env = { NODE_OPTIONS: `--import=${trace}` }
    const child = start('cli.ts', ['simulate', '--seeds', '1'], env)
    expect(await ended(child)).toBe(0)
    const packages = new Set(child.stderr().match(/(?<=node_modules\/)(@[^/]+\/)?[^/]+/g))
    expect([...packages].sort()).toEqual([
      '@commander-js/extra-typings',
      'commander',
      'fastest-levenshtein',
      'long',
      'protobufjs'
    ])
  })

  test('without a node it ends with 3 and one line, without a stack', async () => {
    const child = start('cli.ts', ['status'], { XDG_DATA_HOME: folder, HEARSAY_DATA: '' })
    expect(await ended(child)).toBe(3)
    expect(child.stdout()).toBe('')
    expect(child.stderr()).toMatch(/^hearsay: no node [^\n]*\n$/)
  })

  test('a stack is shown to whoever debugs', async () => {
    const env = { XDG_DATA_HOME: folder, HEARSAY_LOG_LEVEL: 'debug' }
    const child = start('cli.ts', ['status'], env)
    expect(await ended(child)).toBe(3)
    expect(child.stderr()).toMatch(/\n {4}at /)
  })
})

test('a checkout that was not built says so, without a stack', async () => {
  const program = join(folder, 'bin', 'hearsay.js')
  await cp(new URL('../../bin/hearsay.js', import.meta.url), program)
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  const child = startFile(program, ['--version'])
  expect(await ended(child)).toBe(2)
  expect(child.stderr()).toBe(
    'hearsay is not built yet: run "npm run build" where package.json is\n'
  )
})

const isGenerous = Number(process.versions.node.split('.')[0]) >= 24
if (!isGenerous)
  console.log('process: Node before 24 needs no bound on what V8 keeps, so none is looked for')

describe('a process that runs a node', () => {
  const main = `export async function main(argv) {
  const { existsSync, readFileSync } = await import('node:fs')
  const begun = '/proc/self/environ'
  const told = existsSync(begun) ? readFileSync(begun, 'utf8').split('\\0') : []
  const malloc = told.filter(each => each.startsWith('MALLOC_'))
  const left = Object.keys(process.env).filter(each => each.startsWith('MALLOC_'))
  console.log(JSON.stringify([process.pid, argv, process.execArgv, malloc, left]))
  return 7
}`
  let program: string

  beforeEach(async () => {
    program = join(folder, 'bin', 'hearsay.js')
    await cp(new URL('../../bin/hearsay.js', import.meta.url), program)
    await mkdir(join(folder, 'dist'), { recursive: true })
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    await writeFile(join(folder, 'dist', 'cli.js'), main)
  })

  type Run = Readonly<{ flags: string[]; malloc: string[]; left: string[] }>
  const run = async (argv: readonly string[], env: Record<string, string> = {}): Promise<Run> => {
    const child = startFile(program, argv, env)
    expect(await ended(child)).toBe(7)
    const [pid, given, flags, malloc, left] = JSON.parse(child.stdout())
    expect(pid).toBe(child.process.pid)
    expect(given).toEqual(argv)
    expect(child.stderr()).toBe('')
    return { flags, malloc, left }
  }
  const runs = async (...given: Parameters<typeof run>): Promise<string[]> =>
    (await run(...given)).flags

  test.skipIf(!isGenerous || process.platform !== 'linux')(
    'has glibc give back what is freed, and says nothing of it to what it starts',
    async () => {
      const { malloc, left } = await run(['start'])
      expect(malloc).toEqual(['MALLOC_TRIM_THRESHOLD_=1048576'])
      expect(left).toEqual([])
      const own = await run(['start'], { MALLOC_TRIM_THRESHOLD_: '4096' })
      expect(own.malloc).toEqual(['MALLOC_TRIM_THRESHOLD_=4096'])
      expect(own.left).toEqual(['MALLOC_TRIM_THRESHOLD_'])
    }
  )

  test.skipIf(!isGenerous)('has a bound on what V8 keeps for young objects', async () => {
    expect(await runs(['start', '--json', 'a b'])).toEqual(['--max-semi-space-size=16'])
  })

  test('keeps a bound that a user has set, and other verbs have no time for one', async () => {
    expect(await runs(['start'], { NODE_OPTIONS: '--max-semi-space-size=8' })).toEqual([])
    expect(await runs(['status'])).toEqual([])
  })
})
