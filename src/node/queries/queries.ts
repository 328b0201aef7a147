/**
 * What the node can tell about tasks and nodes: questions, and views as answers. Changes nothing.
 */
import { shown } from '../../core/base/shape.ts'
import { nodeOf, type BootId, type NodeId, type TaskId } from '../../core/base/ids.ts'
import { compareText } from '../../core/base/order.ts'
import { poolsOf } from '../../core/claim/claim.ts'
import { DEFAULT_POOL } from '../../core/message.ts'
import { isSettled, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import { UnknownTaskError } from '../../shared/errors.ts'
import type { TaskRow } from '../api/lists-api.ts'
import type {
  DiagnosisView,
  MetricsView,
  NodeView,
  OpenDependency,
  QueriesApi,
  StatusView,
  TaskView,
  WhyView,
  WorkerHealth
} from '../api/node-api.ts'
import type { Clock, Transport } from '../../ports/ports.ts'
import type { ProgressBoard } from '../output/progress-board.ts'
import { TASK_ID } from '../../shared/names.ts'
import { idText } from '../tasks/checks.ts'
import type { NodeSettings } from '../settings.ts'
import { diagnosisOf } from './diagnosis.ts'
import { metricsView } from './metrics.ts'
import { metricsSnapshotOf } from './metrics-snapshot.ts'
import { missingOf, namesIn } from './names.ts'
import type { ProcessFacts } from './process-facts.ts'
import { reasonAt, reasonOf, type Busy, type Situation } from './why.ts'
import {
  checkpointWords,
  healthOf,
  memberView,
  selfView,
  statusView,
  strangerView,
  taskRow,
  taskView
} from './views.ts'

/** Length to which an id is shown: as long as an id is. */
const ID_SHOWN_MAX = 36

export type QueriesParts = Readonly<{
  core: CoreView
  ports: Readonly<{ transport: Transport; clock: Clock }>
  settings: Pick<NodeSettings, 'cluster' | 'mdns' | 'fingerprintOf' | 'exposition'>
  progress: Pick<ProgressBoard, 'of'>
  processFacts: ProcessFacts
}>

export class Queries implements Omit<QueriesApi, 'tasks'> {
  readonly #core: CoreView
  readonly #ports: QueriesParts['ports']
  readonly #settings: QueriesParts['settings']
  readonly #progress: QueriesParts['progress']
  readonly #processFacts: ProcessFacts
  readonly #self: NodeId
  /** The name of a node or a boot: `computer/instance` if it is known, else the id. */
  readonly #nameOf: (boot: BootId) => string

  constructor({ core, ports, settings, progress, processFacts }: QueriesParts) {
    this.#core = core
    this.#ports = ports
    this.#settings = settings
    this.#progress = progress
    this.#processFacts = processFacts
    this.#self = nodeOf(core.self().boot)
    this.#nameOf = namesIn(core)
  }

  /** Multiaddrs that this node listens on. */
  get addresses(): readonly string[] {
    return this.#core.self().addresses
  }

  /** @throws UnknownTaskError InvalidOptionError */
  record(id: TaskId): TaskRecord {
    const record = this.#core.record(id)
    if (record !== undefined) return record
    throw new UnknownTaskError(
      `no task ${idText(id).slice(0, ID_SHOWN_MAX)} is known here: look at its id again, or at hearsay ls`
    )
  }

  task(id: TaskId): TaskView {
    return this.view(this.record(id))
  }

  /** Tasks that a shortened id may mean. At most two: one to mean, one to be confused with. */
  matching(part: string): TaskId[] {
    if (this.#core.record(part) !== undefined) return [part]
    if (TASK_ID.test(part)) return []
    const found: TaskId[] = []
    for (const { spec } of this.#core.records()) {
      if (spec.id.includes(part) && found.push(spec.id) === 2) break
    }
    return found
  }

  /** This node, all members, peers that have not introduced themselves yet, and expected instances never seen. */
  nodes(): NodeView[] {
    const self = this.#core.self()
    const id = nodeOf(self.boot)
    const peers = new Map(this.#ports.transport.peers().map(peer => [peer.id, peer]))
    peers.delete(id)
    const nodes = [selfView(self)]
    for (const member of this.#core.members(this.#ports.clock.now())) {
      const node = nodeOf(member.heartbeat.boot)
      nodes.push(memberView(member, peers.get(node)))
      peers.delete(node)
    }
    for (const peer of peers.values()) {
      // Its addresses are kept: it may come back after all, and is a member again then.
      if (!this.#core.isForgottenMember(peer.id)) nodes.push(strangerView(peer.id, null, peer))
    }
    const names = new Set(nodes.map(({ name }) => name))
    for (const name of this.#core.roster()) {
      if (!names.has(name)) nodes.push(strangerView(null, name, undefined))
    }
    return nodes.sort((x, y) => compareText(x.name ?? '~', y.name ?? '~'))
  }

  getSystemStatus(): StatusView {
    const quorum = this.#core.hasQuorum(this.#ports.clock.now())
    const status = statusView(this.#settings.cluster, this.#core, this.nodes(), quorum)
    return { ...status, submitters: this.#processFacts.submitters() }
  }

  diagnosis(names: readonly string[] = []): DiagnosisView {
    return diagnosisOf(
      {
        core: this.#core,
        nodes: this.nodes(),
        nameOf: this.#nameOf,
        settings: this.#settings,
        processFacts: this.#processFacts,
        unanswered: this.#ports.transport.unanswered(),
        now: this.#ports.clock.now()
      },
      names
    )
  }

  metricsText(): Promise<string> {
    const counters = this.#ports.transport.counters()
    const loopLagMs = this.#processFacts.loopLagMs()
    return this.#settings.exposition(
      metricsSnapshotOf(this.#core, this.nodes(), counters, loopLagMs)
    )
  }

  /** What this node and the whole cluster have done, by type of task. */
  getMetrics(): MetricsView {
    return metricsView(this.#core)
  }

  checkWorkerHealth(): WorkerHealth[] {
    return this.nodes()
      .filter(({ name }) => name !== null)
      .map(healthOf)
  }

  view(record: TaskRecord): TaskView {
    return {
      ...taskView(record, this.#core, this.#nameOf, this.#reasonFor(record)),
      progress: this.#progress.of(record)
    }
  }

  row(record: TaskRecord): TaskRow {
    return {
      ...taskRow(record, this.#core, this.#nameOf, this.#reasonFor(record)),
      progress: this.#progress.of(record)
    }
  }

  #reasonFor(record: TaskRecord): string | null {
    return this.#whyNot(record, this.#situation(record))?.reason ?? null
  }

  /** @throws UnknownTaskError */
  why(id: TaskId): WhyView {
    const record = this.record(id)
    const state = this.#core.state(record)
    const situation = this.#situation(record)
    const why = this.#whyNot(record, situation)
    const words = why?.words ?? (state === 'running' ? this.#runningWords(record) : '')
    const { type, ref, tags, idempotencyKey } = record.spec
    return {
      v: 1,
      id,
      state,
      reason: why?.reason ?? null,
      words: [words, checkpointWords(record)].filter(Boolean).join('; '),
      type,
      ref,
      tags: [...tags],
      idempotencyKey,
      dependencies: (situation?.open ?? []).map(open => this.#openDependency(open)),
      nodes: situation === null ? [] : this.#whyPerNode(situation)
    }
  }

  #openDependency(id: TaskId): OpenDependency {
    const record = this.#core.record(id)
    if (record === undefined) return { id, type: null, ref: null, state: null, reason: null }
    const { type, ref } = record.spec
    const reason = this.#whyNot(record, this.#situation(record))?.reason ?? null
    return { id, type, ref, state: this.#core.state(record), reason }
  }

  #runningWords(record: TaskRecord): string {
    const { name, paused } = this.#holderOf(record)
    if (paused === 'alone') {
      return `${name} has ended its run, and takes it up again when it sees more of the others`
    }
    const isOver = record.cancelRequest !== null
    return `it runs on ${name}${isOver ? ', which has not heard yet that it is cancelled' : ''}`
  }

  /** @param situation null if it runs, or has settled */
  #whyNot(
    record: TaskRecord,
    situation: Situation | null
  ): Readonly<{ reason: string; words: string }> | null {
    if (situation !== null) return reasonOf(situation)
    if (!isSettled(record) || record.outcome!.status === 'completed') return null
    const { reason, error } = record.outcome!
    return { reason: shown(reason!), words: error?.message ?? '' }
  }

  #whyPerNode(situation: Situation): WhyView['nodes'] {
    const now = this.#ports.clock.now()
    const members = this.#core.members(now).filter(({ status }) => status === 'alive')
    const running = this.#runningAt()
    return [this.#core.self(), ...members.map(({ heartbeat }) => heartbeat)]
      .map(heartbeat => {
        const { boot, name } = heartbeat
        const pools = poolsOf(heartbeat).map(pool => {
          return { ...pool, running: Math.max(pool.running, running(boot, pool.name)) }
        })
        return { node: name, ...reasonAt(situation, name, { ...busyOf(heartbeat), pools }) }
      })
      .sort((x, y) => compareText(x.node, y.node))
  }

  /** How many tasks are known to run in a pool of a boot: what it said of itself may be older. */
  #runningAt(): (boot: BootId, pool: string) => number {
    const counts = new Map<string, number>()
    for (const record of this.#core.records()) {
      if (this.#core.state(record) !== 'running') continue
      const place = `${record.claim.holder} ${record.started!.pool ?? DEFAULT_POOL}`
      counts.set(place, (counts.get(place) ?? 0) + 1)
    }
    return (boot, pool) => counts.get(`${boot} ${pool}`) ?? 0
  }

  /** Null of a task that runs, or has settled. */
  #situation(record: TaskRecord): Situation | null {
    const readiness = this.#core.readiness(record)
    if (readiness === 'Running' || readiness === 'Settled') return null
    const now = this.#ports.clock.now()
    const open = this.#core.openDependencies(record)
    return {
      record,
      readiness,
      open,
      isOpenKnown: open[0] !== undefined && this.#core.record(open[0]) !== undefined,
      broken: this.#core.brokenDependency(record),
      // What only one reason names is looked up for that alone: a list asks for the reasons of thousands.
      pending: readiness === 'PayloadUnavailable' ? [...this.#core.pending(record.spec.id)] : [],
      missing: readiness === 'StartUnconfirmed' ? missingOf(this.#core, now) : [],
      holder: this.#holderOf(record),
      seesMajority: this.#core.hasQuorum(now),
      workers: this.#core.workers(now)
    }
  }

  #holderOf({ claim }: TaskRecord): Situation['holder'] {
    const name = this.#nameOf(claim.holder)
    const node = nodeOf(claim.holder)
    if (node === this.#self) {
      return { name, isAlive: true, ...busyOf(this.#core.self()) }
    }
    const member = this.#core.member(node)
    const isAlive = member?.heartbeat.boot === claim.holder && this.#core.isLinked(node)
    return {
      name,
      isAlive,
      ...(member === undefined ? { draining: false } : busyOf(member.heartbeat))
    }
  }
}

function busyOf({ draining, paused }: Busy): Busy {
  return paused === undefined ? { draining } : { draining, paused }
}
