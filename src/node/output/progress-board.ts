/**
 * How far the runs of the cluster are, for those who look.
 *
 * Progress is news for an eye and for a moment, so it is not spread: when a caller looks, the nodes that run something
 * are asked, each at most once a second however many look. While nobody does, it costs nothing.
 */
import { nodeOf, type NodeId, type TaskId } from '../../core/base/ids.ts'
import type { AttemptInfo, Progress } from '../../core/message.ts'
import { isSettled, isStarted, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import type { Logbook } from './logbook.ts'
import type { Clock, Transport } from '../../ports/ports.ts'

/** What is younger is not asked for again. */
const FRESH_MS = 1000
/** How long a look waits for answers: what comes later is there for the next one. */
const PATIENCE_MS = 500
/** More runs than a node can have slots: a peer that says more is not listened to. */
const RUNS_MAX = 1024

export type ProgressParts = Readonly<{
  core: CoreView
  transport: Transport
  clock: Pick<Clock, 'now'>
  logbook: Logbook
}>

type Page = { askedAt: number; asking: Promise<void>; runs: Map<TaskId, AttemptInfo> }

export class ProgressBoard {
  readonly #parts: ProgressParts
  readonly #pages = new Map<NodeId, Page>()

  constructor(parts: ProgressParts) {
    this.#parts = parts
  }

  /** Asks the nodes that run something. Never rejects, and takes half a second at most. */
  async refresh(): Promise<void> {
    const { core, transport } = this.#parts
    const holders = new Set<NodeId>()
    for (const record of core.records()) {
      if (isRunning(record)) holders.add(nodeOf(record.claim.holder))
    }
    holders.delete(transport.id)
    for (const node of this.#pages.keys()) if (!holders.has(node)) this.#pages.delete(node)
    await Promise.all([...holders].map(node => this.#page(node).asking))
  }

  /** Progress of a task that runs; null if nothing is known. */
  of(record: TaskRecord): Progress | null {
    if (!isRunning(record)) return null
    const { epoch, holder } = record.claim
    const node = nodeOf(holder)
    const { transport, logbook } = this.#parts
    if (node === transport.id) return logbook.progressOf(record.spec.id, epoch)
    const run = this.#pages.get(node)?.runs.get(record.spec.id)
    return run?.epoch === epoch ? run.progress : null
  }

  #page(node: NodeId): Page {
    const known = this.#pages.get(node)
    const now = this.#parts.clock.now()
    if (known !== undefined && now - known.askedAt < FRESH_MS) return known
    const page: Page = { askedAt: now, asking: Promise.resolve(), runs: known?.runs ?? new Map() }
    page.asking = this.#ask(node).then(runs => {
      if (runs !== null) page.runs = runs
    })
    this.#pages.set(node, page)
    return page
  }

  /** Null if it does not answer in time. */
  async #ask(node: NodeId): Promise<Map<TaskId, AttemptInfo> | null> {
    const runs = new Map<TaskId, AttemptInfo>()
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const answers = this.#parts.transport.askOutput(node, { kind: 'running' }, signal)
      for await (const answer of answers) {
        if (answer.kind === 'attempt') runs.set(answer.info.taskId, answer.info)
        if (runs.size > RUNS_MAX) return null
      }
      return runs
    } catch {
      return null
    }
  }
}

function isRunning(record: TaskRecord): boolean {
  return isStarted(record) && !isSettled(record)
}
