/**
 * What the node can tell about tasks and nodes: questions, and views as answers. Changes nothing.
 */
import { shown } from '../../core/base/shape.ts'
import { nodeOf, type BootId, type NodeId, type TaskId } from '../../core/base/ids.ts'
import { compareText } from '../../core/base/order.ts'
import { unmet, type Labels } from '../../core/task/labels.ts'
import type { TaskSpec } from '../../core/task/spec.ts'
import { isSettled, isStarted, type TaskRecord } from '../../core/task/record.ts'
import type { CoreView } from '../../core/view.ts'
import { UnknownTaskError } from '../../shared/errors.ts'
import type {
  NodeView,
  StatusView,
  TaskFilter,
  TaskView,
  WhyView,
  WorkerHealth
} from '../api/node-api.ts'
import type { Clock, Transport } from '../../ports/ports.ts'
import type { ProgressBoard } from '../output/progress-board.ts'
import { TASK_ID } from '../../shared/names.ts'
import { idText } from '../tasks/checks.ts'
import { conditionText } from '../tasks/label-options.ts'
import { reasonAt, reasonOf, type Busy, type Situation } from './why.ts'
import { healthOf, memberView, selfView, statusView, strangerView, taskView } from './views.ts'

/** Length to which an id is shown: as long as an id is. */
const ID_SHOWN_MAX = 36

export class Queries {
  readonly #core: CoreView
  readonly #ports: Readonly<{ transport: Transport; clock: Clock }>
  readonly #cluster: string
  readonly #progress: Pick<ProgressBoard, 'of'>
  readonly #self: Readonly<{ node: NodeId; name: string }>

