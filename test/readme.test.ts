/**
 * README.md is the first thing that is tried, so it is tried here first: its programs are type-checked and run as
 * printed, its command lines are looked up in the help, its links are followed, what it quotes of the doctor, of the
 * log and of the metrics is what these say, and its figures are those that the benchmark gives.
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { CODES } from '../src/doctor/finding.ts'
import { findingsOf, type Facts } from '../src/doctor/findings.ts'
import { keyPath, newKey, saveKey } from '../src/key.ts'
import { ClockSteps } from '../src/node/runtime/clock-steps.ts'
import { FakeNode } from './api/fake-node.ts'
import { LOADS } from './bench/loads/loads.ts'
import { linesOf } from './bench/versus/comparison.ts'
import { run } from './cli/run.ts'
import { alone, canBeAlone } from './support/alone.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
/** Checking types reads all of libp2p's; running starts a node: seconds, more on a busy machine. */
const slowMs = 90_000

const canIsolate = canBeAlone()
if (!canIsolate) {
  console.warn('the example of README.md is not run: no right to make a network namespace here')
}

/** The code blocks of a language, in order. */
function blocks(language: string): string[] {
  const found = readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))
  return [...found].map(([, code = '']) => code)
}

/** What is wrong with programs that stand in the root of the repository, where `hearsay` is src/index.ts. */
function complaints(programs: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), path =>
    readFileSync(path, 'utf8')
  )
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const checked = { ...options, noUnusedLocals: false, paths: { hearsay: ['./src/index.ts'] } }
  const real = ts.createCompilerHost(checked)
  const host: ts.CompilerHost = {
    ...real,
    fileExists: name => programs.has(name) || real.fileExists(name),
    readFile: name => programs.get(name) ?? real.readFile(name),
    getSourceFile: (name, ...rest) => {
      const text = programs.get(name)
      return text === undefined
        ? real.getSourceFile(name, ...rest)
        : ts.createSourceFile(name, text, rest[0])
    }
  }
  const program = ts.createProgram([...programs.keys()], checked, host)
  return [...programs.keys()]
    .flatMap(name => ts.getPreEmitDiagnostics(program, program.getSourceFile(name)))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

