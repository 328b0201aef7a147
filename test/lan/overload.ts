/**
 * Far more tasks than six nodes have processor time for: what they think of each other meanwhile, what they use, and how
 * they are when it is over.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../../src/api/client.ts'
import type { BatchLine } from '../../src/api/batch.ts'
import type { Cluster, ClusterNode } from './cluster.ts'
import type { CpuGroup } from './cpu-group.ts'
import { computers, type Lan } from './lan.ts'

/** Rarely enough to cost a starved cluster little. */
const LOOK_MS = 2000
/** Of these the middle one counts. */
const SUBMITS = 9
/** What nobody should say while all live. */
const ALARMS = ['node:unreachable', 'node:crashed', 'node:left'] as const

export type Figures = Readonly<{
  count: number
  /** Submissions that were refused, in words. */
  refused: readonly string[]
  /** From the first submission on, in s. */
  submittedAfter: number
  settledAfter: number
  completed: number
  /** Tasks that somebody took over. */
  reclaimed: number
  /** Processor time that all nodes took together until then, in s. */
  cpuSeconds: number
  /** Alarm -> how often any node told of it. */
  alarms: Readonly<Record<string, number>>
  /** The most that each node had, in MiB; and a while after. */
  peakMib: readonly number[]
  restMib: readonly number[]
  /** What a submission takes while nothing else happens, in ms, before and after. */
  idleMs: number
  afterMs: number
}>

export type Overload = Readonly<{
  count: number
  /** Where the nodes are. */
  lan: Lan
  group: CpuGroup
  settleMsMax: number
  /** How long the nodes may rest before they are looked at again. */
  restMs: number
}>

/** @throws if not all tasks have settled in time */
export async function overload(cluster: Cluster, given: Overload): Promise<Figures> {
  const { count, lan, group, settleMsMax, restMs } = given
  const { nodes } = cluster
  // What the nodes have started, too.
  for (const computer of computers) group.take(await lan.pids(computer))
  const clients = await Promise.all(nodes.map(({ data }) => Client.open({ data })))
  const listening = new AbortController()
  const alarms: Record<string, number> = {}
  const heard = clients.flatMap(client =>
    ALARMS.map(event => listen(client, event, alarms, listening.signal))
  )
  try {
    const [first] = clients as [Client]
    const idleMs = await submitMs(first)
    const peakMib = nodes.map(mibOf)
    const cpuBefore = cpuSecondsOf(nodes)
    const startedAt = performance.now()
    const since = (): number => (performance.now() - startedAt) / 1000
    const each = Math.ceil(count / clients.length)
    const feeding = Promise.all(clients.map(client => feed(client, each)))
    const submitted = feeding.then(refused => ({ refused, submittedAfter: since() }))
    // It is looked at below, whatever happens until then.
    submitted.catch(() => {})
    const before = await total(clients, COMPLETED)
    let hasEnded = false
    void submitted.finally(() => (hasEnded = true)).catch(() => {})
    await settled(first, settleMsMax, () => {
      nodes.forEach((node, i) => (peakMib[i] = Math.max(peakMib[i]!, mibOf(node))))
      return hasEnded
    })
    const settledAfter = since()
    const cpuSeconds = cpuSecondsOf(nodes) - cpuBefore
    await sleep(restMs)
    const completed = (await total(clients, COMPLETED)) - before
    const reclaimed = await total(clients, RECLAIMED)
    const afterMs = await submitMs(first)
    const { refused, submittedAfter } = await submitted
    return {
      count: each * clients.length,
      refused: refused.flat(),
      submittedAfter,
      settledAfter,
      completed,
      reclaimed,
      cpuSeconds,
      alarms,
      peakMib,
      restMib: nodes.map(mibOf),
      idleMs,
      afterMs
    }
  } finally {
    listening.abort()
    await Promise.all(heard)
  }
}

async function feed(client: Client, count: number): Promise<string[]> {
  async function* lines(): AsyncGenerator<BatchLine> {
    for (let line = 1; line <= count; line++)
      yield { line, type: 'noop', payload: null, options: {} }
  }
  const refused: string[] = []
  for await (const answer of client.submitMany(lines())) {
    if ('error' in answer) refused.push(answer.error.message)
  }
  return refused
}

/** Resolves when all has been submitted and none is left open. */
async function settled(client: Client, msMax: number, look: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + msMax
  for (;;) {
    const isSubmitted = look()
    const { tasks } = await client.status()
    const open = tasks.waiting + tasks.delayed + tasks.queued + tasks.running
    if (isSubmitted && open === 0) return
    if (performance.now() > giveUpAt) {
      throw new Error(`after ${msMax} ms not all have settled: ${JSON.stringify(tasks)}`)
    }
    await sleep(LOOK_MS)
  }
}

const COMPLETED = /^hearsay_tasks_settled_total\{.*status="completed".*\} (\d+)$/gm
const RECLAIMED = /^hearsay_reclaims_total\{.*\} (\d+)$/gm

/** What all nodes have counted of something together. */
async function total(clients: readonly Client[], line: RegExp): Promise<number> {
  const texts = await Promise.all(clients.map(client => client.metrics()))
  const counts = texts.flatMap(text => [...text.matchAll(line)]).map(([, count]) => Number(count))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function submitMs(client: Client): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < SUBMITS; i++) {
    const startedAt = performance.now()
    const { id } = await client.submit('noop')
    took.push(performance.now() - startedAt)
    await client.wait(id)
  }
  return took.sort((x, y) => x - y)[Math.floor(SUBMITS / 2)]!
}

async function listen(
  client: Client,
  event: string,
  alarms: Record<string, number>,
  signal: AbortSignal
): Promise<void> {
  try {
    for await (const _ of client.events({ event }, signal)) alarms[event] = (alarms[event] ?? 0) + 1
  } catch (error) {
    if (!signal.aborted) alarms[`events end: ${(error as Error).message}`] = 1
  }
}

function mibOf({ process: { pid } }: ClusterNode): number {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kib) / 1024)
}

/** User and system time, in ticks of 10 ms, behind the name in parentheses. */
function cpuSecondsOf(nodes: readonly ClusterNode[]): number {
  const ticks = nodes.map(({ process: { pid } }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, each) => sum + each, 0) / 100
}
