/**
 * Options of a node: what is allowed, what is refused and how, and who outranks whom.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readNodeOptions } from '../../../src/cli/node/config.ts'
import {
  NODE_OPTION_NAMES,
  resolveNodeOptions,
  type NodeOptions
} from '../../../src/node-options.ts'
import { applyReload } from '../../../src/cli/node/reload.ts'
import { run } from '../run.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-config-'))
  file = join(folder, 'config.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('defaults', () => {
  test('of a node that is told nothing', () => {
    const resolved = resolveNodeOptions({}, { XDG_DATA_HOME: '/data' })
    expect(resolved).toMatchObject({ cluster: 'default', instance: '1', mdns: true, key: null })
    expect(resolved.name).toBe(`${resolved.computer}/1`)
    expect(resolved.data).toBe(`/data/hearsay/default/${resolved.computer}-1`)
    expect(resolved.concurrency).toBeGreaterThan(0)
  })

  test('explicit undefined counts as not given', () => {
    const options = { cluster: undefined, labels: undefined } as never
    expect(resolveNodeOptions(options)).toMatchObject({ cluster: 'default', labels: {} })
  })

  test.each([
    ['10.0.0.2:4001', '/ip4/10.0.0.2/tcp/4001'],
    ['/ip4/10.0.0.2/tcp/4001', '/ip4/10.0.0.2/tcp/4001'],
    ['/dns4/computer-b/tcp/4001', '/dns4/computer-b/tcp/4001']
  ])('an address of --peer in short is one in full: %s', (given, address) => {
    expect(resolveNodeOptions({ peers: [given] }).peers).toEqual([address])
  })

  test.each([
    '10.0.0.2',
    '10.0.0.2:',
    '10.0.0:4001',
    '10.0.0.256:4001',
    '10.0.0.2:65536',
    'b:4001'
  ])('an address of --peer that is none is refused: %s', given => {
    expect(() => resolveNodeOptions({ peers: [given] })).toThrow(/peers cannot be/)
  })

  test('an instance may be a number or a text', () => {
    const names = [3, '3', 'left'].map(
      instance => resolveNodeOptions({ computer: 'computer-b', instance }).name
    )
    expect(names).toEqual(['computer-b/3', 'computer-b/3', 'computer-b/left'])
  })
})

describe('refusals name the option, the value and what is allowed', () => {
  test.each([
    [{ clustr: 'a' }, 'clustr is no option: did you mean cluster?'],
    [{ key_file: 'a' }, 'key_file is no option: did you mean keyFile?'],
    [{ concurency: 2 }, 'concurency is no option: did you mean concurrency?'],
    [{ cluster: 'Six' }, 'cluster cannot be "Six": allowed is up to 32 lower-case letters'],
    [{ cluster: '-a' }, 'cluster cannot be "-a"'],
    [{ cluster: 'a'.repeat(33) }, 'cluster cannot be'],
    [{ cluster: '' }, 'cluster cannot be ""'],
    [{ computer: '..' }, 'computer cannot be ".."'],
    [{ computer: 'a/b' }, 'computer cannot be "a/b"'],
    [{ computer: 'a\n' }, 'computer cannot be "a\\n"'],
    [{ instance: 'a-b' }, 'instance cannot be "a-b"'],
    [{ instance: -1 }, 'instance cannot be -1'],
    [{ instance: 1.5 }, 'instance cannot be 1.5'],
    [{ concurrency: 0 }, 'concurrency cannot be 0: allowed is a whole number from 1'],
    [{ concurrency: '2' }, 'concurrency cannot be "2"'],
    [{ listen: '/ip4/0.0.0.0/tcp/0' }, 'listen cannot be'],
    [{ listen: [] }, 'listen cannot be []'],
    [{ peers: ['/ip4/999.0.0.1/tcp/1'] }, 'peers cannot be'],
    [{ peers: ['/ip4/10.0.0.1/udp/1'] }, 'peers cannot be'],
    [{ peers: ['10.0.0.1'] }, 'peers cannot be'],
    [{ peers: ['10.0.0.256:1'] }, 'peers cannot be'],
    [{ peers: ['10.0.0.1:65536'] }, 'peers cannot be'],
    [{ mdns: 'yes' }, 'mdns cannot be "yes"'],
    [{ mdns: { interface: 'eth0' } }, 'mdns cannot be'],
    [{ roster: ['computer-a'] }, 'roster cannot be ["computer-a"]'],
    [{ roster: ['a/1', 'a/1'] }, 'none of them twice'],
    [{ labels: { gpu: 1 } }, 'labels cannot be'],
    [{ labels: { 'a b': '1' } }, 'labels cannot be'],
    [{ logLevel: 'loud' }, 'allowed is one of debug, info, warn, error, silent'],
    [null, 'options have to be an object'],
    [[], 'options have to be an object']
  ])('%j', (options, words) => {
    expect(() => resolveNodeOptions(options as never)).toThrow(words)
  })

  test('but never show a key', () => {
    expect(() => resolveNodeOptions({ key: ['secret'] } as never)).toThrow(/^key cannot be that/)
  })
})

async function optionsOf(...read: Parameters<typeof readNodeOptions>): Promise<NodeOptions> {
  return (await readNodeOptions(...read)).options
}

describe('precedence', () => {
  test('flags, then the environment, then the file', async () => {
    await writeFile(file, '{"cluster":"file","computer":"file","instance":"file","peers":[]}')
    const env = { HEARSAY_CONFIG: file, HEARSAY_CLUSTER: 'env', HEARSAY_COMPUTER: 'env' }
    expect(await optionsOf({ cluster: 'flag' }, undefined, env)).toEqual({
      cluster: 'flag',
      computer: 'env',
      instance: 'file',
      peers: []
    })
  })

  test('a key outranks a key file from below, and the other way round', async () => {
    await writeFile(file, '{"key":"from file"}')
    expect(await optionsOf({}, file, { HEARSAY_KEY_FILE: '/k' })).toEqual({ keyFile: '/k' })
    const env = { HEARSAY_KEY: 'k', HEARSAY_KEY_FILE: '/k' }
    expect(await optionsOf({}, file, env)).toEqual({ key: 'k' })
    expect(await optionsOf({ keyFile: '/flag' }, file, env)).toEqual({ keyFile: '/flag' })
  })

  test('variables carry lists, numbers, labels and switches', async () => {
    const env = {
      HEARSAY_PEERS: '/ip4/10.0.0.1/tcp/1, /ip4/10.0.0.2/tcp/1',
      HEARSAY_CONCURRENCY: '3',
      HEARSAY_LABELS: 'gpu=1,disk=ssd=fast',
      HEARSAY_MDNS: 'false',
      HEARSAY_LOG_LEVEL: 'warn',
      HEARSAY_TASK_ID: 'set by the node that runs us',
      HEARSAY_COMPUTER: ''
    }
    expect(await optionsOf({}, undefined, env)).toEqual({
      peers: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1'],
      concurrency: 3,
      labels: { gpu: '1', disk: 'ssd=fast' },
      mdns: false,
      logLevel: 'warn'
    })
    const mdns = await optionsOf({}, undefined, { HEARSAY_MDNS: '127.0.0.1' })
    expect(mdns).toEqual({ mdns: { interface: '127.0.0.1' } })
  })

  test('paths in a file are meant from where the file is', async () => {
    await writeFile(file, '{"handlers":["./h.js"],"keyFile":"/abs","data":"d"}')
    expect(await optionsOf({}, file, {})).toEqual({
      handlers: [join(folder, 'h.js')],
      keyFile: '/abs',
      data: join(folder, 'd')
    })
  })

  test.each([
    [{ HEARSAY_CLUSTR: 'a' }, 'HEARSAY_CLUSTR is no setting: did you mean HEARSAY_CLUSTER?'],
    [{ HEARSAY_CONCURRENCY: 'many' }, 'environment: concurrency cannot be "many"'],
    [{ HEARSAY_LABELS: 'gpu' }, 'label cannot be "gpu"'],
    [{ HEARSAY_CONFIG: '/nowhere.json' }, '/nowhere.json cannot be read (ENOENT)']
  ])('%j is refused', async (env, words) => {
    await expect(readNodeOptions({}, undefined, env)).rejects.toThrow(words)
  })

  test.each([
    ['{', 'is not JSON'],
    ['{"grace":"3"}', 'grace cannot be "3": allowed is a duration up to 24d with its unit'],
    ['[]', 'options have to be an object'],
    ['{"rooster":["a/1"]}', 'rooster is no option: did you mean roster?'],
    ['{"__proto__":{"a":1}}', '__proto__ is no option']
  ])('a file with %s is refused, by name', async (text, words) => {
    await writeFile(file, text)
    const options = readNodeOptions({}, file, {})
    await expect(options).rejects.toThrow(words)
    await expect(options).rejects.toThrow(file)
  })
})

test('a config file may begin with a byte order mark, and has to be UTF-8', async () => {
  const other = `${file}.bytes`
  await writeFile(other, '\ufeff{"cluster":"a"}')
  expect(await optionsOf({}, other, {})).toEqual({ cluster: 'a' })
  await writeFile(other, Buffer.from('{"data":"caf\xe9"}', 'latin1'))
  await expect(readNodeOptions({}, other, {})).rejects.toThrow(/bytes is not UTF-8/)
})

test('the reference cluster is a valid config file', async () => {
  const reference = new URL('../../../config/six-nodes.json', import.meta.url).pathname
  const options = await optionsOf({}, reference, {})
  expect(JSON.parse(await readFile(reference, 'utf8'))).toEqual(options)
  expect(options.roster).toHaveLength(6)
})

/** Each option as a variable carries it, and as a file does. */
const SAMPLES: { readonly [K in keyof Required<NodeOptions>]: readonly [string, NodeOptions[K]] } =
  {
    cluster: ['six', 'six'],
    computer: ['a', 'a'],
    instance: ['left', 'left'],
    data: ['/d', '/d'],
    key: ['k', 'k'],
    keyFile: ['/k', '/k'],
    listen: ['/ip4/0.0.0.0/tcp/1', ['/ip4/0.0.0.0/tcp/1']],
    peers: ['/ip4/10.0.0.1/tcp/1', ['/ip4/10.0.0.1/tcp/1']],
    http: ['127.0.0.1:9464', '127.0.0.1:9464'],
    mdns: ['127.0.0.1', { interface: '127.0.0.1' }],
    roster: ['a/1 b/2', ['a/1', 'b/2']],
    handlers: ['/h.js', ['/h.js']],
    commands: ['true', true],
    concurrency: ['3', 3],
    pools: [
      'model:slots=1,type=embed,type=rank,label=gpu=1',
      [{ name: 'model', slots: 1, types: ['embed', 'rank'], labels: { gpu: '1' } }]
    ],
    labels: ['gpu=1', { gpu: '1' }],
    acks: ['2', 2],
    quorum: ['4', 4],
    stopAfterIsolated: ['30s', '30s'],
    settledMax: ['500', 500],
    grace: ['1m', '1m'],
    logLevel: ['warn', 'warn']
  }