describe('programs', () => {
  test(
    'every one of them type-checks, and a mistake in one would be found',
    () => {
      const programs = blocks('ts').map((code, index) => [join(root, `readme-${index}.ts`), code])
      expect(programs.length).toBeGreaterThan(1)
      expect(complaints(new Map(programs as [string, string][]))).toEqual([])
      const [wrong = ''] = blocks('ts').filter(code => code.includes('createTask'))
      const mistaken = wrong.replace('priority: 8', "priority: 'high'")
      expect(complaints(new Map([[join(root, 'readme-wrong.ts'), mistaken]]))).toEqual([
        expect.stringMatching(/'string' is not assignable to type 'number'/)
      ])
    },
    slowMs
  )

  test.skipIf(!canIsolate)(
    'the library example runs as printed, with the key that was made before it',
    async () => {
      const [example = ''] = blocks('ts').filter(code => code.includes('createNode'))
      const folder = await mkdtemp(join(tmpdir(), 'hearsay-readme-'))
      try {
        const file = join(folder, 'example.ts')
        await writeFile(file, example)
        const [, cluster = ''] = /hearsay key new --save --cluster (\S+)/.exec(readme) ?? []
        await saveKey(newKey(), keyPath(cluster, { XDG_CONFIG_HOME: folder }))
        expect(await runAlone(file, folder)).toBe('HELLO\n')
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
    slowMs
  )
})

/** Runs a program that finds its keys in a folder, with nothing but loopback for a network; gives what it printed. */
async function runAlone(file: string, folder: string): Promise<string> {
  const index = new URL('../src/index.ts', import.meta.url).href
  const hooks = `import { registerHooks } from 'node:module'
    registerHooks({
      resolve: (name, context, next) =>
        name === 'hearsay' ? { url: '${index}', shortCircuit: true } : next(name, context)
    })`
  const preload = `--import=data:text/javascript,${encodeURIComponent(hooks)}`
  const { stdout } = await promisify(execFile)('unshare', alone(process.execPath, preload, file), {
    timeout: slowMs - 10_000,
    env: {
      PATH: process.env['PATH'],
      XDG_CONFIG_HOME: folder,
      XDG_DATA_HOME: folder,
      HOME: folder
    }
  })
  return stdout
}

/** Command lines of hearsay, without its name; comments and what a shell would make of quotes are left out. */
const commandLines = blocks('sh')
  .flatMap(block => block.split('\n'))
  .map(line => line.replace(/\s+#.*$/, ''))
  .filter(line => line.startsWith('npx hearsay '))
  .map(line => line.replace('npx hearsay ', '').split(' '))

describe('command lines', () => {
  test.each(commandLines)('hearsay %s has its verb and flags', async (verb, ...rest) => {
    const help = await helpOf(verb, rest[0])
    for (const flag of rest.filter(word => word.startsWith('--')))
      expect(help).toContain(` ${flag}`)
  })

  test('every flag and verb in the prose exists', async () => {
    const verbs = [
      'start',
      'submit',
      'run',
      'wait',
      'get',
      'ls',
      'nodes',
      'status',
      'demo',
      'simulate',
      'events',
      'dashboard',
      'work',
      'mcp',
      'drain',
      'retry'
    ]
    const all = [...verbs.map(verb => helpOf(verb)), helpOf('state', 'load')]
    const helps = (await Promise.all(all)).join('\n')
    const prose = readme.replace(/^```.*?^```$/gms, '')
    const flags = [...prose.matchAll(/`[^`\n]*?(--[a-z-]+)[^`\n]*`/g)].map(([code, flag]) => ({
      code,
      flag
    }))
    // What is said of npm and Docker is not ours.
    const ours = flags.filter(({ code }) => !/^`(npm install|docker run)/.test(code))
    expect(ours.length).toBeGreaterThan(3)
    for (const { flag = '' } of ours) expect(`${helps} --help`).toContain(` ${flag}`)
  })

  test('every npm script exists', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const named = [...readme.matchAll(/npm (?:run )?(\S+)/g)].map(([, name = '']) => name)
    const own = named.filter(name => !/^(ci|install)\b/.test(name))
    expect(own.length).toBeGreaterThan(2)
    for (const name of own) expect(scripts).toHaveProperty(name.replaceAll('`', ''))
  })
})

test('every trial of soak exists, with its flags', async () => {
  const soak = join(root, 'test/soak/soak.ts')
  const { stdout: usage } = await promisify(execFile)(process.execPath, [soak, '--help'])
  const trials = [...readme.matchAll(/npm run soak -- (\S+)([^#\n`]*)/g)]
  expect(trials.length).toBeGreaterThan(2)
  for (const [, trial = '', flags = ''] of trials)
    for (const word of [trial, ...(flags.match(/--[a-z]+/g) ?? [])]) expect(usage).toContain(word)
})

test('its ratios and its figures are all those that the benchmark gives, in its words', () => {
  const tables = [...readme.matchAll(/^\| what \| better \|.*\n\|.*\n((?:\|.*\n)+)/gm)]
  const named = tables.map(([, rows = '']) =>
    rows
      .trim()
      .split('\n')
      .map(row => row.split(' | ')[0])
  )
  const lines = linesOf(Object.values(LOADS)).map(line => `| ${line}`)
  expect(named).toEqual([lines, lines])
})

/** The help of a verb, or of the sub-verb that follows it. */
async function helpOf(verb: string, next = ''): Promise<string> {
  const path = /^[a-z]+$/.test(next) && ['key', 'state'].includes(verb) ? [verb, next] : [verb]
  const said = await run([...path, '--help'])
  expect(said).toMatchObject({ code: 0, stderr: '' })
  expect(said.stdout).toContain(`hearsay ${path.join(' ')}`)
  return said.stdout
}

describe('what is quoted', () => {
  test('the doctor says it so, and has no code that the page lacks', () => {
    const lines = diagnoses().flatMap(facts =>
      findingsOf(facts).map(({ severity, code, what }) => `${severity} ${code}: ${what}`)
    )
    const quoted = [...readme.matchAll(/`((?:error|warning) [a-z-]+: [^`]*)`/g)]
    expect(quoted.length).toBeGreaterThan(3)
    for (const [, quote = ''] of quoted) {
      const start = quote.replace(/…$/, '')
      expect(lines.filter(line => line.startsWith(start))).not.toEqual([])
    }
    for (const code of CODES) expect(readme).toMatch(new RegExp(`\`(error )?${code}[:\`]`))
  })

  test('the log says so of a clock that was set', () => {
    const said: string[] = []
    const clock = { now: () => 0, aheadMs: () => 0 }
    new ClockSteps(clock, { warn: line => said.push(line) }).note(90_000)
    expect([...readme.matchAll(/`(the clock of [^`]*)`/g)].map(([, line]) => line)).toEqual(said)
  })

  test('every metric exists', () => {
    const exposition = readFileSync(join(root, 'src/metrics/exposition.ts'), 'utf8')
    const metrics = [...readme.matchAll(/`(hearsay_\w+)/g)].map(([, name = '']) => name)
    expect(metrics.length).toBeGreaterThan(3)
    for (const name of metrics) expect(exposition).toContain(`'${name}'`)
  })
})

/** What the doctor sees in the networks of the page: two interfaces, two firewalls, and no route. */
function diagnoses(): Facts[] {
  const eth0 = { name: 'eth0', address: '192.168.1.20', cidr: '192.168.1.20/24', internal: false }
  const docker0 = { name: 'docker0', address: '172.17.0.1', cidr: '172.17.0.1/16', internal: false }
  const id = 'other'
  const addresses = ['/ip4/192.168.1.21/tcp/4001']
  const [cluster, fingerprint] = ['six-nodes', 'cafe']
  const heard = { cluster, fingerprint, id, from: ['192.168.1.21'], announced: [addresses] }
  const network = { interfaces: [docker0, eth0], used: eth0, deaf: null, heard: [] }
  const facts: Facts = {
    cluster,
    noKey: null,
    fingerprints: { [cluster]: fingerprint },
    node: new FakeNode().diagnosis(),
    network,
    unlinked: [],
    unanswered: [],
    linkedBefore: new Set()
  }
  return [
    { ...facts, network: { ...network, used: docker0, heard: [heard] } },
    { ...facts, unlinked: [{ id, name: 'computer-b/3', addresses, answer: 'silent' }] },
    facts,
    { ...facts, network: { ...network, deaf: 'nothing came back' } },
    { ...facts, network: { ...network, deaf: 'ENETUNREACH' } }
  ]
}

describe('links', () => {
  const links = [...readme.matchAll(/\]\(((?!https:)[^)]+)\)/g)].map(([, target = '']) => target)
  const paths = [...readme.matchAll(/`((?:src|test|config)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path
  )
  const inCommands = [...readme.matchAll(/(?<= )(?:config|src|test)\/[\w./-]+/g)].map(
    ([path]) => path
  )

  test.each([...new Set([...links, ...paths, ...inCommands])])('%s is there', target => {
    expect(existsSync(join(root, target))).toBe(true)
  })
})