  constructor(
    core: CoreView,
    ports: Readonly<{ transport: Transport; clock: Clock }>,
    settings: Readonly<{ cluster: string; roster: readonly string[] }>,
    progress: Pick<ProgressBoard, 'of'>
  ) {
    this.#core = core
    this.#ports = ports
    this.#progress = progress
    this.#cluster = settings.cluster
    const { boot, name } = core.self()
    this.#self = { node: nodeOf(boot), name }
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

  /** Newest first. */
  *tasks(filter: TaskFilter): Generator<TaskView> {
    const { state, type, tag, node, limit = Number.POSITIVE_INFINITY } = filter
    const matching = (record: TaskRecord): boolean =>
      (state === undefined || this.#core.state(record) === state) &&
      (type === undefined || record.spec.type === type) &&
      (tag === undefined || record.spec.tags.includes(tag)) &&
      (node === undefined || this.nameOf(record.claim.holder) === node)
    const records = [...this.#core.records()].filter(matching)
    records.sort(
      (x, y) => y.spec.submittedAt - x.spec.submittedAt || compareText(y.spec.id, x.spec.id)
    )
    for (const record of records.slice(0, limit)) yield this.view(record)
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

  status(): Omit<StatusView, 'submitters'> {
    const quorum = this.#core.hasQuorum(this.#ports.clock.now())
    return statusView(this.#cluster, this.#core, this.nodes(), quorum)
  }

  health(): WorkerHealth[] {
    return this.nodes()
      .filter(({ name }) => name !== null)
      .map(healthOf)
  }

  /** What a caller should know who submits such a task. */
  warnings({ type, labels }: Pick<TaskSpec, 'type' | 'labels'>): string[] {
    const workers = this.#core.workers(this.#ports.clock.now())
    const able = workers.filter(({ handlers }) => handlers.includes(type))
    if (able.length === 0) {
      const types = [...new Set(workers.flatMap(({ handlers }) => handlers))].sort(compareText)
      const there = types.length === 0 ? 'there are none at all' : `there are: ${types.join(', ')}`
      return [`no node has a handler for ${type} (${there}): the task waits until one joins`]
    }
    if (able.some(worker => unmet(labels.require, worker.labels) === undefined)) return []
    const wanted = labels.require.map(conditionText).join(', ')
    const there = able.map(worker => labelText(worker.labels)).sort(compareText)
    return [
      `no node with a handler for ${type} has the labels ${wanted} (there are: ${[...new Set(there)].join('; ')}): the task waits until one joins`
    ]
  }

  view(record: TaskRecord): TaskView {
    const nameOf = (boot: BootId): string => this.nameOf(boot)
    const reason = this.#whyNot(record)?.reason ?? null
    return { ...taskView(record, this.#core, nameOf, reason), progress: this.#progress.of(record) }
  }

  /** @throws UnknownTaskError */
  why(id: TaskId): WhyView {
    const record = this.record(id)
    const state = this.#core.state(record)
    const why = this.#whyNot(record)
    const words = why?.words ?? (state === 'running' ? this.#runningWords(record) : '')
    const nodes = state === 'running' || isSettled(record) ? [] : this.#whyPerNode(record)
    return { v: 1, id, state, reason: why?.reason ?? null, words, nodes }
  }

  #runningWords(record: TaskRecord): string {
    const { name, paused } = this.#holderOf(record)
    if (paused === 'alone') {
      return `${name} has ended its run, and takes it up again when it sees more of the others`
    }
    const isOver = record.cancelRequest !== null
    return `it runs on ${name}${isOver ? ', which has not heard yet that it is cancelled' : ''}`
  }

  #whyNot(record: TaskRecord): Readonly<{ reason: string; words: string }> | null {
    const state = this.#core.state(record)
    if (state === 'running' || state === 'completed') return null
    if (!isSettled(record)) return reasonOf(this.#situation(record))
    const { reason, error } = record.outcome!
    return { reason: shown(reason!), words: error?.message ?? '' }
  }

  #whyPerNode(record: TaskRecord): WhyView['nodes'] {
    const situation = this.#situation(record)
    const now = this.#ports.clock.now()
    const members = this.#core.members(now).filter(({ status }) => status === 'alive')
    const running = this.#runningAt()
    return [this.#core.self(), ...members.map(({ heartbeat }) => heartbeat)]
      .map(worker => ({ ...worker, running: Math.max(worker.running, running(worker.boot)) }))
      .map(worker => ({ node: worker.name, ...reasonAt(situation, worker.name, worker) }))
      .sort((x, y) => compareText(x.node, y.node))
  }

  /** How many tasks are known to run at a boot: what it said of itself may be older. */
  #runningAt(): (boot: BootId) => number {
    const counts = new Map<BootId, number>()
    for (const record of this.#core.records()) {
      if (!isStarted(record) || isSettled(record) || this.#core.isUncalled(record.spec.id)) continue
      const { holder } = record.claim
      counts.set(holder, (counts.get(holder) ?? 0) + 1)
    }
    return boot => counts.get(boot) ?? 0
  }

  #situation(record: TaskRecord): Situation {
    const now = this.#ports.clock.now()
    const open = this.#core.openDependencies(record)
    return {
      record,
      wallMs: this.#core.wallMs(now),
      open,
      isOpenKnown: open[0] !== undefined && this.#core.record(open[0]) !== undefined,
      isUnconfirmed: this.#core.isUnconfirmed(record.spec.id),
      isWithoutBlob: this.#core.isWithoutBlob(record.spec.id),
      isStartUnconfirmed: this.#core.isStartUnconfirmed(record.spec.id),
      missing: missingOf(this.#core, now),
      holder: this.#holderOf(record),
      seesMajority: this.#core.hasQuorum(now),
      workers: this.#core.workers(now)
    }
  }

  #holderOf({ claim }: TaskRecord): Situation['holder'] {
    const name = this.nameOf(claim.holder)
    const node = nodeOf(claim.holder)
    if (node === this.#self.node) {
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

  /** The name of a node or a boot: `computer/instance` if it is known, else the id. */
  nameOf(boot: BootId): string {
    const node: NodeId = nodeOf(boot)
    if (node === this.#self.node) return this.#self.name
    return this.#core.member(node)?.heartbeat.name ?? node
  }
}

/** Names of the members of which none is connected; none if one is. */
export function missingOf(core: CoreView, now: number): string[] {
  const others = core.members(now).filter(({ status }) => status !== 'left')
  if (others.some(({ linked }) => linked)) return []
  return others.map(({ heartbeat }) => heartbeat.name || nodeOf(heartbeat.boot)).sort(compareText)
}

function busyOf({ draining, paused }: Busy): Busy {
  return paused === undefined ? { draining } : { draining, paused }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`)
  return pairs.length === 0 ? 'none' : pairs.join(' ')
}
