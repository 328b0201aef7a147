/**
 * What scripts depend on, for every verb there is: help with an example, `--json` that its schema describes, and exit
 * code 2 for nonsense. A verb that is not in the table fails the test, so none can be forgotten.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { startApi, type Api } from '../../src/api/server.ts'
import { wholeProgram } from '../../src/cli/main.ts'
import { Terminal } from '../../src/cli/terminal.ts'
import type { Submitted } from '../../src/node/api/node-api.ts'
import { FakeNode } from '../api/fake-node.ts'
import { until } from '../support/until.ts'
import { headOf, into, run, type Said } from './run.ts'
import { SCHEMAS } from './schemas.ts'

/** Commands end at once, and have said a word. */
class Node extends FakeNode {
  override async submit(...submission: Parameters<FakeNode['submit']>): Promise<Submitted> {
    const submitted = await super.submit(...submission)
    if (submission[0] === 'command') {
      this.settle(submitted.id, { state: 'completed', result: { exitCode: 0, signal: null } })
    }
    return submitted
  }
}

type Row = Readonly<{
  /** Each prints lines that all fit one of the schemas. TASK, OPEN, FAILED, FILE, LINES and IDS stand for one. */
  good: readonly (readonly [argv: string, ...schemas: (keyof typeof SCHEMAS)[]])[]
  bad: readonly string[]
  /** Ends when its reader does. */
  isEndless?: true
}>

const ROWS: Readonly<Record<string, Row>> = {
  start: { good: [['start --print-config', 'config']], bad: ['start --grace soon', 'start now'] },
  submit: {
    good: [
      ['submit quick [1]', 'submitted'],
      ['submit quick [1] --wait', 'task'],
      ['submit --each LINES', 'submitted-each']
    ],
    bad: ['submit', 'submit a --acks many', 'submit a 1 2']
  },
  wait: {
    good: [
      ['wait TASK', 'task'],
      ['wait --each IDS', 'task']
    ],
    bad: ['wait', 'wait TASK --timeout soon', 'wait TASK --each IDS', 'wait --each /nowhere']
  },
  get: {
    good: [
      ['get TASK', 'task'],
      ['get TASK --history', 'task-with-history']
    ],
    bad: ['get', 'get a b']
  },
  ls: { good: [['ls --limit 5', 'task']], bad: ['ls --limit 0', 'ls --state none'] },
  cancel: {
    good: [
      ['cancel OPEN', 'cancelled'],
      ['cancel --all --state queued --yes', 'bulk']
    ],
    bad: ['cancel', 'cancel a --all', 'cancel a --type b', 'cancel --all --state none']
  },
  retry: {
    good: [
      ['retry FAILED', 'submitted'],
      ['retry --all --state cancelled', 'bulk']
    ],
    bad: ['retry', 'retry a --yes', 'retry --all --since soon']
  },
  why: { good: [['why TASK', 'why']], bad: ['why', 'why a b'] },
  logs: { good: [['logs TASK', 'log-line']], bad: ['logs'] },
  run: { good: [['run -- true', 'log-line', 'task']], bad: [] },
  nodes: { good: [['nodes', 'node']], bad: ['nodes all'] },
  status: { good: [['status', 'status']], bad: ['status all'] },
  metrics: { good: [['metrics', 'metrics']], bad: ['metrics all'] },
  events: { good: [['events', 'event']], bad: ['events --since yesterday'], isEndless: true },
  top: { good: [['top --interval 100ms', 'top']], bad: ['top --interval 1ms'], isEndless: true },
  // It serves what a build has made of the page: test/dashboard has it, and its links fit `dashboard-link`.
  dashboard: {
    good: [],
    bad: ['dashboard --port 65536', 'dashboard --allow-host a:1', 'dashboard now']
  },
  doctor: { good: [['doctor', 'diagnosis']], bad: ['doctor now'] },
  reload: { good: [['reload', 'reloaded']], bad: ['reload now'] },
  drain: {
    good: [
      ['drain', 'node'],
      ['drain --undo', 'node'],
      ['drain computer-b/2', 'node']
    ],
    bad: ['drain a b']
  },
  label: { good: [['label gpu=1 --remove zone', 'node']], bad: ['label gpu', 'label --remove'] },
  forget: { good: [['forget computer-b/2', 'node']], bad: ['forget'] },
  leave: { good: [['leave', 'left']], bad: ['leave now'] },
  key: { good: [], bad: ['key', 'key old'] },
  'key new': { good: [['key new', 'key-new']], bad: ['key new one'] },
  'key show': { good: [['key show', 'key-show']], bad: ['key show --key-file /nowhere'] },
  state: { good: [], bad: ['state', 'state keep'] },
  'state save': {
    good: [['state save FILE', 'state-saved']],
    bad: ['state save', 'state save -']
  },
  'state load': {
    good: [['state load FILE', 'state-loaded']],
    bad: ['state load /nowhere', 'state load -']
  },
  completion: { good: [], bad: ['completion', 'completion tcsh'] },
  simulate: { good: [['simulate --seeds 1', 'simulation']], bad: ['simulate --seeds 0'] },
  // It goes on until it is told to stop: test/cli/work has it.
  work: { good: [], bad: ['work', 'work a', 'work a --slots 0 -- true'] },
  // It speaks another protocol: test/mcp has it.
  mcp: { good: [], bad: ['mcp now', 'mcp --types'] },
  // Six real nodes: test/demo has it.
  demo: { good: [], bad: ['demo --nodes 1', 'demo now'] }
}

