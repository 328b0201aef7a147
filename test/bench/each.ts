/**
 * What the command line costs: as many tasks as a file has lines, submitted and waited for by processes of their own
 * through a node that runs nothing, beside a program that is such a node itself. Six others with one slot each do the
 * work.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApi } from '../../src/api/server.ts'
import { BenchCluster } from './cluster.ts'
import { figure, type Row } from './figures.ts'

const NODES = 7
const TASKS = 10_000
/** Of a payload, as JSON. */
const PAYLOAD = 'x'.repeat(98)
const WARMING_RUNS = 1

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'bin', 'hearsay.js')

/** Seconds from the start of the first process until the last has ended. */
type Took = Readonly<{ library: number; submit: number; oneByOne: number; piped: number }>

/** @param reps how often, after a first time that does not count */
export async function each(say: (text: string) => void, reps: number): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'hearsay-bench-each-'))
  const cluster = await BenchCluster.start(NODES, { concurrency: 1 })
  const api = await startApi(cluster.node, folder)
  try {
    await writeFile(join(folder, 'tasks'), lines())
    const took: Took[] = []
    const runs = WARMING_RUNS + reps
    for (let i = 1; i <= runs; i++) {
      const run = await timeAll(cluster, folder)
      if (i > WARMING_RUNS) took.push(run)
      const { library, submit, oneByOne, piped } = run
      const texts = [library, submit, oneByOne, piped].map(seconds => seconds.toFixed(2))
      say(`run ${i} of ${runs}: library, submit, submit and wait, piped: ${texts.join(', ')} s`)
    }
    return rowsOf(took)
  } finally {
    await api.close()
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function rowsOf(took: readonly Took[]): Row[] {
  const rate = (of: (run: Took) => number): Row => ({
    tasks: TASKS,
    'results/s': figure(took.map(run => TASKS / of(run))),
    'of the library': figure(took.map(run => run.library / of(run)))
  })
  return [
    { by: 'a program with a node', ...rate(run => run.library) },
    { by: 'submit --each F > IDS; wait --each IDS', ...rate(run => run.oneByOne) },
    { by: 'submit --each F | wait --each -', ...rate(run => run.piped) }
  ]
}

async function timeAll({ node }: BenchCluster, folder: string): Promise<Took> {
  const library = await time(async () => {
    const submissions = Array.from({ length: TASKS }, () => node.createTask('noop', PAYLOAD))
    await Promise.all(submissions.map(async id => node.waitForTask(await id)))
  })
  const [tasks, ids, out] = ['tasks', 'ids', 'out'].map(name => join(folder, name)) as [
    string,
    string,
    string
  ]
  const run = (command: string): Promise<void> => inShell(command, folder)
  const submit = await time(() => run(`hearsay submit --each ${tasks} --json > ${ids}`))
  const wait = await time(() => run(`hearsay wait --each ${ids} > ${out}`))
  await assertAll(out)
  const piped = await time(() =>
    run(`hearsay submit --each ${tasks} --json | hearsay wait --each - > ${out}`)
  )
  await assertAll(out)
  return { library, submit, oneByOne: submit + wait, piped }
}

async function time(action: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await action()
  return (performance.now() - startedAt) / 1000
}

async function inShell(command: string, data: string): Promise<void> {
  const script = `hearsay() { "${process.execPath}" "${program}" "$@"; }; set -e -o pipefail; ${command}`
  const env = { ...process.env, HEARSAY_DATA: data }
  const shell = spawn('bash', ['-c', script], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = (await once(shell, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${command} ended with ${code}`)
}

async function assertAll(file: string): Promise<void> {
  const completed = (await readFile(file, 'utf8')).match(/^\S{36} {2}completed /gm)?.length ?? 0
  if (completed !== TASKS) throw new Error(`${completed} of ${TASKS} tasks have completed`)
}

function lines(): string {
  return `${JSON.stringify({ type: 'noop', payload: PAYLOAD })}\n`.repeat(TASKS)
}
