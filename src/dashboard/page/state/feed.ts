/**
 * The one stream of this page: the cluster as the node sees it, and then whatever changes, for as long as the page is
 * seen. When it breaks, it is opened again with the cursor of its last line, so that nothing is missed that the node
 * still knows; and until then the page says since when it knows nothing new.
 *
 * Beside it only what is no event is asked for, and rarely: the status of the node, and what a doctor would say.
 */
import { effect } from '@preact/signals'
import type { Finding } from '../../../doctor/finding.ts'
import type { NodeEvent, NodeView, StatusView } from '../../../node/api/node-api.ts'
import { get, lines, list, RefusedError } from './api.ts'
import * as cluster from './cluster.ts'
import type { TaskCounts, TaskRow } from './contract.ts'
import { say } from './notes.ts'
import { withNextPulse } from './pulse.ts'
import { pathOfNode } from './route.ts'
import { session } from './session.ts'

const RETRY_MS = 1000
/** The node says every five seconds that it is there. */
const SILENT_MS_MAX = 12_000
const STATUS_MS = 3000
const FINDINGS_MS = 15_000
/** What comes faster than it can be shown is dropped here, as by a reader that is too slow. */
const GATHERED_MAX = 20_000
const FAILURES_ASKED = 20

/** A line of the stream: an event, or one of those that begin with `view:` (src/node/lists/live-view.ts). */
type Line = NodeEvent &
  Readonly<{
    whole?: boolean
    nodes?: NodeView[]
    counts?: TaskCounts
    tasks?: TaskRow[]
    gone?: string[]
    more?: number
  }>

let open: AbortController | null = null
let cursor: string | null = null
let gathered: Line[] = []

/** Follows the node while there is a session and the page is seen. */
export function startFeed(): void {
  document.addEventListener('visibilitychange', update)
  effect(() => {
    void session.value
    update()
  })
}

function update(): void {
  const isWanted = session.value === 'open' && !document.hidden
  if (isWanted && open === null) {
    open = new AbortController()
    const { signal } = open
    void keepOpen(signal)
    void again(STATUS_MS, signal, refreshStatus)
    void again(FINDINGS_MS, signal, examine)
    void recall(signal).catch(() => {})
  } else if (!isWanted && open !== null) {
    open.abort()
    open = null
  }
}

async function keepOpen(gone: AbortSignal): Promise<void> {
  while (!gone.aborted) {
    const silent = new AbortController()
    const signal = AbortSignal.any([gone, silent.signal])
    let timer = setTimeout(() => silent.abort(), SILENT_MS_MAX)
    try {
      const query = { snapshot: true, rows: 1, since: cursor }
      for await (const line of lines<Line>('/v1/events', query, signal)) {
        clearTimeout(timer)
        timer = setTimeout(() => silent.abort(), SILENT_MS_MAX)
        hear(line)
      }
      cut('the node has ended the stream: it stops, or has been stopped')
    } catch (error) {
      if (gone.aborted) return
      // The cursor is of a node that is another one now.
      if (error instanceof RefusedError && error.problem === 'InvalidOptionError') cursor = null
      cut(silent.signal.aborted ? 'the node has been silent for long' : (error as Error).message)
    } finally {
      clearTimeout(timer)
    }
    await pause(RETRY_MS, gone)
  }
}

function hear(line: Line): void {
  cursor = line.cursor
  if (gathered.length === 0) withNextPulse(takeGathered)
  if (gathered.length < GATHERED_MAX) gathered.push(line)
}

function takeGathered(): void {
  const all = gathered
  gathered = []
  cluster.link.value = { state: 'live', asOfMs: Date.now(), why: null }
  const happened: NodeEvent[] = []
  for (const line of all) {
    if (!line.event.startsWith('view:')) happened.push(line)
    if (line.nodes !== undefined) takeNodes(line.nodes)
    if (line.counts !== undefined) cluster.counts.value = line.counts
    if (line.event === 'view:tasks') {
      const { tasks = [], gone = [], more = 0 } = line
      cluster.tellTasks({ tasks, gone, more })
    }
  }
  if (happened.length > 0) cluster.tell(happened)
}

/** The server asks another node of this computer when the one that it asked has ended. */
function takeNodes(nodes: NodeView[]): void {
  const before = cluster.asked.value
  cluster.nodes.value = nodes
  const { value: after } = cluster.asked
  if (before === null || after === null || before === after) return
  say(`${before} does not answer any more: ${after} does now`, pathOfNode(after))
}

/** Does it at once and then again and again. That the node does not answer is said by the stream. */
async function again(
  everyMs: number,
  gone: AbortSignal,
  act: (gone: AbortSignal) => Promise<void>
): Promise<void> {
  while (!gone.aborted) {
    await act(gone).catch(() => {})
    await pause(everyMs, gone)
  }
}

async function refreshStatus(gone: AbortSignal): Promise<void> {
  const status = await get<StatusView>('/v1/status', {}, gone)
  withNextPulse(() => (cluster.status.value = status))
}

async function examine(gone: AbortSignal): Promise<void> {
  const { findings } = await get<{ findings: Finding[] }>('/findings', {}, gone)
  withNextPulse(() => (cluster.findings.value = findings))
}

/** What the page may do, and what has failed before it listened. */
async function recall(gone: AbortSignal): Promise<void> {
  cluster.about.value = await get<cluster.About>('/about', {}, gone)
  const query = { state: 'failed', limit: FAILURES_ASKED, sort: '-settledAt', fields: 'brief' }
  const failed = await list<TaskRow>('/v1/tasks', query, gone)
  cluster.recallFailures(
    failed.flatMap(({ id, settledAt, type, holder, reason, error }) => {
      if (id === undefined || settledAt === null) return []
      const [taskId, node, message] = [id, holder, error?.message ?? '']
      return [{ at: settledAt, taskId, type, node, reason: reason ?? '', message }]
    })
  )
}

function cut(why: string): void {
  withNextPulse(() => {
    cluster.link.value = { ...cluster.link.value, state: 'cut', why }
  })
}

function pause(ms: number, gone: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      gone.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    gone.addEventListener('abort', done)
  })
}