let folder: string
let node: Node
let api: Api
let words: (argv: string) => string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearsay-contract-'))
  node = new Node()
  api = await startApi(node, folder)
  vi.stubEnv('HEARSAY_DATA', folder)
  vi.stubEnv('HEARSAY_KEY', (await run(['key', 'new'])).stdout.trim())
  const { id } = await node.submit('quick', { a: [1, null] })
  const open = await node.submit('a', null)
  const failed = await node.submit('a', null)
  node.settle(failed.id, { state: 'failed', reason: 'HandlerError' })
  const at = '2026-01-02T03:04:05.000Z'
  node.entries.push({ v: 1, at, attempt: 1, node: null, stream: 'stdout', text: 'said\n' })
  node.state = ['{"v":1,"tasks":[\n', ']}\n']
  const [state, lines, ids] = ['state', 'lines', 'ids'].map(name => join(folder, name)) as [
    string,
    string,
    string
  ]
  await writeFile(state, node.state.join(''))
  await writeFile(lines, '{"type":"quick","ref":"a"}\n{"type":"b","dependsOn":["ref:a"]}\n')
  await writeFile(ids, `${id}\n{"v":1,"id":"${id}"}\n`)
  const names: Readonly<Record<string, string>> = {
    TASK: id,
    OPEN: open.id,
    FAILED: failed.id,
    FILE: state,
    LINES: lines,
    IDS: ids
  }
  words = argv => argv.split(' ').map(word => names[word] ?? word)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await api.close()
  await rm(folder, { recursive: true, force: true })
})

async function verbs(): Promise<Map<string, CommandUnknownOpts>> {
  const silent = { stdin: Readable.from([]), stdout: into(() => {}), stderr: into(() => {}) }
  const found = new Map<string, CommandUnknownOpts>()
  const walk = (command: CommandUnknownOpts, above: string): void => {
    for (const verb of command.commands) {
      found.set(above + verb.name(), verb)
      walk(verb, `${above}${verb.name()} `)
    }
  }
  walk(await wholeProgram(new Terminal(silent)), '')
  return found
}

test('every verb is in the table, and the other way round', async () => {
  expect([...(await verbs()).keys()].toSorted()).toEqual(Object.keys(ROWS).toSorted())
})

test('every verb explains itself: an example, a word on each option and argument', async () => {
  for (const [name, verb] of await verbs()) {
    const said = await run([...name.split(' '), '--help'])
    expect(said, name).toMatchObject({ code: 0, stderr: '' })
    expect(said.stdout, name).toMatch(/Examples?:\n {2}\$ .*hearsay/)
    expect(verb.description(), name).toMatch(/^[a-z].*[^.]$/)
    for (const option of verb.options) expect(option.description, option.flags).not.toBe('')
  }
})

/** Options end where the command of a task begins. */
function withJson(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return end < 0 ? [...argv, '--json'] : argv.toSpliced(end, 0, '--json')
}

async function endless(argv: readonly string[]): Promise<Said> {
  const ended = headOf(argv)
  await until(() => node.listening > 0, 'the reader')
  for (let i = 0; i < 3; i++) node.emit('task:failed', { taskId: 'a', type: 'b' })
  return ended
}

describe.each(Object.entries(ROWS))('%s', (_, row) => {
  test.each(row.good.map(([argv, ...schemas]) => ({ argv, schemas })))(
    '$argv --json prints $schemas',
    async ({ argv, schemas }) => {
      const all = withJson(words(argv))
      const said = await (row.isEndless ? endless(all) : run(all))
      expect(said).toMatchObject({ code: 0, stderr: '' })
      const lines = said.stdout.split('\n').filter(line => line !== '')
      expect(lines.length).toBeGreaterThan(0)
      const schema = z.union(schemas.map(name => SCHEMAS[name]))
      for (const line of lines) expect(() => schema.parse(JSON.parse(line))).not.toThrow()
    }
  )

  test.each(row.bad)('"hearsay %s" is wrong usage', async argv => {
    const said = await run(words(argv))
    expect(said).toMatchObject({ code: 2, stdout: '' })
    expect(said.stderr).not.toMatch(/\n +at /)
  })
})

/** `UPDATE_SCHEMAS=1` writes the files instead; `npm run format` follows. */
test.each(Object.entries(SCHEMAS))('config/schemas/%s.json says the same', async (name, schema) => {
  const published: unknown = JSON.parse(
    JSON.stringify({ title: `hearsay: ${name}`, ...z.toJSONSchema(schema) })
  )
  const file = new URL(`../../config/schemas/${name}.json`, import.meta.url)
  if (process.env['UPDATE_SCHEMAS']) await writeFile(file, JSON.stringify(published))
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(published)
})