describe('every option', () => {
  test('can be said in the environment and in a file, and both say the same', async () => {
    expect(Object.keys(SAMPLES)).toEqual(NODE_OPTION_NAMES)
    for (const [name, [text, value]] of Object.entries(SAMPLES)) {
      const variable = `HEARSAY_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
      expect(await optionsOf({}, undefined, { [variable]: text })).toEqual({ [name]: value })
      await writeFile(file, JSON.stringify({ [name]: value }))
      expect(await optionsOf({}, file, {})).toEqual({ [name]: value })
    }
  })

  test('is printed with its source, and the key never', async () => {
    const key = (await run(['key', 'new'])).stdout.trim()
    vi.stubEnv('HEARSAY_KEY', key)
    vi.stubEnv('HEARSAY_CONCURRENCY', '3')
    await writeFile(file, '{"concurrency":2,"cluster":"six","handlers":["h.js"]}')
    const argv = ['start', '--print-config', '--config', file, '--peer', '/ip4/10.0.0.1/tcp/1']
    const json = await run([...argv, '--json'])
    const text = await run(argv)
    vi.unstubAllEnvs()
    expect(json).toMatchObject({ code: 0, stderr: '' })
    const { options } = JSON.parse(json.stdout) as { options: Record<string, unknown> }
    expect(Object.keys(options).toSorted()).toEqual(NODE_OPTION_NAMES.toSorted())
    expect(options).toMatchObject({
      cluster: { value: 'six', source: file },
      concurrency: { value: 3, source: 'HEARSAY_CONCURRENCY' },
      handlers: { value: [join(folder, 'h.js')], source: file },
      peers: { value: ['/ip4/10.0.0.1/tcp/1'], source: '--peer' },
      mdns: { value: true, source: 'default' },
      key: { value: expect.stringMatching(/^fingerprint \S+$/) as string, source: 'HEARSAY_KEY' }
    })
    expect(text.stdout).toMatch(/^concurrency +3 +HEARSAY_CONCURRENCY$/m)
    expect(json.stdout + text.stdout).not.toContain(key)
  })
})

describe('a configuration that is read again', () => {
  const before = resolveNodeOptions({ labels: { gpu: '1' }, concurrency: 2 })

  test.each([
    [{}, 'the configuration is as it was', null],
    [{ labels: { gpu: '2' } }, 'labels are now gpu=2', { gpu: '2' }],
    [{ labels: {} }, 'labels are now none', {}],
    [{ concurrency: 3 }, 'restart the node for what has changed: concurrency', null],
    [
      { labels: { a: 'b' }, listen: ['/ip4/0.0.0.0/tcp/9'] },
      'labels are now a=b; restart the node for what has changed: listen',
      { a: 'b' }
    ]
  ])('with %j changed: %s', (change, words, labels) => {
    const set = vi.fn()
    const now = resolveNodeOptions({ labels: { gpu: '1' }, concurrency: 2, ...change })
    expect(applyReload(before, now, set).join('; ')).toBe(words)
    expect(set.mock.calls).toEqual(labels === null ? [] : [[labels]])
  })
})
