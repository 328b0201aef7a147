/** The cluster as the node of this page sees it, and how fresh that is. */
import { computed, signal } from '@preact/signals'
import type { Finding } from '../../../doctor/finding.ts'
import type { NodeEvent, NodeView, StatusView } from '../../../node/api/node-api.ts'
import type { TaskCounts, TaskRow } from './contract.ts'
import { textOf } from './format.ts'
import { now } from './pulse.ts'

/** What the page may do: see `hearsay dashboard --help`. */
export type About = Readonly<{ readOnly: boolean; allowSubmit: boolean }>

export type Link = Readonly<{
  state: 'opening' | 'live' | 'cut'
  /** When the node was heard last, in ms; null: never. */
  asOfMs: number | null
  /** Why it is cut. */
  why: string | null
}>

export type Failure = Readonly<{
  at: string
  taskId: string
  type: string
  node: string
  reason: string
  message: string
}>

/** How many tasks settled in each of the last seconds, oldest first. */
const RATE_SECONDS = 60
/** Over how many seconds the rate is taken that is shown as a number. */
const RATE_SHOWN_SECONDS = 10
const EVENTS_KEPT = 2000
const FAILURES_KEPT = 20

export const about = signal<About>({ readOnly: true, allowSubmit: false })
export const link = signal<Link>({ state: 'opening', asOfMs: null, why: null })
export const nodes = signal<readonly NodeView[]>([])
export const status = signal<StatusView | null>(null)
/** The node by way of which this page asks; null: not known yet. */
export const asked = computed(() => nodes.value.find(({ self }) => self)?.name ?? null)
/** Tasks by state, type and node, as of the node's last word on them. */
export const counts = signal<TaskCounts | null>(null)
export const findings = signal<readonly Finding[] | null>(null)
/** The newest ones, oldest first. */
export const events = signal<readonly NodeEvent[]>([])
export const failures = signal<readonly Failure[]>([])
/** Tasks that changed hands since the page was opened. */
export const moves = signal({ stolen: 0, reclaimed: 0, retried: 0 })

const settledAt = signal<ReadonlyMap<number, number>>(new Map())

/** Settled tasks of each of the last 60 s, the present one last. */
export const settledBySecond = computed(() => {
  const last = Math.floor(now.value / 1000)
  return Array.from({ length: RATE_SECONDS }, (_, n) => {
    return settledAt.value.get(last - RATE_SECONDS + 1 + n) ?? 0
  })
})

/** Tasks a second, over the last ten whole seconds. */
export const rate = computed(() => {
  const whole = settledBySecond.value.slice(-RATE_SHOWN_SECONDS - 1, -1)
  return whole.reduce((sum, n) => sum + n, 0) / RATE_SHOWN_SECONDS
})

type Listener = (events: readonly NodeEvent[]) => void
const listeners = new Set<Listener>()

/** Calls back with what happens, at most four times a second. Returns how to stop it. */
export function onEvents(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Tasks that have changed, tasks that are no more, and how many others there are of both. */
export type Changes = Readonly<{ tasks: readonly TaskRow[]; gone: readonly string[]; more: number }>

const taskListeners = new Set<(changes: Changes) => void>()

/** Calls back with tasks as they change, at most four times a second. Returns how to stop it. */
export function onTasks(listener: (changes: Changes) => void): () => void {
  taskListeners.add(listener)
  return () => taskListeners.delete(listener)
}

export function tellTasks(changes: Changes): void {
  for (const listener of taskListeners) listener(changes)
}

/** Takes in what has happened since the last repaint. */
export function tell(happened: readonly NodeEvent[]): void {
  const kept = events.value.concat(happened)
  events.value = kept.length > EVENTS_KEPT ? kept.slice(-EVENTS_KEPT) : kept
  countMoves(happened)
  countSettled(happened)
  const failed = happened.filter(({ event }) => event === 'task:failed').map(failureOf)
  if (failed.length > 0) {
    failures.value = [...failed.toReversed(), ...failures.value].slice(0, FAILURES_KEPT)
  }
  for (const listener of listeners) listener(happened)
}

/** What had failed before this page listened. */
export function recallFailures(before: readonly Failure[]): void {
  const known = new Set(failures.value.map(({ taskId }) => taskId))
  const older = before.filter(({ taskId }) => !known.has(taskId))
  failures.value = [...failures.value, ...older]
    .toSorted((x, y) => Date.parse(y.at) - Date.parse(x.at))
    .slice(0, FAILURES_KEPT)
}

function countMoves(happened: readonly NodeEvent[]): void {
  const many = (name: string): number => happened.filter(({ event }) => event === name).length
  const { stolen, reclaimed, retried } = moves.value
  const more = {
    stolen: stolen + many('task:stolen'),
    reclaimed: reclaimed + many('task:reclaimed'),
    retried: retried + many('task:retrying')
  }
  if (more.stolen + more.reclaimed + more.retried > stolen + reclaimed + retried) moves.value = more
}

function countSettled(happened: readonly NodeEvent[]): void {
  const settled = happened.filter(({ event }) => /^task:(completed|failed)$/.test(event))
  if (settled.length === 0) return
  const oldest = Math.floor(Date.now() / 1000) - RATE_SECONDS
  const counts = new Map([...settledAt.value].filter(([second]) => second >= oldest))
  for (const { at } of settled) {
    const second = Math.floor(Date.parse(at) / 1000)
    counts.set(second, (counts.get(second) ?? 0) + 1)
  }
  settledAt.value = counts
}

function failureOf(event: NodeEvent): Failure {
  return {
    at: event.at,
    taskId: textOf(event['taskId']),
    type: textOf(event['type']),
    node: textOf(event['node']),
    reason: textOf(event['reason']),
    message: textOf(event['message'])
  }
}
